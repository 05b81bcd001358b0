"""Holm's procedure: several tests, and one false-alarm rate for all of them together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values `(k,)`, in the order given: reject where one is below the rate that all together may have.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979). It holds whatever the dependence between the tests.

    Raises:
        ValueError: if a p-value is not from 0 to 1.
    """
    p = np.asarray(p_values, np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values from 0 to 1 expected, found {p[~((p >= 0) & (p <= 1))].tolist()}")
    order = np.argsort(p, kind="stable")
    raised = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(raised, 1)
    return adjusted


def holm_levels(p_values: ArrayLike, level: float) -> NDArray[np.float64]:
    """The level at which each test is decided, given the others' p-values `(k,)`: it rejects where its own is below.

    It is the level of all over the number of tests, less those of the others that are rejected first.

    Args:
        p_values: in any order; as for `holm`.
        level: that all together may err with, as 0.01.
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p, kind="stable")
    levels = np.empty_like(p)
    for i in range(len(p)):
        rejected = 0
        for j in order:
            if j == i:
                continue
            if p[j] >= level / (len(p) - rejected):
                break
            rejected += 1
        levels[i] = level / (len(p) - rejected)
    return levels
