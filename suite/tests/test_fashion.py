"""Fashion-MNIST is what its name says, from the directory that is named, or one sentence says why not."""

import os
from pathlib import Path

import numpy as np
import pytest

from fitgate.data import DataError
from suite import fashion
from suite.fashion import DIRECTORY, PACKAGED, dataset
from suite.tests.idx import write_idx
from suite.tests.probe import probe

WHOLE = os.environ.get(DIRECTORY.variable) or (PACKAGED if PACKAGED.is_dir() else None)


@pytest.fixture(autouse=True)
def nothing_named(monkeypatch):
    monkeypatch.delenv(DIRECTORY.variable, raising=False)


def test_a_directory_of_idx_files_is_read(tmp_path):
    data = dataset(write_idx(tmp_path / "some"), digest=None)
    assert (data.name, len(data.train), len(data.test), data.image_shape) == ("Fashion-MNIST", 200, 200, (28, 28))
    assert (data.train.X.dtype, data.train.X.shape, data.train.y.dtype) == (np.uint8, (200, 784), np.uint8)
    assert (data.licence, data.class_names[0], data.class_names[9]) == ("MIT", "T-shirt/top", "Ankle boot")


def test_other_data_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"Fashion-MNIST: found data with SHA-256 .*, expected d1fd84a8"):
        _ = dataset(write_idx(tmp_path / "digits")).train


def test_without_a_directory_one_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion, "PACKAGED", tmp_path / "not-installed")
    with pytest.raises(DataError, match=r"no directory.*install .* dataset-fashion-mnist, .*FITGATE_FASHION_DIR"):
        _ = dataset(None).train


def test_without_a_directory_the_package_s_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(fashion, "PACKAGED", write_idx(tmp_path / "installed"))
    assert len(dataset(None, digest=None).train) == 200


@pytest.mark.skipif(not WHOLE, reason="Fashion-MNIST is not on this machine")
def test_the_published_data_is_verified():
    data = dataset(Path(WHOLE))
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert np.bincount(data.test.y).tolist() == [1_000] * 10


# The plugin


@pytest.mark.parametrize(
    ("option", "key", "variable", "named"),
    [
        ("", "", "by-variable", "by-variable"),
        ("", "by-key", "by-variable", "by-key"),
        ("by-option", "by-key", "by-variable", "by-option"),
    ],
)
def test_an_option_goes_before_a_key_and_a_key_before_a_variable(project, monkeypatch, option, key, variable, named):
    monkeypatch.setenv(DIRECTORY.variable, str(project.path / variable))
    project.pytester.makeini(f"[pytest]\nfit_fashion_dir = {key}")
    given = [f"--fit-fashion-dir={option}"] if option else []
    result = probe(project, "suite.fashion", "FASHION", "--fit-tasks=fashion", *given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {project.path / named}: found no readable directory*"])


def test_the_task_is_slow(project):
    result = probe(project, "suite.fashion", "FASHION", "--collect-only", "-q")
    result.stdout.no_fnmatch_line("*reader-fashion*")
