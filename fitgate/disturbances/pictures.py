"""Disturbances of pictures, by scipy.ndimage: float64 arrays `(n, height, width, channels)`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Generator = np.random.Generator
EDGE = "nearest"  # what comes into sight is as the edge was
LINEAR = 1  # order of the spline between pixels


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures as floating-point numbers, and what they were.

    Attributes:
        values: float64 `(n, height, width, channels)`.
        given: the array that they came from, of any shape with a row for each.
    """

    values: Array
    given: Array

    @classmethod
    def of(cls, X: Array, image_shape: tuple[int, ...]) -> Self:
        """Those in the rows of an array."""
        height, width, *channels = image_shape
        return cls(X.reshape(len(X), height, width, math.prod(channels)).astype(np.float64), X)

    @property
    def span(self) -> tuple[float, float]:
        """The least and the greatest value of all pixels."""
        return float(self.values.min()), float(self.values.max())

    def back(self, values: Array) -> Array:
        """Changed pictures, of the range, the type and the shape that these came in."""
        kept = np.clip(values, *self.span)
        if self.given.dtype.kind in "iu":
            kept = np.rint(kept)
        return kept.astype(self.given.dtype).reshape(self.given.shape)


def _signs(n: int, rng: Generator) -> Array:
    return np.where(rng.random(n) < 0.5, -1.0, 1.0)


def _shifted(values: Array, pixels: float, span: tuple[float, float], rng: Generator) -> Array:
    from scipy.ndimage import shift

    ways = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])[rng.integers(4, size=len(values))]
    return _each(values, lambda one, i: shift(one, (*(pixels * ways[i]), 0), order=LINEAR, mode=EDGE))


def _rotated(values: Array, degrees: float, span: tuple[float, float], rng: Generator) -> Array:
    from scipy.ndimage import rotate

    angles = degrees * _signs(len(values), rng)
    return _each(values, lambda one, i: rotate(one, angles[i], reshape=False, order=LINEAR, mode=EDGE))


def _scaled(values: Array, share: float, span: tuple[float, float], rng: Generator) -> Array:
    from scipy.ndimage import affine_transform

    factors = (1 + share) ** _signs(len(values), rng)
    middle = np.array([(length - 1) / 2 for length in values.shape[1:3]] + [0.0])

    def scaled(one: Array, i: int) -> Array:
        back = np.array([1 / factors[i], 1 / factors[i], 1.0])
        drawn: Array = affine_transform(one, back, middle - back * middle, order=LINEAR, mode=EDGE)
        return drawn

    return _each(values, scaled)


def _blurred(values: Array, pixels: float, span: tuple[float, float], rng: Generator) -> Array:
    from scipy.ndimage import gaussian_filter

    blurred: Array = gaussian_filter(values, (0, pixels, pixels, 0), mode=EDGE)
    return blurred


def _lit(values: Array, share: float, span: tuple[float, float], rng: Generator) -> Array:
    return values + share * (span[1] - span[0]) * _signs(len(values), rng)[:, None, None, None]


def _noisy(values: Array, share: float, span: tuple[float, float], rng: Generator) -> Array:
    return values + share * (span[1] - span[0]) * rng.standard_normal(values.shape)


def _each(values: Array, change: Callable[[Array, int], Array]) -> Array:
    return np.stack([change(one, i) for i, one in enumerate(values)])


# From pictures, a strength, the range of all pixels and a generator to the changed ones.
PICTURES: dict[str, Callable[[Array, float, tuple[float, float], Generator], Array]] = {
    "shift": _shifted,
    "rotation": _rotated,
    "scale": _scaled,
    "blur": _blurred,
    "brightness": _lit,
    "noise": _noisy,
}
