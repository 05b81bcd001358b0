"""Disturbances: what may happen to the examples that a model is asked about, and is no reason to answer otherwise.

Each takes a strength in a unit of its own, and is the same for all models: what is drawn, such as the direction of a
shift, is drawn once for each example, from a seed, and is the same at all strengths. The type, the shape and the range
of the examples stay what they were; but another unit leaves the range.
"""

from __future__ import annotations

from fitgate.disturbances.disturbance import Disturbance, disturbed
from fitgate.disturbances.errors import DisturbanceError

__all__ = [
    "Disturbance",
    "DisturbanceError",
    "blur",
    "brightness",
    "disturbed",
    "missing",
    "noise",
    "rotation",
    "scale",
    "shift",
    "typos",
    "units",
    "unseen",
]


def shift(pixels: float, *, seed: int = 0) -> Disturbance:
    """Pictures moved by so many pixels up, down, left or right; what comes into sight is as the edge was."""
    return Disturbance("shift", pixels, "pixels", seed=seed)


def rotation(degrees: float, *, seed: int = 0) -> Disturbance:
    """Pictures turned about their middle by so many degrees, to the left or to the right."""
    return Disturbance("rotation", degrees, "degrees", seed=seed)


def scale(share: float, *, seed: int = 0) -> Disturbance:
    """Pictures drawn larger about their middle by such a share, or smaller: by 0.25, times 1.25 or divided by it."""
    return Disturbance("scale", share, "share of the size", seed=seed)


def blur(pixels: float) -> Disturbance:
    """Pictures blurred by a normal distribution, of a standard deviation of so many pixels."""
    return Disturbance("blur", pixels, "pixels")


def brightness(share: float, *, seed: int = 0) -> Disturbance:
    """Pictures lighter or darker as a whole, by such a share of the range of all pixels."""
    return Disturbance("brightness", share, "share of the range", seed=seed)


def noise(share: float, *, seed: int = 0) -> Disturbance:
    """Normal noise on each number, cut off at the ends of the range.

    Its standard deviation is such a share of the range of all pixels; where rows are no pictures, of each column's own
    standard deviation.
    """
    return Disturbance("noise", share, "share of the spread", seed=seed)


def missing(share: float, *, seed: int = 0) -> Disturbance:
    """Such a share of the values of a table missing: NaN among floating-point numbers, None among objects."""
    return Disturbance("missing", share, "share of the values", seed=seed)


def units(share: float, *, column: str | int, factor: float, seed: int = 0) -> Disturbance:
    """A column of a table in another unit, for such a share of the rows: times the factor."""
    return Disturbance("units", share, "share of the rows", column=column, factor=factor, seed=seed)


def unseen(share: float, *, column: str | int, seed: int = 0) -> Disturbance:
    """A category in a column of a table that no row had, for such a share of the rows: a word, or the next number."""
    return Disturbance("unseen", share, "share of the rows", column=column, seed=seed)


def typos(share: float, *, seed: int = 0) -> Disturbance:
    """Such a share of the characters of texts left out, doubled, swapped with the next, or another of the same text."""
    return Disturbance("typos", share, "share of the characters", seed=seed)
