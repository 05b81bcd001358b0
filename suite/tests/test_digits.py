"""The digits are MNIST's, or there is one sentence that says why not."""

import os

import numpy as np
import pytest

from fitgate.data import DataError, Dataset
from fitgate.data.idx import encode_idx
from suite import mnist
from suite.digits import DATASET, DIGITS, FIVES, TRAITS

LABELS = np.tile(np.arange(10, dtype=np.uint8), 3)
FULL = os.environ.get(mnist.MNIST_DIR_VARIABLE)


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FITGATE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv(mnist.MNIST_DIR_VARIABLE, raising=False)
    monkeypatch.delenv(mnist.DATASET_DIR_VARIABLE, raising=False)


def write(directory, labels=LABELS, side=28):
    directory.mkdir(parents=True, exist_ok=True)
    for part in ("train", "t10k"):
        images = np.zeros((len(labels), side, side), np.uint8)
        (directory / f"{part}-images-idx3-ubyte").write_bytes(encode_idx(images))
        (directory / f"{part}-labels-idx1-ubyte").write_bytes(encode_idx(labels))
    return directory


def test_quick_is_stratified_and_the_data_of_the_baselines():
    data = DATASET.on("quick")
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
    fresh = Dataset("MNIST", {"quick": mnist.quick}, image_shape=(28, 28), digest={"quick": DATASET.on("quick").digest})
    with pytest.raises(DataError, match=r"MNIST \(quick\): found data with SHA-256 .*, expected 83632dfdf1.*; restore"):
        _ = fresh.train


def test_tasks_ask_of_the_digits():
    y = np.array([5, 7, 8, 1], np.uint8)
    assert DIGITS.target(y).tolist() == [5, 7, 8, 1]
    assert FIVES.target(y).tolist() == [True, False, False, False]
    assert TRAITS.target(y).tolist() == [[False, True], [True, True], [True, False], [False, True]]
    assert {task.dataset for task in (DIGITS, FIVES, TRAITS)} == {DATASET}


def test_any_data_in_mnist_s_format_stands_in(tmp_path, monkeypatch):
    monkeypatch.setenv(mnist.DATASET_DIR_VARIABLE, str(write(tmp_path / "fashion")))
    data = DATASET.on("custom")
    assert (data.name, data.profile, len(data.train), data.class_names) == (
        "fashion",
        "custom",
        30,
        tuple("0123456789"),
    )
    assert DATASET.on("custom") is data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"labels": LABELS + np.uint8(1)}, "found label 10 at position 9, expected labels from 0 to 9"),
        ({"side": 32}, "found 1024 values in each row of X, expected 784, for images of 28 x 28 pixels"),
    ],
)
def test_what_is_not_of_mnist_s_format_is_refused(tmp_path, monkeypatch, options, message):
    monkeypatch.setenv(mnist.DATASET_DIR_VARIABLE, str(write(tmp_path / "odd", **options)))
    with pytest.raises(DataError, match=rf"^odd \(custom\), train split: {message}"):
        _ = DATASET.on("custom").train


def test_custom_data_needs_a_directory():
    with pytest.raises(
        DataError, match=r"profile custom: found no directory of data, .*; name it by --fit-dataset-dir"
    ):
        DATASET.on("custom")


def test_other_data_is_not_taken_for_mnist(tmp_path, monkeypatch):
    monkeypatch.setenv(mnist.MNIST_DIR_VARIABLE, str(write(tmp_path / "digits")))
    with pytest.raises(DataError, match=r"\(train X\): found SHA-256 .*, expected MNIST's ba891046.*--fit-dataset-dir"):
        mnist.full()


def test_mnist_is_downloaded_into_the_user_s_cache_and_verified(tmp_path, monkeypatch):
    asked = []

    def retrieve(url, *, known_hash, fname, path, progressbar):
        asked.append((url, known_hash))
        write(path)  # something else, whatever its MD5

    monkeypatch.setattr("pooch.retrieve", retrieve)
    with pytest.raises(DataError, match=r"mnist \(train X\): found SHA-256 .*, expected MNIST's ba891046"):
        mnist.full()
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
        mnist.full()
    assert not list((tmp_path / "cache" / "mnist").iterdir())


@pytest.mark.skipif(not FULL, reason="no directory with all of MNIST is named")
def test_full_mnist_is_verified(monkeypatch):
    monkeypatch.setenv(mnist.MNIST_DIR_VARIABLE, FULL)
    data = Dataset("MNIST", mnist.full, image_shape=(28, 28))
    assert (len(data.train), len(data.test), data.digests) == (60_000, 10_000, mnist.MNIST_DIGESTS)


# The plugin

OPTION = """
def pytest_addoption(parser):
    parser.addoption("--fit-profile")

def pytest_configure(config):
    config.profile = config.getoption("fit_profile")  # as the library's plugin reads it
"""
PROBE = """
import os

def test_probe(pytestconfig):
    print(pytestconfig.profile, *map(os.environ.get, ("FITGATE_DATASET_DIR", "FITGATE_MNIST_DIR")))
"""


@pytest.fixture
def probe(pytester):
    pytester.makeconftest(OPTION)
    pytester.makepyfile(PROBE)
    return lambda *options: pytester.runpytest("-s", "-p", "suite.digits", *options)


def test_a_directory_of_data_makes_the_profile_custom(probe, pytester):
    result = probe("--fit-dataset-dir=fashion", "--fit-mnist-dir=mnist")
    result.stdout.fnmatch_lines([f"*custom {pytester.path / 'fashion'} {pytester.path / 'mnist'}*"])
    assert mnist.DATASET_DIR_VARIABLE not in os.environ


@pytest.mark.parametrize(("options", "profile"), [((), "custom"), (("--fit-profile=full",), "full")])
def test_the_environment_names_it_where_no_profile_is_chosen(probe, monkeypatch, options, profile):
    monkeypatch.setenv(mnist.DATASET_DIR_VARIABLE, "/data/fashion")
    probe(*options).stdout.fnmatch_lines([f"*{profile} /data/fashion None*"])
