"""Metrics of predicted labels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fitgate.metrics.metric import Array, Bound, Metric, PairedTest, Rates, right
from fitgate.metrics.scores import positive
from fitgate.statistics import (
    Fall,
    McNemar,
    f1_fall,
    f1_lower_bound,
    passing_count,
    power_to_pass,
    wilson_lower_bound,
)


def _accuracy(target: Array, predictions: Array) -> float:
    return float(right(target, predictions).mean())


def _wilson(target: Array, predictions: Array, confidence: float) -> float:
    return wilson_lower_bound(int(right(target, predictions).sum()), len(target), confidence)


def _wilson_above(target: Array, predictions: Array, confidence: float) -> float:
    return 1 - wilson_lower_bound(int((~right(target, predictions)).sum()), len(target), confidence)


def _counted(floor: float, value: float, bound: float, n: int, confidence: float) -> Rates:
    at_floor, at_value = (power_to_pass(share, floor, n, confidence) for share in (floor, value))
    return Rates(at_floor, at_value, passing_count(floor, n, confidence))


def _mcnemar(target: Array, before: Array, now: Array) -> McNemar:
    return McNemar.between(right(target, before), right(target, now))


def _lost_and_gained(change: McNemar) -> str:
    return f"{change.losses} lost and {change.gains} gained"


def _balanced_accuracy(target: Array, predictions: Array) -> float:
    """The mean recall of the classes that the target holds: one that a resample lacks is left out of it."""
    if target.ndim == 2:
        raise ValueError("a target of several labels, expected one of classes; macro_f1 is for labels")
    _, places = np.unique(target, return_inverse=True)
    return float((np.bincount(places, right(target, predictions)) / np.bincount(places)).mean())


def _f1(target: Array, predictions: Array, classes: Array | None = None) -> float:
    return _mean_f1(*_of_positives(target, predictions, classes=classes))


def _macro_f1(target: Array, predictions: Array) -> float:
    """As scikit-learn has it, which takes fifty times as long: reading a record computes it for each output."""
    if target.ndim == 2 and target.shape[1] > 1:
        if any(len(np.unique(labels)) > 2 for labels in (target, predictions)):
            raise ValueError("labels of more than two values, expected a column for each label")
        return _mean_f1(target.astype(bool), predictions.astype(bool))
    outputs = target.ravel(), predictions.ravel()
    both = np.concatenate(outputs)
    if both.dtype.kind == "f" and (both % 1).any():
        raise ValueError("fractions, expected labels of classes")
    if both.dtype.kind in "US" and any(labels.dtype.kind in "biuf" for labels in outputs):
        raise ValueError("texts and numbers, expected labels of one kind")
    _, places = np.unique(both, return_inverse=True)
    there, answered = np.split(places, 2)
    hits = np.bincount(there[there == answered], minlength=places.max() + 1)
    return float((2 * hits / np.bincount(places)).mean())


def _mean_f1(truth: Array, predicted: Array) -> float:
    """The mean over columns, bool `(n, columns)`; 0 of one without a positive, true or predicted."""
    positives = truth.sum(axis=0) + predicted.sum(axis=0)
    return float((2 * (truth & predicted).sum(axis=0) / np.maximum(positives, 1)).mean())


def _of_positives(*outputs: Array, classes: Array | None = None) -> list[Array]:
    """Target and predictions as bool `(n, 1)`: whether an example is of the positive class."""
    return [positive(output, outputs[0], classes)[:, None] for output in outputs]


def _of_each_class(*outputs: Array) -> list[Array]:
    """Target and predictions as bool `(n, labels)`: a column for each label, or for each class."""
    if outputs[0].ndim == 2:
        return list(outputs)
    classes = np.unique(np.concatenate(outputs))
    return [output[:, None] == classes for output in outputs]


def _f1_methods(columns: Callable[..., list[Array]], of_classes: bool = False) -> tuple[Bound, PairedTest]:
    """The bound and the test of an F1 score that is averaged over columns, which may be those of classes."""

    def bound(target: Array, predictions: Array, confidence: float, **known: Array) -> float:
        truth, predicted = columns(target, predictions, **known)
        return f1_lower_bound(truth, predicted, confidence)

    def fall(target: Array, before: Array, now: Array, **known: Array) -> Fall:
        truth, then, later = columns(target, before, now, **known)
        return f1_fall(truth, then, later, of_classes=of_classes and target.ndim == 1)

    return Bound("bootstrap", bound), PairedTest("the paired bootstrap", fall)


_F1_BOUND, _F1_PAIRED = _f1_methods(_of_positives)
_MACRO_F1_BOUND, _MACRO_F1_PAIRED = _f1_methods(_of_each_class, of_classes=True)

LABELS = (
    Metric(
        "accuracy",
        _accuracy,
        target="classes",
        bound=Bound("Wilson", _wilson, _counted, _wilson_above),
        paired=PairedTest("McNemar's mid-p", _mcnemar, _lost_and_gained),
    ),
    Metric("balanced_accuracy", _balanced_accuracy, label="balanced accuracy", target="classes"),
    Metric("f1", _f1, label="F1", target="classes", knows_classes=True, bound=_F1_BOUND, paired=_F1_PAIRED),
    Metric("macro_f1", _macro_f1, label="macro F1", target="classes", bound=_MACRO_F1_BOUND, paired=_MACRO_F1_PAIRED),
)
