"""The sign-flip test: whether paired differences lie above zero."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

EXACT_UP_TO = 16
RESAMPLES = 99_999


def sign_flip(differences: ArrayLike) -> float:
    """One-sided p-value of the hypothesis that differences `(n,)` are as likely to be of either sign.

    The statistic is their mean, among all ways to flip signs where there are up to 2^16, else among random ones.
    Where each pair's order was drawn at random, the test is exact whatever the distribution: R. A. Fisher, "The
    Design of Experiments" (1935), section 21.

    Raises:
        ValueError: if there is no difference, or one is not finite.
    """
    from scipy.stats import permutation_test

    x = np.asarray(differences, np.float64)
    if not len(x) or not np.isfinite(x).all():
        raise ValueError(f"{len(x)} differences, expected one or more, all of them finite")
    if len(x) == 1:
        return 0.5 if x[0] > 0 else 1.0
    result = permutation_test(
        (x,),
        lambda sample, axis: sample.mean(axis=axis),
        permutation_type="samples",
        alternative="greater",
        vectorized=True,
        n_resamples=np.inf if len(x) <= EXACT_UP_TO else RESAMPLES,
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def least_blocks(significance: float) -> int:
    """How many differences it takes, so that the test's least attainable p-value is below a significance."""
    return math.floor(-math.log2(significance)) + 1
