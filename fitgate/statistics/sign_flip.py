"""The sign-flip test: whether paired differences lie above zero, and how often it would see that they do."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXACT_UP_TO = 16  # differences
PATTERNS = 99_999  # of signs, where there are more differences
FEWER = 9_999  # where many tests are simulated
RESAMPLES = 1_000
AT_ONCE = 2**22  # sums in memory
ROUNDING = 1e-12


def sign_flip(differences: ArrayLike) -> float:
    """One-sided p-value of the hypothesis that differences `(n,)` are as likely to be of either sign.

    The statistic is their mean, among all ways to flip signs where there are up to 2^16, else among random ones.
    Where each pair's order was drawn at random, the test is exact whatever the distribution: R. A. Fisher, "The
    Design of Experiments" (1935), section 21.

    Raises:
        ValueError: if there is no difference, or one is not finite.
    """
    return float(sign_flips(np.asarray(differences, np.float64)[None])[0])


def sign_flips(rows: ArrayLike, patterns: int = PATTERNS) -> NDArray[np.float64]:
    """The same of each of several rows `(k, n)`; p-values `(k,)`.

    Args:
        rows: of differences.
        patterns: of signs, drawn at random where there are more than 2^16.

    Raises:
        ValueError: as `sign_flip`.
    """
    x = np.asarray(rows, np.float64)
    if not x.shape[1] or not np.isfinite(x).all():
        raise ValueError(f"{x.shape[1]} differences, expected one or more, all of them finite")
    flipped = _flipped(x.shape[1], patterns)
    observed = int(x.shape[1] > EXACT_UP_TO)  # among all patterns there is that of no flip; to random ones it is added
    counts = [
        # to flip some takes twice their sum away, so the mean stays as large where that is no more than zero
        (part @ flipped <= ROUNDING * np.abs(part).sum(axis=1, keepdims=True)).sum(axis=1)
        for part in np.array_split(x, max(1, x.shape[0] * flipped.shape[1] // AT_ONCE))
    ]
    return np.asarray((np.concatenate(counts) + observed) / (flipped.shape[1] + observed))


def sign_flip_power(differences: ArrayLike, significance: float, least: float = 0.0) -> float:
    """How often the test finds each of some series of differences to lie above zero, with means of `least` or more.

    By the bootstrap over the pairs, which the series share: B. Efron, R. J. Tibshirani, "An Introduction to the
    Bootstrap" (1993), chapter 25. Deviations from the mean are widened by sqrt(n / (n - 1)), as they spread by that
    much less than what they were drawn from: A. C. Davison, D. V. Hinkley, "Bootstrap Methods and their Application"
    (1997), section 6.2. Its seed is fixed.

    Args:
        differences: `(series, n)`, their means as large as what is to be found.
        significance: of each test.
        least: of each mean.

    Raises:
        ValueError: if there are fewer than two differences, or one is not finite.
    """
    x = np.asarray(differences, np.float64)
    series, n = x.shape
    if n < 2:
        raise ValueError(f"{n} differences, expected two or more")
    means = x.mean(axis=1, keepdims=True)
    widened = means + (x - means) * math.sqrt(n / (n - 1))
    drawn = widened[:, np.random.default_rng(0).integers(n, size=(RESAMPLES, n))]
    p_values = sign_flips(drawn.reshape(-1, n), FEWER).reshape(series, RESAMPLES)
    found = (p_values < significance) & (drawn.mean(axis=2) >= least)
    return float(found.all(axis=0).mean())


def least_blocks(significance: float) -> int:
    """How many differences it takes, so that the test's least attainable p-value is below a significance."""
    return math.floor(-math.log2(significance)) + 1


@lru_cache(4)
def _flipped(n: int, patterns: int) -> NDArray[np.float64]:
    """Which of n differences are flipped: 1 or 0, `(n, patterns)`; all patterns where there are up to 2^16."""
    if n > EXACT_UP_TO:
        return np.random.default_rng(0).integers(2, size=(n, patterns)).astype(np.float64)
    return (np.arange(2**n) >> np.arange(n)[:, None] & 1).astype(np.float64)
