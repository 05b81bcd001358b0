"""Lapses: examples that a seed gets wrong, weighted by how well the seeds of a baseline know them.

A defect that costs little accuracy costs more of what every seed knows: mistakes there are rare, so they stand out from
the seeds' own coming and going at the border between classes. An example weighs max(0, logit of the share of seeds that
are right). A seed's sum is one of rare events, skewed to the bad side; its root has nearly one spread and no skew, so
that Student's t holds. Source: F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data",
Biometrika 35 (1948), with the greatest weight as the size of an event.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LEAST_KNOWING = 20  # seeds of a baseline, from which on their weights were measured
LEAST_SPREAD = 0.25  # of the root of the greatest weight: half of what a sum of such events would have

Array = NDArray[np.float64]


class Lapses(NamedTuple):
    """What seeds lose of what a baseline knows, as roots: lower is better.

    Attributes:
        before: of the baseline's seeds, each by what the others know, `(m,)`.
        now: of the candidate's, by the same weights on average, `(k,)`.
        least: the least spread that is believed, where the baseline's seeds have hardly any lapses.
    """

    before: Array
    now: Array
    least: float


def lapses(before: NDArray[np.bool_], now: NDArray[np.bool_], share: float = 1.0) -> Lapses:
    """The lapses of a baseline's seeds and of a candidate's.

    Args:
        before: which examples each seed of the baseline gets right, `(m, n)`, with m of two or more.
        now: likewise of the candidate, `(k, n)`.
        share: of independent units among the examples; below 1 where several of these come and go together.

    Raises:
        ValueError: if there are fewer than two seeds before.
    """
    m = len(before)
    if m < 2:
        raise ValueError(f"{m} seeds before, expected two or more")
    count = before.sum(axis=0)
    # Without one of the seeds, the others that are right are one fewer where that one is.
    of_wrong, of_right = _weights(np.minimum(count, m - 1), m - 1), _weights(np.maximum(count - 1, 0), m - 1)
    greatest = float(_weights(np.array([m - 1]), m - 1)[0])
    weights = (count / m) * of_right + (1 - count / m) * of_wrong
    then, later = (np.sqrt(share * sums + 3 / 8 * greatest) for sums in (~before @ of_wrong, ~now @ weights))
    return Lapses(then, later, LEAST_SPREAD * math.sqrt(greatest))


def _weights(right: NDArray[np.int64], seeds: int) -> Array:
    """What examples weigh that so many of some seeds get right: half a seed is added to either side."""
    share = (right + 0.5) / (seeds + 1)
    return np.maximum(0.0, np.log(share / (1 - share)))
