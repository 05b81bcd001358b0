"""Proportions: how far from an observed share of successes the true one may lie."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

REMEMBERED = 4_096  # answers that each function keeps: many gates ask the same


def wilson_lower_bound(successes: int, n: int, confidence: float) -> float:
    """One-sided lower confidence bound of a proportion, by Wilson's score interval.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    Args:
        successes: how many of the examples are successes.
        n: how many examples there are.
        confidence: of the bound, as 0.99.

    Raises:
        ValueError: unless `0 <= successes <= n`, `n > 0` and `0.5 <= confidence < 1`.
    """
    if not (0 <= successes <= n and n > 0 and 0.5 <= confidence < 1):
        raise ValueError(
            f"{successes} successes of {n} examples at confidence {confidence}: expected 1 or more examples, no more "
            "successes than examples, and a confidence from 0.5 to below 1"
        )
    return _wilson(successes, n, confidence)


def passing_count(floor: float, n: int, confidence: float) -> int:
    """The fewest successes of `n` whose Wilson lower bound reaches `floor`; `n + 1` where not even `n` do."""
    if not 0 < floor < 1:
        return 0 if floor <= 0 else n + 1
    return _passing_count(floor, n, confidence)


def proportion_upper_bound(successes: int, n: int, confidence: float) -> float:
    """One-sided upper confidence bound of a proportion, exact.

    Source: C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934).
    """
    from scipy.stats import binomtest

    return float(binomtest(successes, n, alternative="less").proportion_ci(confidence).high)


def proportion_interval(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided confidence interval of a proportion, exact, by Clopper and Pearson as above."""
    from scipy.stats import binomtest

    interval = binomtest(successes, n).proportion_ci(confidence)
    return float(interval.low), float(interval.high)


@lru_cache(REMEMBERED)
def _wilson(successes: int, n: int, confidence: float) -> float:
    from scipy.stats import binomtest

    test = binomtest(successes, n, alternative="greater")
    return max(0.0, float(test.proportion_ci(confidence, method="wilson").low))


@lru_cache(REMEMBERED)
def _passing_count(floor: float, n: int, confidence: float) -> int:
    # Wilson's bound inverts the score test of the floor, whose spread is the floor's own; rounding may be one off.
    z = NormalDist().inv_cdf(confidence)
    count = min(n + 1, math.ceil(n * floor + z * math.sqrt(n * floor * (1 - floor))))
    while count > 0 and wilson_lower_bound(count - 1, n, confidence) >= floor:
        count -= 1
    while count <= n and wilson_lower_bound(count, n, confidence) < floor:
        count += 1
    return count
