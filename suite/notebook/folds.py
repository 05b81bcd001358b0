"""Folds: what a cross-validated estimator predicts of examples that it has not seen; the folds are parallel work."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.executor import Executor

Array = NDArray[Any]
CV = 3


@dataclass(frozen=True)
class Folds:
    """A cross-validation's output, in the order of the examples.

    Attributes:
        scores: decision function or probabilities, float64 `(n,)` or `(n, classes)`; None where none were asked for.
        predictions: `(n,)`, or `(n, labels)` of a target of several labels.
        fold: in which fold each example was held out, `(n,)`.
        fitted: the estimator fitted to all examples; None if that was not asked for.
    """

    scores: Array | None
    predictions: Array
    fold: Array
    fitted: Any = None

    def accuracy(self, target: Array) -> Array:
        """Share of right predictions in each fold, `(folds,)`."""
        return np.array([np.mean((self.predictions == target)[self.fold == k]) for k in np.unique(self.fold)])


def cross_validate(
    workers: Executor,
    what: str,
    estimator: Any,
    X: Array,
    y: Array,
    method: str | None = None,
    prefer: str | None = None,
    refit: bool = False,
) -> Folds:
    """Fit a clone of an estimator for each of three stratified folds, and let it predict the fold that it has not seen.

    Args:
        workers: where the work is done.
        what: the work's name, for its progress.
        estimator: not fitted, and left so.
        X, y: images `(n, 784)` and target; a target of several labels, `(n, labels)`, is split unstratified.
        method: what gives the scores, `decision_function` or `predict_proba`; None for predictions alone.
        prefer: `threads` if the estimator uses several threads itself.
        refit: whether to fit a clone to all examples, too, beside the others.
    """
    from joblib import delayed
    from sklearn.model_selection import KFold, StratifiedKFold

    splitter = StratifiedKFold(CV) if y.ndim == 1 else KFold(CV)
    splits = [test for _, test in splitter.split(X, y)]
    calls = [delayed(_fold)(estimator, X, y, test, method) for test in splits]
    if refit:
        calls.insert(0, delayed(_fitted)(estimator, X, y))  # the longest first
    parts = workers.map(f"{what}, fold by fold", calls, shared=(X, y), prefer=prefer)
    fitted = parts.pop(0) if refit else None
    order = np.concatenate(splits)
    scores = None if method is None else _in_order(order, [scores for scores, _ in parts])
    fold = np.repeat(np.arange(CV), [len(test) for test in splits])
    return Folds(scores, _in_order(order, [predicted for _, predicted in parts]), _in_order(order, [fold]), fitted)


def _fold(estimator: Any, X: Array, y: Array, test: Array, method: str | None) -> tuple[Array | None, Array]:
    seen = np.ones(len(X), bool)
    seen[test] = False
    fitted = _fitted(estimator, X[seen], y[seen])
    scores = None if method is None else getattr(fitted, method)(X[test])
    return scores, fitted.predict(X[test])


def _fitted(estimator: Any, X: Array, y: Array) -> Any:
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the notebook's SGD stops at 1,000 epochs, too
        return clone(estimator).fit(X, y)


def _in_order(order: Array, parts: list[Array]) -> Array:
    joined = np.concatenate(parts)
    result = np.empty_like(joined)
    result[order] = joined
    return result
