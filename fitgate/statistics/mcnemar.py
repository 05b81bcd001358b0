"""McNemar's test: whether one of two classifiers is worse on the same examples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from fitgate.statistics.proportions import REMEMBERED


@dataclass(frozen=True)
class McNemar:
    """Which examples became right or wrong from a baseline to a candidate; a `Change`.

    Attributes:
        losses: examples that were right before and are wrong now.
        gains: examples that were wrong before and are right now.
        n: number of examples.

    Raises:
        ValueError: unless these are counts, together no more than `n`.
    """

    losses: int
    gains: int
    n: int

    def __post_init__(self) -> None:
        if min(self.losses, self.gains) < 0 or self.losses + self.gains > self.n:
            raise ValueError(
                f"{self.losses} losses and {self.gains} gains of {self.n} examples, "
                "expected counts of 0 or more that add up to no more than the examples"
            )

    @classmethod
    def between(cls, was: NDArray[np.bool_], is_now: NDArray[np.bool_]) -> McNemar:
        """The change of which examples are right, `(n,)` each."""
        return cls(int((was & ~is_now).sum()), int((is_now & ~was).sum()), len(was))

    @property
    def size(self) -> float:
        """How far the share of right examples has fallen."""
        return (self.losses - self.gains) / self.n

    @property
    def standard_error(self) -> float:
        """Of the size, by the variance of a difference of paired proportions."""
        discordant = self.losses + self.gains
        return math.sqrt(max(0.0, discordant - (self.losses - self.gains) ** 2 / self.n)) / self.n

    @property
    def p_value(self) -> float:
        """One-sided mid-p value of the hypothesis that the change loses no more examples than it gains.

        Among the discordant examples, either is as likely under the hypothesis: the losses are binomial. The mid-p
        version counts the observed outcome by half, and unlike the exact test does not waste its level. Source: M. W.
        Fagerland, S. Lydersen, P. Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are
        better than exact conditional", BMC Medical Research Methodology 13 (2013).
        """
        return _p_value(self.losses, self.losses + self.gains)

    def power(self, size: float, significance: float) -> float:
        """Probability that the test rejects when the share of right examples has truly fallen by `size`.

        Conditional on the expected number of discordant examples: as many as were seen, or as the fall makes.
        """
        share = max((self.losses + self.gains) / self.n, size)
        discordant = round(share * self.n)
        if not discordant:
            return 0.0
        return _power(discordant, min(1.0, 0.5 + size / (2 * share)), significance)

    def upper_bound(self, confidence: float) -> float:
        """Of how far the share of right examples has fallen, with confidence; above zero even where nothing changed.

        By the adjusted Wald interval of D. G. Bonett, R. M. Price, "Adjusted Wald confidence interval for a difference
        of binomial proportions based on paired data", JEBS 37 (2012): an example more lost, and one more gained.
        """
        n = self.n + 2
        lost, gained = (self.losses + 1) / n, (self.gains + 1) / n
        error = math.sqrt((lost + gained - (lost - gained) ** 2) / n)
        return lost - gained + NormalDist().inv_cdf(confidence) * error


def _mid_p(losses: NDArray[np.int64], discordant: int) -> NDArray[np.float64]:
    from scipy.stats import binom

    return np.asarray(binom.sf(losses, discordant, 0.5) + binom.pmf(losses, discordant, 0.5) / 2)


@lru_cache(REMEMBERED)
def _p_value(losses: int, discordant: int) -> float:
    return float(_mid_p(np.array([losses]), discordant)[0])


@lru_cache(REMEMBERED)
def _power(discordant: int, lost: float, significance: float) -> float:
    """Probability of a rejection where each of the discordant examples is a loss with probability `lost`."""
    from scipy.stats import binom

    rejected = np.flatnonzero(_mid_p(np.arange(discordant + 1), discordant) < significance)
    return float(binom.sf(rejected[0] - 1, discordant, lost)) if len(rejected) else 0.0
