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


def difference_interval(before: ArrayLike, now: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided confidence interval of the mean of `now` less that of `before`, each of independent values `(n,)`.

    It is Welch's, which takes no two spreads for equal. A single value is taken for exact, as that of a model whose
    seeds change nothing.

    Source: Welch, "The generalization of Student's problem when several different population variances are involved",
    Biometrika 34 (1947).

    Raises:
        ValueError: if there is no value, or only one on each side.
    """
    from scipy.stats import t

    samples = [np.asarray(values, np.float64) for values in (before, now)]
    if min(map(len, samples)) < 1 or max(map(len, samples)) < 2:
        raise ValueError(f"{len(samples[0])} and {len(samples[1])} values, expected one or more, and two or more")
    difference = float(samples[1].mean() - samples[0].mean())
    errors = np.array([x.var(ddof=1) / len(x) if len(x) > 1 else 0.0 for x in samples])
    if not errors.any():
        return difference, difference
    shares = [error**2 / (len(x) - 1) for error, x in zip(errors, samples, strict=True) if len(x) > 1]
    freedom = errors.sum() ** 2 / sum(shares)
    reach = float(t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(errors.sum())
    return difference - reach, difference + reach


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

    def upper_bound(self, confidence: float) -> float:
        """One-sided confidence bound of the size, by Student's t."""
        from scipy.stats import norm, t

        reach = norm.ppf(confidence) if math.isinf(self.freedom) else t.ppf(confidence, self.freedom)
        return self.size + float(reach) * self.standard_error
