"""The digits are MNIST's, or there is one sentence that says why not."""

import os
from pathlib import Path

import numpy as np
import pytest

from fitgate.data import DataError
from suite import mnist
from suite.digits import DIGITS, DIRECTORY, FIVES, TRAITS, dataset
from suite.tests.idx import write_idx
from suite.tests.probe import probe

FULL = os.environ.get(DIRECTORY.variable)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FITGATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv(DIRECTORY.variable, raising=False)


def test_quick_is_stratified_and_the_data_of_the_baselines():
    data = dataset().on("quick")
    assert (data.name, len(data.train), len(data.test)) == ("MNIST", 4_000, 1_000)
    assert np.bincount(data.test.y).tolist() == [100] * 10
    assert np.bincount(data.train.y[:50]).tolist() == [5] * 10
    assert (data.train.X.dtype, data.train.X.shape[1], data.image_shape) == (np.uint8, 784, (28, 28))
    assert data.digest == "83632dfdf18a1d6306c2c30c69a48ed4b677931cafe264e4333b736ed952d62c"


def test_another_edition_of_the_quick_digits_is_refused(monkeypatch):
    whole = np.loadtxt

    def edited(*arguments, **options):
        table = whole(*arguments, **options)
        table[0, -1] = 9
        return table

    monkeypatch.setattr("numpy.loadtxt", edited)
    with pytest.raises(DataError, match=r"MNIST \(quick\): found data with SHA-256 .*, expected 83632dfdf1.*; restore"):
        _ = dataset().on("quick").train


def test_tasks_ask_of_the_digits():
    y = np.array([5, 7, 8, 1], np.uint8)
    assert DIGITS.target(y).tolist() == [5, 7, 8, 1]
    assert FIVES.target(y).tolist() == [True, False, False, False]
    assert TRAITS.target(y).tolist() == [[False, True], [True, True], [True, False], [False, True]]
    assert {task.dataset for task in (DIGITS, FIVES, TRAITS)} == {dataset().name}


def test_other_data_is_not_taken_for_mnist(tmp_path):
    with pytest.raises(DataError, match=r"\(train X\): found SHA-256 .*, expected MNIST's ba891046.*Dataset\.from_idx"):
        mnist.full(write_idx(tmp_path / "digits"))


def test_mnist_is_downloaded_into_the_user_s_cache_and_verified(tmp_path, monkeypatch):
    asked = []

    def retrieve(url, *, known_hash, fname, path, progressbar):
        asked.append((url, known_hash))
        write_idx(path)  # something else, whatever its MD5

    monkeypatch.setattr("pooch.retrieve", retrieve)
    with pytest.raises(DataError, match=r"mnist \(train X\): found SHA-256 .*, expected MNIST's ba891046"):
        mnist.full(None)
    assert asked == [(mnist.MIRRORS[0] + name, known_hash) for name, known_hash in mnist.MIRRORED.items()]
    assert (tmp_path / "cache" / "mnist" / "t10k-labels-idx1-ubyte").exists()


def test_a_download_of_something_else_is_refused(tmp_path, monkeypatch):
    def fetch(self, url, output_file, pooch, **_):
        with open(output_file, "wb") as file:
            file.write(b"not MNIST")

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", fetch)
    with pytest.raises(
        DataError, match=r"found no download of it \(https://.*hash .* does not match.*; connect and run"
    ):
        mnist.full(None)
    assert not list((tmp_path / "cache" / "mnist").iterdir())


@pytest.mark.skipif(not FULL, reason="no directory with all of MNIST is named")
def test_full_mnist_is_verified():
    data = dataset(Path(FULL)).on("full")
    assert (len(data.train), len(data.test), data.digests) == (60_000, 10_000, mnist.MNIST_DIGESTS)


# The plugin


def test_other_data_in_the_directory_that_a_key_names_ends_the_session(project):
    write_idx(project.path / "digits")
    project.pytester.makeini("[pytest]\nfit_mnist_dir = digits")
    result = probe(project, "suite.digits", "DIGITS", "--fit-profile=full")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*digits (train X): found SHA-256 *, expected MNIST's *"])


@pytest.mark.parametrize(("options", "factor"), [((), 4.0), (("--fit-timing=2",), 2.0)])
def test_timings_on_all_of_mnist_take_longer(project, options, factor):
    probe(project, "suite.digits", "DIGITS")
    project.pytester.makepyfile(test_timing=f"def test_factor(timing_factor): assert timing_factor == {factor}")
    assert project.run("--fit-profile=full", "test_timing.py", *options).ret == 0
