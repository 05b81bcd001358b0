"""Breaks: examples that all seeds of a baseline get right, and another seed gets wrong.

A model's own seeds break some, too: of each seed of the baseline, those that all the others get right. A candidate's
are counted by the same measure, so that under the same model its seeds and the baseline's are exchangeable. Such breaks
are what S. Yan et al. call negative flips: "Positive-congruent training: towards regression-free model updates", CVPR
2021.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Breaks(NamedTuple):
    """Shares of examples that seeds break.

    Attributes:
        before: of the baseline's seeds, each by what all the others know, `(m,)`.
        now: of the candidate's, by what all of the baseline's but one know, on average over which one, `(k,)`.
    """

    before: NDArray[np.float64]
    now: NDArray[np.float64]


def breaks(before: NDArray[np.bool_], now: NDArray[np.bool_]) -> Breaks:
    """What seeds break.

    Args:
        before: which examples each seed of the baseline gets right, `(m, n)`, with m of two or more.
        now: likewise of the candidate, `(k, n)`.

    Raises:
        ValueError: if there are fewer than two seeds before.
    """
    m = len(before)
    if m < 2:
        raise ValueError(f"{m} seeds before, expected two or more")
    count = before.sum(axis=0)
    known = np.where(count == m, 1.0, np.where(count == m - 1, 1 / m, 0.0))  # by all but one of them, on average
    return Breaks((~before & (count == m - 1)).mean(axis=1), (~now * known).mean(axis=1))
