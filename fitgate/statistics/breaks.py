"""Breaks: examples that all seeds of a baseline get right, and another seed gets wrong.

A model's own seeds break some, too: of each seed of the baseline, those that all the others get right. A candidate's
are counted by the same measure, so that under the same model its seeds and the baseline's are exchangeable. Such breaks
are what S. Yan et al. call negative flips: "Positive-congruent training: towards regression-free model updates", CVPR
2021.

Such shares are of few examples, and skewed. They are compared as roots of counts, of nearly one spread and no skew
(F. J. Anscombe, "The transformation of Poisson, binomial and negative-binomial data", Biometrika 35, 1948).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.statistics.seeds import SeedsFall

LEAST_SPREAD = 0.25  # of the roots: half of what examples would have that break each by itself


class Breaks(NamedTuple):
    """Shares of examples that seeds break.

    Attributes:
        before: of the baseline's seeds, each by what all the others know, `(m,)`.
        now: of the candidate's, by what all of the baseline's but one know, on average over which one, `(k,)`.
    """

    before: NDArray[np.float64]
    now: NDArray[np.float64]

    def fall(
        self, n: int, allowed: float, first: int, most: int, looked_at: int | None = None, by_one: bool = False
    ) -> SeedsFall:
        """By how much the candidate's seeds break more than is allowed: more than no fall is more than that.

        Args:
            n: how many independent examples the shares are of.
            allowed: what they may break beyond what the baseline's seeds do, as a share.
            first, most: when one looks, as for `SeedsFall`.
            looked_at: how many of the candidate's seeds; None for all.
            by_one: whether one seed alone may decide: of a mean, none should, unless it stands for all.
        """
        now = self.roots(self.now, n)[:looked_at]
        return SeedsFall(
            self.roots(self.before + allowed, n), now, first, most, False, least=LEAST_SPREAD, by_one=by_one
        )

    @staticmethod
    def roots(shares: NDArray[np.float64], n: int) -> NDArray[np.float64]:
        """Shares of n examples as roots of counts, whose spread is half where each breaks by itself."""
        return np.asarray(np.sqrt(n * shares + 3 / 8))


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
