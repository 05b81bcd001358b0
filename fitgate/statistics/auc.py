"""The area under the ROC curve: its standard error, and two of them compared on the same examples.

Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver
operating characteristic curves", Biometrics 44 (1988), with the ranks of X. Sun and W. Xu, IEEE SPL 21 (2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.statistics.means import Fall


@dataclass(frozen=True)
class PairedAuc:
    """DeLong's comparison of two classifiers on the same examples.

    Attributes:
        first, second: their areas under the ROC curve.
        difference: first minus second.
        standard_error: of the difference.
        p_value: one-sided, of the hypothesis that the first is no better.
    """

    first: float
    second: float
    difference: float
    standard_error: float
    p_value: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Two-sided confidence interval of the difference."""
        reach = NormalDist().inv_cdf((1 + confidence) / 2) * self.standard_error
        return self.difference - reach, self.difference + reach


def paired_auc(truth: ArrayLike, first: ArrayLike, second: ArrayLike) -> PairedAuc:
    """Compare two classifiers' scores of the same examples.

    Args:
        truth: bool `(n,)`, whether an example is positive.
        first, second: float `(n,)`, higher for what is more likely positive.

    Raises:
        ValueError: if the lengths differ, a score is not finite, or there are fewer than two examples of a class.
    """
    areas, covariance = _delong(truth, [first, second])
    difference = float(areas[0] - areas[1])
    error = math.sqrt(max(0.0, covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    if error > 0:
        p_value = NormalDist().cdf(-difference / error)
    else:
        p_value = 0.0 if difference > 0 else 1.0  # without spread, a difference is certain
    return PairedAuc(float(areas[0]), float(areas[1]), difference, error, p_value)


def auc_lower_bound(truth: ArrayLike, scores: ArrayLike, confidence: float) -> float:
    """One-sided lower confidence bound of one area under the ROC curve; arguments and errors as in `paired_auc`."""
    areas, covariance = _delong(truth, [scores])
    return float(areas[0] - NormalDist().inv_cdf(confidence) * math.sqrt(covariance[0, 0]))


def auc_fall(truth: ArrayLike, before: ArrayLike, now: ArrayLike) -> Fall:
    """How far the area under the ROC curve has fallen on the same examples; arguments and errors as in `paired_auc`."""
    test = paired_auc(truth, before, now)
    return Fall(test.difference, test.standard_error, test.p_value, math.inf)


def _delong(truth: ArrayLike, scores: list[ArrayLike]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from scipy.stats import rankdata

    positive = np.asarray(truth, bool)
    s = np.asarray(scores, np.float64)
    if s.shape != (len(scores), *positive.shape):
        raise ValueError(f"scores of shape {s.shape[1:]} for examples of shape {positive.shape}, expected the same")
    if not np.isfinite(s).all():
        raise ValueError(f"{int((~np.isfinite(s)).sum())} scores are NaN or infinite, expected finite numbers")
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise ValueError(f"{m} positive and {n} negative examples, expected two or more of each")
    # An example's placement is the share of the other class that it ranks correctly; the area is their mean.
    ranks = rankdata(s, axis=1)
    of_positives = (ranks[:, positive] - rankdata(s[:, positive], axis=1)) / n
    of_negatives = 1 - (ranks[:, ~positive] - rankdata(s[:, ~positive], axis=1)) / m
    covariance = np.atleast_2d(np.cov(of_positives)) / m + np.atleast_2d(np.cov(of_negatives)) / n
    return of_positives.mean(axis=1), covariance
