"""Frozen estimators: they answer a scikit-learn scorer with stored outputs, and show what it asks for.

This module imports scikit-learn; import it only where a scorer is used.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from fitgate.metrics.metric import Array, Reads

F = TypeVar("F", bound=Callable[..., Any])


def _answers(reads: Reads) -> Callable[[F], F]:
    """A method that is there where an estimator offers that output."""
    return available_if(lambda frozen: frozen.reads in (reads, None))


class ReadsExamples(TypeError):
    """A scorer that looks into X."""


class Examples:
    """The X of a frozen estimator: it holds the stored outputs, which a scorer must not take for features.

    Args:
        outputs: one an example.
    """

    def __init__(self, outputs: Array):
        self.outputs = outputs

    def __len__(self) -> int:
        return len(self.outputs)

    def _refuse(self, *arguments: object, **options: object) -> NoReturn:
        raise ReadsExamples("a scorer reads the examples, of which it is given none")

    __array__ = __getitem__ = __iter__ = _refuse


class Frozen(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """A fitted estimator whose answer to X is what X holds: rows of outputs that were stored.

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
    def predict(self, X: Examples) -> Array:
        """Predictions as they are."""
        self.asked.add("predictions")
        return X.outputs

    @_answers("scores")
    def decision_function(self, X: Examples) -> Array:
        """Scores as they are."""
        self.asked.add("scores")
        return X.outputs

    @_answers("probabilities")
    def predict_proba(self, X: Examples) -> Array:
        """Probabilities as they are."""
        self.asked.add("probabilities")
        return X.outputs

    @_answers("probabilities")
    def predict_log_proba(self, X: Examples) -> Array:
        """Logarithms of the probabilities."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))


class Probe(Frozen):
    """One that makes up its answers, which fit the shape that each method is to give.

    Args:
        classes: as above; two of them where there are any.
        reads: as above.
    """

    def predict(self, X: Examples) -> Array:
        """What X holds."""
        self.asked.add("predictions")
        return X.outputs

    def decision_function(self, X: Examples) -> Array:
        """Scores `(n,)`."""
        self.asked.add("scores")
        return np.linspace(-1.0, 1.0, len(X))

    def predict_proba(self, X: Examples) -> Array:
        """Probabilities `(n, 2)`."""
        self.asked.add("probabilities")
        likely = np.linspace(0.2, 0.8, len(X))
        return np.column_stack([1 - likely, likely])
