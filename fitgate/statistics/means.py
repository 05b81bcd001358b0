"""Means over runs that differ in their seed: how sure they are, and whether one has fallen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fitgate.statistics.power import student_power


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
    low, high = t.interval(confidence, len(x) - 1)
    error = x.std(ddof=1) / math.sqrt(len(x))
    return float(x.mean() + low * error), float(x.mean() + high * error)


def ratio_interval(numerators: ArrayLike, denominators: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Confidence interval of the geometric mean of the ratios of paired positive values, each `(n,)`.

    It is that of the mean of their logarithms, for times vary by factors.
    """
    logs = np.log(np.asarray(numerators, np.float64)) - np.log(np.asarray(denominators, np.float64))
    low, high = mean_interval(logs, confidence)
    return math.exp(low), math.exp(high)


@dataclass(frozen=True)
class Fall:
    """How much worse a number has become, by a test on Student's t; a `Change`.

    Attributes:
        size: the worsening: the number before less the number now where higher is better, else now less before.
        standard_error: of the size.
        p_value: one-sided, of the hypothesis that it has become no worse.
        freedom: degrees of freedom; infinite for a test on the normal distribution.
    """

    size: float
    standard_error: float
    p_value: float
    freedom: float

    def power(self, size: float, significance: float) -> float:
        """Probability that the test rejects when the true worsening is `size`, at this standard error."""
        return student_power(size, self.standard_error, self.freedom, significance)


def mean_fall(before: ArrayLike, now: ArrayLike, higher_is_better: bool = True) -> Fall:
    """Compare two samples of independent values of one spread, by Student's t with the pooled variance.

    Args:
        before, now: float `(m,)` and `(k,)`, such as a metric of each seed; together three or more.
        higher_is_better: the direction of the values; a worsening is positive either way.

    Raises:
        ValueError: if a sample is empty, or there are too few values to estimate the spread.
    """
    from scipy.stats import t

    x, y = np.asarray(before, np.float64), np.asarray(now, np.float64)
    freedom = len(x) + len(y) - 2
    if min(len(x), len(y)) < 1 or freedom < 1:
        raise ValueError(f"{len(x)} values before and {len(y)} now, expected one or more of each, and three together")
    size = float(x.mean() - y.mean()) if higher_is_better else float(y.mean() - x.mean())
    variance = (((x - x.mean()) ** 2).sum() + ((y - y.mean()) ** 2).sum()) / freedom
    error = math.sqrt(variance * (1 / len(x) + 1 / len(y)))
    rounding = 1e-12 * max(np.abs(x).max(), np.abs(y).max())
    size, error = (0.0 if abs(value) <= rounding else value for value in (size, error))
    if error > 0:
        p_value = float(t.sf(size / error, freedom))
    else:
        p_value = 0.0 if size > 0 else 1.0  # without spread, a difference is certain
    return Fall(size, error, p_value, freedom)
