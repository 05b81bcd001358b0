"""The metrics that come with the library, each with the bound and the paired test that suit it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fitgate.metrics.metric import Array, Bound, Metric, PairedTest, Rates, right
from fitgate.statistics import (
    Fall,
    McNemar,
    auc_fall,
    auc_lower_bound,
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


def _f1(target: Array, predictions: Array) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(target, predictions, pos_label=np.unique(target)[-1], zero_division=0.0))


def _macro_f1(target: Array, predictions: Array) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(target, predictions, average="macro", zero_division=0.0))


def _of_positives(*outputs: Array) -> list[Array]:
    """Target and predictions as bool `(n, 1)`: whether an example is of the positive class."""
    return [_positive(output, outputs[0])[:, None] for output in outputs]


def _of_each_class(*outputs: Array) -> list[Array]:
    """Target and predictions as bool `(n, labels)`: a column for each label, or for each class."""
    if outputs[0].ndim == 2:
        return list(outputs)
    classes = np.unique(np.concatenate(outputs))
    return [output[:, None] == classes for output in outputs]


def _roc_auc(target: Array, scores: Array) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(target, scores))


def _positive(output: Array, target: Array) -> Array:
    """Which examples are of the positive class: the last of the target's classes, as scikit-learn has it."""
    return np.asarray(output == np.unique(target)[-1])


def _auc_bound(target: Array, scores: Array, confidence: float) -> float:
    return auc_lower_bound(_positive(target, target), scores, confidence)


def _delong(target: Array, before: Array, now: Array) -> Fall:
    return auc_fall(_positive(target, target), before, now)


def _f1_methods(columns: Callable[..., list[Array]]) -> tuple[Bound, PairedTest]:
    """The bound and the test of an F1 score that is averaged over columns."""

    def bound(target: Array, predictions: Array, confidence: float) -> float:
        truth, predicted = columns(target, predictions)
        return f1_lower_bound(truth, predicted, confidence)

    def fall(target: Array, before: Array, now: Array) -> Fall:
        truth, then, later = columns(target, before, now)
        return f1_fall(truth, then, later)

    return Bound("bootstrap", bound), PairedTest("the paired bootstrap", fall)


_F1_BOUND, _F1_PAIRED = _f1_methods(_of_positives)
_MACRO_F1_BOUND, _MACRO_F1_PAIRED = _f1_methods(_of_each_class)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "accuracy",
            _accuracy,
            bound=Bound("Wilson", _wilson, _counted, _wilson_above),
            paired=PairedTest("McNemar's mid-p", _mcnemar, _lost_and_gained),
        ),
        Metric("f1", _f1, label="F1", bound=_F1_BOUND, paired=_F1_PAIRED),
        Metric("macro_f1", _macro_f1, label="macro F1", bound=_MACRO_F1_BOUND, paired=_MACRO_F1_PAIRED),
        Metric(
            "roc_auc",
            _roc_auc,
            label="ROC AUC",
            reads="scores",
            bound=Bound("DeLong", _auc_bound),
            paired=PairedTest("DeLong's paired test", _delong),
        ),
    )
}
