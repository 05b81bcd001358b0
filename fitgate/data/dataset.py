"""Labelled images, split, and known by their content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fitgate.data.idx import DataError, encode_idx

__all__ = ["SIDE", "DataError", "Dataset", "Split"]

SIDE = 28
CLASSES = 10


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels.

    Attributes:
        images: uint8 `(n, 784)`, row-major 28x28, from 0 (background) to 255 (ink).
        labels: uint8 `(n,)`, from 0 to 9.

    Raises:
        DataError: if the two do not fit each other, or a label is not a digit.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    origin: str = "split"

    def __post_init__(self) -> None:
        if len(self.images) != len(self.labels):
            raise DataError(
                self.origin,
                found=f"{len(self.images):,} images but {len(self.labels):,} labels",
                expected="one label for each image",
                advice="check that both files belong to the same split",
            )
        if len(self.labels) and self.labels.max() >= CLASSES:
            where = int(np.argmax(self.labels >= CLASSES))
            raise DataError(
                self.origin,
                found=f"label {self.labels[where]} at position {where:,}",
                expected="labels from 0 to 9",
                advice="map your classes to 0..9",
            )
        for array in (self.images, self.labels):
            array.setflags(write=False)  # every model of a session sees the same data

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """What models are trained on and judged by.

    Attributes:
        name: what reports call it.
        profile: `quick` or `full` where it is MNIST, `custom` for data that stands in for it.
        train, test: its two splits.
    """

    name: str
    profile: str
    train: Split
    test: Split

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256, in hex, of each part as an uncompressed IDX file, under that file's customary name."""
        return {
            name: hashlib.sha256(encode_idx(array)).hexdigest()
            for name, array in (
                ("train-images", self.train.images.reshape(-1, SIDE, SIDE)),
                ("train-labels", self.train.labels),
                ("t10k-images", self.test.images.reshape(-1, SIDE, SIDE)),
                ("t10k-labels", self.test.labels),
            )
        }

    @cached_property
    def digest(self) -> str:
        """One SHA-256, in hex, for all four parts."""
        return hashlib.sha256("".join(self.digests.values()).encode()).hexdigest()
