"""Data is what it claims to be, or there is one sentence that says what is wrong."""

import gzip
import os
import struct
import urllib.error
from pathlib import Path

import numpy as np
import pytest

from fitgate.data import DataError, Split, cache, load, sources
from fitgate.data.idx import encode_idx, read_idx
from tests import fakes

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGIT_BENCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "scikit_learn_data"))


@pytest.fixture
def directory(tmp_path):
    return fakes.write_idx(tmp_path / "digits")


def test_quick_is_stratified_and_verified():
    data = load("quick")
    assert (len(data.train), len(data.test)) == (4_000, 1_000)
    assert np.bincount(data.test.labels).tolist() == [100] * 10
    assert np.bincount(data.train.labels[:50]).tolist() == [5] * 10
    assert data.train.images.dtype == np.uint8
    assert data.digest.startswith("83632dfdf1")


def test_quick_is_decoded_once(monkeypatch):
    first = load("quick")
    monkeypatch.setattr("numpy.loadtxt", lambda *_, **__: pytest.fail("decoded again"))
    assert load("quick").digest == first.digest


def test_nothing_half_written_remains_of_an_interrupted_store(monkeypatch):
    def interrupted(file, **_):
        file.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr("numpy.savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load("quick")
    assert list(cache.cache_directory().iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 damaged", b"no archive at all"])
def test_a_damaged_cache_is_named(content):
    load("quick")
    cache.cache_file("mnist-quick").write_bytes(content)
    with pytest.raises(DataError, match=r"mnist-quick\.npz: found an unreadable cache file .*; delete that file"):
        load("quick")


def test_an_edited_cache_fails_by_digest():
    load("quick")
    arrays = cache.cached("mnist-quick")
    arrays["labels"][0] = 9
    cache.store("mnist-quick", arrays)
    with pytest.raises(DataError, match=r"\(labels\): found SHA-256 .*, expected MNIST's 41b7b0a9.*; delete that file"):
        load("quick")


def test_any_data_in_mnist_s_format_stands_in(directory):
    data = load("quick", dataset_dir=directory)
    assert (data.name, data.profile, len(data.train)) == ("digits", "custom", 200)
    assert data.test.images[7, 7] == 255


def test_gzipped_and_raw_files_are_the_same_data(directory):
    raw = load("quick", dataset_dir=directory).digest
    for path in list(directory.iterdir()):
        (directory / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert load("quick", dataset_dir=directory).digest == raw


def test_idx_round_trip(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "x").write_bytes(encode_idx(array))
    assert (read_idx(tmp_path / "x", 3) == array).all()


def idx(shape, content, magic=b"\0\0\x08"):
    return magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + content


FAULTS = {
    "empty file": (TRAIN_IMAGES, b"", "found an empty file, expected IDX data; download"),
    "wrong magic": (
        TRAIN_IMAGES,
        idx((1, 28, 28), bytes(784), magic=b"\0\0\x0d"),
        "found magic number 0x00000d03, expected 0x00000803",
    ),
    "labels for images": (
        TRAIN_IMAGES,
        encode_idx(fakes.LABELS),
        "found magic number 0x00000801, expected 0x00000803",
    ),
    "header cut short": (TRAIN_IMAGES, b"\0\0\x08\x03\0\0", "found 6 bytes, expected a header of 16 bytes"),
    "count that lies": (
        TRAIN_IMAGES,
        idx((300, 28, 28), bytes(784)),
        "found 784 bytes after the header, expected 235,200, as the header's 300 x 28 x 28 says",
    ),
    "other size": (TRAIN_IMAGES, idx((200, 32, 32), bytes(200 * 1024)), "found images of 32 x 32 pixels, expected 28"),
    "no images": (TRAIN_IMAGES, idx((0, 28, 28), b""), "found no images, expected at least one"),
    "fewer labels": (
        TRAIN_LABELS,
        encode_idx(fakes.LABELS[:199]),
        "found 200 images but 199 labels, expected one label",
    ),
    "label that is no digit": (
        TRAIN_LABELS,
        encode_idx(np.full(200, 10, np.uint8)),
        "found label 10 at position 0, expected labels from 0 to 9",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_file_is_named_with_what_was_found_and_expected(directory, fault):
    name, content, message = FAULTS[fault]
    (directory / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        load("quick", dataset_dir=directory)
    assert str(caught.value).startswith(str(directory / name))
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_a_truncated_gzip_is_named(directory, keep):
    path = directory / TRAIN_IMAGES
    content = gzip.compress(path.read_bytes())
    path.with_name(f"{path.name}.gz").write_bytes(content[: int(keep * len(content))])
    path.unlink()
    with pytest.raises(DataError, match=r"ubyte\.gz: found a damaged or truncated gzip file .*; download or copy it"):
        load("quick", dataset_dir=directory)


def test_a_missing_file_is_named(directory):
    (directory / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte: found no such file beside .*; put all four"):
        load("quick", dataset_dir=directory)


def test_an_unreadable_file_is_named(directory, monkeypatch):
    def denied(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(
        DataError, match=r"found an unreadable file \(Permission denied\), expected a readable IDX file"
    ):
        load("quick", dataset_dir=directory)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_directory_is_named(directory):
    directory.chmod(0)
    with pytest.raises(DataError, match=r"found no readable directory \(Permission denied\)"):
        load("quick", dataset_dir=directory)
    directory.chmod(0o700)


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: found no readable directory \(No such file or directory\)"):
        load("full", mnist_dir=tmp_path / "nowhere")


def test_other_data_is_not_taken_for_mnist(directory):
    with pytest.raises(
        DataError, match=r"\(train-images\): found SHA-256 .*, expected MNIST's ba891046.*--dataset-dir"
    ):
        load("full", mnist_dir=directory)


def test_the_environment_names_mnist_s_directory(directory, monkeypatch):
    monkeypatch.setenv(sources.MNIST_DIR_VARIABLE, str(directory))
    with pytest.raises(DataError, match="expected MNIST's ba891046"):
        load("full")


@pytest.mark.filterwarnings("ignore:A network error occurred")
def test_without_a_network_the_error_says_what_to_do(monkeypatch):
    def unplugged(*_, **__):
        raise urllib.error.URLError("Network is unreachable")

    monkeypatch.delenv(sources.MNIST_DIR_VARIABLE, raising=False)
    monkeypatch.setattr("sklearn.datasets._openml.urlopen", unplugged)
    monkeypatch.setattr("sklearn.datasets._openml.time.sleep", lambda seconds: None)
    with pytest.raises(DataError, match=r"OpenML mnist_784 version 1: found no download .*unreachable.*--mnist-dir or"):
        load("full")
    assert not cache.cache_directory().exists()


def test_a_download_of_something_else_is_refused(monkeypatch):
    class Bunch:
        data, target = np.zeros((70_000, 784)), np.array(["5"] * 70_000)

    monkeypatch.delenv(sources.MNIST_DIR_VARIABLE, raising=False)
    monkeypatch.setattr("sklearn.datasets.fetch_openml", lambda *_, **__: Bunch)
    with pytest.raises(DataError, match=r"OpenML mnist_784 \(train-images\): found SHA-256"):
        load("full")
    assert not cache.cache_directory().exists()


def test_a_full_cache_that_is_not_mnist_is_refused(monkeypatch):
    monkeypatch.delenv(sources.MNIST_DIR_VARIABLE, raising=False)
    cache.store("mnist-full", {"images": np.zeros((70_000, 784), np.uint8), "labels": np.zeros(70_000, np.uint8)})
    with pytest.raises(DataError, match=r"mnist-full\.npz \(train-images\): found SHA-256"):
        load("full")


@pytest.mark.skipif(not os.environ.get(sources.MNIST_DIR_VARIABLE), reason="no directory with all of MNIST is named")
def test_full_mnist_is_verified_and_comes_back_the_same_from_the_cache(monkeypatch):
    data = load("full")
    assert (len(data.train), len(data.test), data.digests) == (60_000, 10_000, sources.MNIST_DIGESTS)
    both = (data.train, data.test)
    everything = {key: np.concatenate([getattr(split, key) for split in both]) for key in ("images", "labels")}
    cache.store("mnist-full", everything)
    monkeypatch.delenv(sources.MNIST_DIR_VARIABLE)
    assert load("full").digest == data.digest


def test_models_can_t_change_the_data():
    split = Split(fakes.images(), fakes.LABELS.copy())
    with pytest.raises(ValueError, match="read-only"):
        split.images[0, 0] = 1
