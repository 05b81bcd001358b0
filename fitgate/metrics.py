"""Metrics: numbers with a unit, a direction and a confidence bound, computed from predictions or from scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitgate.statistics import auc_lower_bound, f1_lower_bound, wilson_lower_bound

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Metric:
    """A number that says how good a model's output is.

    Attributes:
        name: what gates and records call it.
        label: what reports call it.
        compute: from the target and the output that the metric reads, its value.
        lower_bound: the same with a confidence: a one-sided lower bound of the value over test sets of this size.
        bound_name: what the bound is, for messages.
        unit: of its values.
        reads_scores: whether it reads scores, float `(n,)`, rather than predictions.
        higher_is_better: its direction.
    """

    name: str
    label: str
    compute: Callable[[Array, Array], float]
    lower_bound: Callable[[Array, Array, float], float]
    bound_name: str
    unit: str = "share"
    reads_scores: bool = False
    higher_is_better: bool = True

    def output(self, predictions: Array, scores: Array | None) -> Array | None:
        """What it reads of a model's output; None where there are no scores, or a value is not finite."""
        read = scores if self.reads_scores else predictions
        return read if read is not None and np.isfinite(read).all() else None

    def value(self, target: Array, predictions: Array, scores: Array | None) -> float:
        """Its value; NaN where the output does not tell it."""
        read = self.output(predictions, scores)
        return float("nan") if read is None else float(self.compute(target, read))


def right(target: Array, predictions: Array) -> NDArray[np.bool_]:
    """Whether each example is right, bool `(n,)`: in all its labels, where there are several."""
    same: NDArray[np.bool_] = np.asarray(target == predictions)
    return same if same.ndim == 1 else np.asarray(same.all(axis=1))


def _accuracy(target: Array, predictions: Array) -> float:
    return float(right(target, predictions).mean())


def _accuracy_lower_bound(target: Array, predictions: Array, confidence: float) -> float:
    return wilson_lower_bound(int(right(target, predictions).sum()), len(target), confidence)


def _f1(target: Array, predictions: Array) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(target, predictions, zero_division=0.0))


def _macro_f1(target: Array, predictions: Array) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(target, predictions, average="macro", zero_division=0.0))


def _f1_lower_bound(target: Array, predictions: Array, confidence: float) -> float:
    truth, said = indicators(target, predictions)
    return f1_lower_bound(truth, said, confidence)


def indicators(*outputs: Array) -> tuple[Array, ...]:
    """Target and predictions as bool `(n, labels)`: one column of a binary task, one per class of a multiclass one."""
    if outputs[0].ndim == 2:
        return outputs
    if outputs[0].dtype == bool:
        return tuple(output[:, None] for output in outputs)
    classes = np.unique(np.concatenate(outputs))
    return tuple(output[:, None] == classes for output in outputs)


def _roc_auc(target: Array, scores: Array) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(target, scores))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", _accuracy, _accuracy_lower_bound, "Wilson"),
        Metric("f1", "F1", _f1, _f1_lower_bound, "bootstrap"),
        Metric("macro_f1", "macro F1", _macro_f1, _f1_lower_bound, "bootstrap"),
        Metric("roc_auc", "ROC AUC", _roc_auc, auc_lower_bound, "DeLong", reads_scores=True),
    )
}
