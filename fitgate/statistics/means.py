"""Means over runs that differ in their seed: how sure they are, and whether one has fallen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

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


@dataclass(frozen=True)
class Fall:
    """How far a number has fallen, by a test on Student's t.

    Attributes:
        size: the number before less the number now.
        standard_error: of the size.
        p_value: one-sided, of the hypothesis that it has not fallen.
        freedom: degrees of freedom; infinite for a test on the normal distribution.
    """

    size: float
    standard_error: float
    p_value: float
    freedom: float

    def power(self, size: float, significance: float) -> float:
        """Probability that the test rejects when the number has truly fallen by `size`, at this spread.

        Source: of the noncentral t, J. Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988).
        """
        from scipy.stats import nct, t

        if self.standard_error == 0:
            return float(size > 0)
        if math.isinf(self.freedom):
            normal = NormalDist()
            return normal.cdf(size / self.standard_error - normal.inv_cdf(1 - significance))
        return float(nct.sf(t.isf(significance, self.freedom), self.freedom, size / self.standard_error))


def mean_fall(before: ArrayLike, now: ArrayLike) -> Fall:
    """Compare two samples of independent values of one spread, `(m,)` and `(k,)`, together three or more.

    Raises:
        ValueError: if a sample is empty, or there are too few values to tell the spread.
    """
    from scipy.stats import t

    x, y = np.asarray(before, np.float64), np.asarray(now, np.float64)
    freedom = len(x) + len(y) - 2
    if min(len(x), len(y)) < 1 or freedom < 1:
        raise ValueError(f"{len(x)} values before and {len(y)} now, expected one or more of each, and three together")
    size = float(x.mean() - y.mean())
    variance = (((x - x.mean()) ** 2).sum() + ((y - y.mean()) ** 2).sum()) / freedom
    error = math.sqrt(variance * (1 / len(x) + 1 / len(y)))
    if error > 0:
        p_value = float(t.sf(size / error, freedom))
    else:
        p_value = 0.0 if size > 0 else 1.0  # nothing speaks for chance
    return Fall(size, error, p_value, freedom)
