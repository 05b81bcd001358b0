"""The level of times that were measured one after the other, on a machine that others use, too."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

SLICE = 0.02  # seconds: what else runs on a machine comes and goes more slowly than that
SHARE = 0.2  # of the slices: below their level there are as many


def quiet_level(times: ArrayLike, least: int) -> float:
    """The level of a series `(n,)` in seconds where the machine is quiet.

    The series is cut into slices, and the level is the 20th percentile of their medians. What runs beside slows some of
    the slices, and the percentile leaves them above; within a slice, the median leaves out the odd slow one. On a quiet
    machine, slices are alike, and the level is the median.

    Args:
        times: in the order in which they were measured.
        least: the fewest of a slice, which is 20 ms long at least: as many as make slices alike where times differ by
            what is timed.

    Raises:
        ValueError: if there is no time.
    """
    x = np.asarray(times, np.float64).tolist()  # whose numbers Python adds and sorts sooner than NumPy's, one by one
    if not x:
        raise ValueError("no times, expected one or more")
    starts, begun, taken = [0], 0, 0.0
    for i, seconds in enumerate(x):
        if i - begun >= least and taken >= SLICE:
            starts.append(i)
            begun, taken = i, 0.0
        taken += seconds
    if len(starts) > 1 and (len(x) - begun < least or taken < SLICE):
        starts.pop()  # the rest is too short for a slice
    ends = [*starts[1:], len(x)]
    return float(np.quantile([_median(x[a:b]) for a, b in zip(starts, ends, strict=True)], SHARE))


def _median(values: list[float]) -> float:
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
