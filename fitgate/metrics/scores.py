"""Metrics of scores, which depend on their order alone, in each column: a baseline's ranks give the same value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from fitgate.metrics.metric import Array, Bound, Metric, PairedTest
from fitgate.statistics import Fall, area, auc_fall, auc_lower_bound


class Columns(Protocol):
    """From a target and scores to whether examples are positive, bool `(n, columns)`, and scores `(n, columns)`."""

    def __call__(self, target: Array, *scores: Array, classes: Array | None) -> list[Array]: ...


def positive(output: Array, target: Array, classes: Array | None = None) -> NDArray[np.bool_]:
    """Which labels of an output are of the positive class: the last of a task's two, as scikit-learn has it.

    Args:
        output: labels `(n,)`.
        target: true labels `(n,)`, which tell the classes where these are not known.
        classes: sorted.

    Raises:
        ValueError: if there are not two.
    """
    known = np.unique(target) if classes is None else classes
    if target.ndim != 1 or len(known) != 2:
        what = f"{len(known)} class{'es' * (len(known) != 1)}" if target.ndim == 1 else f"{target.shape[1]} labels"
        raise ValueError(f"a target of {what}, expected one of two classes; macro_f1 and roc_auc_ovr are for more")
    return np.asarray(output == known[-1])


def _of_positives(target: Array, *scores: Array, classes: Array | None) -> list[Array]:
    """One column of two classes, or a column for each label."""
    if target.ndim == 2:
        return _with_both(target.astype(bool), *scores)
    return _with_both(positive(target, target, classes)[:, None], *(s[:, None] for s in scores))


def _of_classes(target: Array, *scores: Array, classes: Array | None) -> list[Array]:
    """A column for each class."""
    if target.ndim == 2:
        return _of_positives(target, *scores, classes=classes)
    known = np.unique(target) if classes is None else classes
    columns = [np.column_stack([-s, s]) if s.ndim == 1 else s for s in scores]
    for s in columns:
        if s.shape[1] != len(known):
            raise ValueError(f"scores of shape {s.shape} for {len(known)} classes, expected a column for each")
    return _with_both(target[:, None] == known, *columns)


def _with_both(truth: Array, *scores: Array) -> list[Array]:
    """The columns that have examples of both kinds: no other has an area."""
    both = truth.any(axis=0) & ~truth.all(axis=0)
    return [columns[:, both] for columns in (truth, *scores)]


def _average_precision(target: Array, scores: Array, classes: Array | None = None) -> float:
    """The area under the curve of precision by recall, as a sum of steps; of labels, the mean over them.

    A label without a positive example is left out, and one without a negative, for which any scores give 1; NaN where
    that leaves none, so that a bootstrap draws again.
    """
    from sklearn.metrics import average_precision_score

    truth, columns = _of_positives(target, scores, classes=classes)
    return float(average_precision_score(truth, columns)) if truth.shape[1] else math.nan


def _area(columns: Columns) -> Callable[..., float]:
    def compute(target: Array, scores: Array, classes: Array | None = None) -> float:
        truth, s = columns(target, scores, classes=classes)
        return area(truth, s) if truth.shape[1] else math.nan

    return compute


def _delong(columns: Columns) -> tuple[Bound, PairedTest]:
    """The bound and the test of an area under the ROC curve that is averaged over columns."""

    def bound(target: Array, scores: Array, confidence: float, classes: Array | None = None) -> float:
        truth, s = columns(target, scores, classes=classes)
        return auc_lower_bound(truth, s, confidence)

    def fall(target: Array, before: Array, now: Array, classes: Array | None = None) -> Fall:
        truth, then, later = columns(target, before, now, classes=classes)
        return auc_fall(truth, then, later)

    return Bound("DeLong", bound), PairedTest("DeLong's paired test", fall)


def _roc_auc(name: str, label: str, columns: Columns) -> Metric:
    bound, paired = _delong(columns)
    return Metric(
        name,
        _area(columns),
        label=label,
        reads="scores",
        target="classes",
        knows_classes=True,
        bound=bound,
        paired=paired,
    )


SCORES = (
    _roc_auc("roc_auc", "ROC AUC", _of_positives),
    _roc_auc("roc_auc_ovr", "macro ROC AUC", _of_classes),
    Metric(
        "average_precision",
        _average_precision,
        label="average precision",
        reads="scores",
        target="classes",
        knows_classes=True,
    ),
)
