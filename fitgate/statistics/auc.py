"""The area under the ROC curve: its standard error, and two of them compared on the same examples.

Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more correlated receiver
operating characteristic curves", Biometrics 44 (1988), with the ranks of X. Sun and W. Xu, IEEE SPL 21 (2014). The
mean of several columns' areas, such as one for each class, adds up what an example contributes to each of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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
        truth: bool `(n,)`, whether an example is positive; or `(n, columns)`, for the areas' means over the columns.
        first, second: float, of the same shape, higher for what is more likely positive.

    Raises:
        ValueError: if the shapes differ, a score is not finite, or a column has fewer than two examples of a kind.
    """
    areas, covariance = _delong(truth, [first, second])
    difference = float(areas[0] - areas[1])
    error = math.sqrt(max(0.0, covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]))
    if error > 0:
        p_value = NormalDist().cdf(-difference / error)
    else:
        p_value = 0.0 if difference > 0 else 1.0  # without spread, a difference is certain
    return PairedAuc(float(areas[0]), float(areas[1]), difference, error, p_value)


def area(truth: ArrayLike, scores: ArrayLike) -> float:
    """The area under the ROC curve, averaged over columns: the share of pairs that scores rank rightly.

    Args:
        truth: bool `(n,)` or `(n, columns)`, whether an example is positive; each column has examples of both kinds.
        scores: float, of the same shape.

    Raises:
        ValueError: if the shapes differ, a score is not finite, or a column has examples of one kind.
    """
    from scipy.stats import rankdata

    areas = []
    for yes, (of_column,) in _columns(truth, [scores], least=1):
        m = int(yes.sum())
        areas.append((rankdata(of_column)[yes].sum() - m * (m + 1) / 2) / (m * (len(yes) - m)))
    return float(np.mean(areas))


def auc_lower_bound(truth: ArrayLike, scores: ArrayLike, confidence: float) -> float:
    """One-sided lower confidence bound of the area under the ROC curve, averaged over columns.

    It is taken on the scale of logits, on which the area's estimate is nearly normal, near to 1 too, where its own
    scale gives 99 % bounds that hold for 94 % of test sets. Source: M. S. Pepe, "The Statistical Evaluation of Medical
    Tests for Classification and Prediction" (2003), section 5.2.4. A ranking without a mistake shows no spread: it gets
    the bound of the one that has its nearest two examples the wrong way round.

    Args:
        truth: bool `(n,)` or `(n, columns)`, whether an example is positive.
        scores: float, of the same shape.
        confidence: of the bound, as 0.99.

    Raises:
        ValueError: as `paired_auc`.
    """
    areas, covariance = _delong(truth, [scores])
    if areas[0] >= 1:
        areas, covariance = _delong(truth, [_with_a_mistake(np.asarray(truth, bool), np.asarray(scores, np.float64))])
    value, error = float(areas[0]), math.sqrt(covariance[0, 0])
    if not 0 < value < 1:
        return value
    logit = math.log(value / (1 - value)) - NormalDist().inv_cdf(confidence) * error / (value * (1 - value))
    return float(1 / (1 + math.exp(min(-logit, 700.0))))


def _with_a_mistake(truth: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The scores, with those of the lowest positive and of the highest negative example exchanged, in each column."""
    exchanged = scores.copy()
    for yes, column in zip(truth.reshape(len(truth), -1).T, exchanged.reshape(len(truth), -1).T, strict=True):
        lowest, highest = np.argmin(np.where(yes, column, np.inf)), np.argmax(np.where(yes, -np.inf, column))
        column[[lowest, highest]] = column[[highest, lowest]]
    return exchanged


def auc_fall(truth: ArrayLike, before: ArrayLike, now: ArrayLike) -> Fall:
    """How far the area under the ROC curve has fallen on the same examples; arguments and errors as `paired_auc`."""
    test = paired_auc(truth, before, now)
    return Fall(test.difference, test.standard_error, test.p_value, math.inf)


def _delong(truth: ArrayLike, scores: list[ArrayLike]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The areas `(scores,)` and their covariance, which is that of what each example adds to them."""
    areas, added = _placements(truth, scores, least=2)
    return areas, added @ added.T


def _columns(
    truth: ArrayLike, scores: list[ArrayLike], least: int
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.float64]]]:
    """Of each column, which examples are positive `(n,)`, and their scores `(scores, n)`."""
    positive = np.asarray(truth, bool)
    s = np.asarray(scores, np.float64)
    if s.shape != (len(scores), *positive.shape):
        raise ValueError(f"scores of shape {s.shape[1:]} for examples of shape {positive.shape}, expected the same")
    if not np.isfinite(s).all():
        raise ValueError(f"{int((~np.isfinite(s)).sum())} scores are NaN or infinite, expected finite numbers")
    columns = positive.reshape(len(positive), -1).T
    for yes, of_column in zip(columns, s.reshape(len(scores), len(positive), -1).transpose(2, 0, 1), strict=True):
        m, n = int(yes.sum()), int((~yes).sum())
        if min(m, n) < least:
            few = "one" if least == 1 else "two"
            raise ValueError(f"{m} positive and {n} negative examples, expected {few} or more of each")
        yield yes, of_column


def _placements(
    truth: ArrayLike, scores: list[ArrayLike], least: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The areas `(scores,)`, and by how much each example's placement moves them `(scores, n)`."""
    from scipy.stats import rankdata

    columns = list(_columns(truth, scores, least))
    areas, added = np.zeros(len(scores)), np.zeros((len(scores), len(np.asarray(truth))))
    for yes, of_column in columns:
        m, n = int(yes.sum()), int((~yes).sum())
        # An example's placement is the share of the other class that it ranks correctly; the area is their mean.
        ranks = rankdata(of_column, axis=1)
        of_positives = (ranks[:, yes] - rankdata(of_column[:, yes], axis=1)) / n
        of_negatives = 1 - (ranks[:, ~yes] - rankdata(of_column[:, ~yes], axis=1)) / m
        own = of_positives.mean(axis=1, keepdims=True)
        areas += own[:, 0]
        added[:, yes] += (of_positives - own) / math.sqrt(m * max(m - 1, 1))
        added[:, ~yes] += (of_negatives - own) / math.sqrt(n * max(n - 1, 1))
    return areas / len(columns), added / len(columns)
