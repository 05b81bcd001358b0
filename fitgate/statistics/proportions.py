"""Proportions: how far below an observed share of successes the true one may lie."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson_lower_bound(successes: int, n: int, confidence: float) -> float:
    """One-sided lower confidence bound of a proportion, by Wilson's score interval.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).

    Raises:
        ValueError: unless `0 <= successes <= n`, `n > 0` and `0.5 <= confidence < 1`.
    """
    if not (0 <= successes <= n and n > 0 and 0.5 <= confidence < 1):
        raise ValueError(f"no proportion: {successes} successes of {n} at confidence {confidence}")
    z = NormalDist().inv_cdf(confidence)
    share = successes / n
    centre = share + z**2 / (2 * n)
    spread = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, (centre - spread) / (1 + z**2 / n))


def passing_count(floor: float, n: int, confidence: float) -> int:
    """The fewest successes of `n` whose Wilson lower bound reaches `floor`; `n + 1` where not even `n` do."""
    low, high = 0, n + 1
    while low < high:  # the bound grows with the successes
        middle = (low + high) // 2
        if middle > n or wilson_lower_bound(middle, n, confidence) >= floor:
            high = middle
        else:
            low = middle + 1
    return low


def power_to_pass(share: float, floor: float, n: int, confidence: float) -> float:
    """Probability that a model whose true share of successes is `share` reaches `passing_count` on `n` examples."""
    from scipy.stats import binom

    return float(binom.sf(passing_count(floor, n, confidence) - 1, n, share))


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
