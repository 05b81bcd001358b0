"""Confidence intervals of means, over runs that differ in their seed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike


def mean_interval(values: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Student's two-sided confidence interval of the mean of two or more independent values `(n,)`.

    Source: Student, "The probable error of a mean", Biometrika 6 (1908).

    Raises:
        ValueError: if there are fewer than two.
    """
    from scipy.stats import t

    x = np.asarray(values, np.float64)
    if len(x) < 2:
        raise ValueError(f"{len(x)} values, expected two or more")
    reach = t.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x))
    return float(x.mean() - reach), float(x.mean() + reach)


def ratio_interval(numerators: ArrayLike, denominators: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of the geometric mean of the ratios of paired positive values, each `(n,)`.

    It is that of the mean of their logarithms, for times vary by factors.
    """
    logs = np.log(np.asarray(numerators, np.float64)) - np.log(np.asarray(denominators, np.float64))
    low, high = mean_interval(logs, confidence)
    return math.exp(low), math.exp(high)
