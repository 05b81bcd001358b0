"""The level of times that were measured one after the other, on a machine that others use, too."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

SLICE = 0.02  # seconds: what else runs on a machine comes and goes more slowly than that
SHARE = 0.2  # of the slices: below their level there are as many


def quiet_level(times: Sequence[float], least: int) -> float:
    """The level of a series `(n,)` in seconds where the machine is quiet.

    The series is cut into slices, and the level is the 20th percentile of their medians. What runs beside slows some of
    the slices, and the percentile leaves them above; within a slice, the median leaves out the odd slow one. On a quiet
    machine, slices are alike, and the level is the median. Histories ask for it often: of short parts, Python sorts
    numbers sooner than NumPy.

    Args:
        times: in the order in which they were measured.
        least: the fewest of a slice, which is 20 ms long at least: as many as make slices alike where times differ by
            what is timed.

    Raises:
        ValueError: if there is no time.
    """
    if not len(times):
        raise ValueError("no times, expected one or more")
    taken = list(accumulate(times, initial=0.0))
    edges = [0]
    while (end := max(edges[-1] + least, bisect_left(taken, taken[edges[-1]] + SLICE))) <= len(times):
        edges.append(end)
    edges = [*edges[: max(len(edges) - 1, 1)], len(times)]  # what is left at the end is too short for a slice
    medians = sorted(_median(times[begun:end]) for begun, end in pairwise(edges))
    return float(np.interp(SHARE * (len(medians) - 1), np.arange(len(medians)), medians))


def _median(values: Sequence[float]) -> float:
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
