"""Frozen estimators: they answer a scikit-learn scorer with stored outputs, and show what it asks for.

This module imports scikit-learn; import it only where a scorer is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from fitgate.metrics.metric import Array, Reads

F = TypeVar("F", bound=Callable[..., Any])


def _answers(reads: Reads) -> Callable[[F], F]:
    """A method that is there where an estimator offers that output."""
    return available_if(lambda frozen: frozen.reads in (reads, None))


class Frozen(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A fitted estimator whose answer to X is X itself: rows of outputs that were stored.

    Args:
        classes: of a classifier, sorted; an array for each label of a multilabel one; None for a regressor.
        reads: the one output that it offers; None for all.

    Attributes:
        classes_: as given.
        asked: the methods that were called, each by the output that it gives.
    """

    def __init__(self, classes: Any = None, reads: Reads | None = None):
        self.classes = classes
        self.reads = reads
        self.classes_ = classes
        self.asked: set[Reads] = set()

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor" if self.classes is None else "classifier"
        return tags

    def fit(self, X: Any, y: Any = None) -> Frozen:
        """Nothing to learn."""
        return self

    @_answers("predictions")
    def predict(self, X: Array) -> Array:
        """Predictions as they are."""
        self.asked.add("predictions")
        return X

    @_answers("scores")
    def decision_function(self, X: Array) -> Array:
        """Scores as they are."""
        self.asked.add("scores")
        return X

    @_answers("probabilities")
    def predict_proba(self, X: Array) -> Array:
        """Probabilities as they are."""
        self.asked.add("probabilities")
        return X

    @_answers("probabilities")
    def predict_log_proba(self, X: Array) -> Array:
        """Logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))


class Probe(Frozen):
    """One that makes up its answers, which fit the shape that each method is to give.

    Args:
        classes: as above; two of them where there are any.
        reads: as above.
    """

    def predict(self, X: Array) -> Array:
        """X itself."""
        self.asked.add("predictions")
        return X

    def decision_function(self, X: Array) -> Array:
        """Scores `(n,)`."""
        self.asked.add("scores")
        return np.linspace(-1.0, 1.0, len(X))

    def predict_proba(self, X: Array) -> Array:
        """Probabilities `(n, 2)`."""
        self.asked.add("probabilities")
        likely = np.linspace(0.2, 0.8, len(X))
        return np.column_stack([1 - likely, likely])
