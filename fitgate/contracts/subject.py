"""The subject of checks: a fitted estimator, and a few examples to ask it about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.data import lent
from fitgate.data.split import rows_of
from fitgate.model import Model
from fitgate.protocols import DecisionFunction, Probabilities, offered
from fitgate.runs import ModelFailed, Trained
from fitgate.runs.answers import array_of
from fitgate.runs.side_effects import watched
from fitgate.runs.training import failing
from fitgate.tasks import CLASSES, NUMBERS, TaskData

Array = NDArray[Any]
MOST_ASKED = 200  # test examples
MOST_FITTED = 300  # training examples, where a check fits anew
ALLOWED = 0.01  # of the answers may differ: two classes may be as near, and sums in another order choose the other
NEAR = 1e-2  # of scores and numbers, times their spread: bfloat16 keeps two digits


class Broken(Exception):
    """A check that an estimator does not pass; its text says what it found, as a sentence."""


class Unanswered(Broken):
    """A check that an estimator raised an error in, or that could not be made."""


class Inapplicable(Exception):
    """A check that says nothing of an estimator; its text says why, as a clause."""


class Unfitted(Inapplicable):
    """A check that says nothing of an estimator, as it could not be fitted for it."""


class Answers(NamedTuple):
    """What an estimator gave for some examples.

    Attributes:
        predictions: `(n,)` or `(n, outputs)`.
        scores: float64 `(n, columns)`: probabilities, or else the decision function; None where it offers neither.
    """

    predictions: Array
    scores: Array | None

    def of(self, rows: Array) -> Answers:
        """Those for some of the examples, by their places."""
        return Answers(self.predictions[rows], None if self.scores is None else self.scores[rows])

    @classmethod
    def together(cls, parts: Sequence[Answers]) -> Answers:
        """Those for the examples of all parts."""
        scores = [part.scores for part in parts if part.scores is not None]
        joined = np.concatenate(scores) if scores else None
        return cls(np.concatenate([part.predictions for part in parts]), joined)


class Subject:
    """A fitted estimator on its task.

    Args:
        model: that it is of.
        data: the task that it was fitted on.
        trained: the session's fit of it.
        reproduced: whether another fit with the same seed is known to have given its output, as its baseline may have.

    Attributes:
        model, data, trained, reproduced: as given.
        X: at most 200 test examples, drawn with a fixed seed.
    """

    def __init__(self, model: Model, data: TaskData, trained: Trained, reproduced: bool = False):
        self.model, self.data, self.trained, self.reproduced = model, data, trained, reproduced
        n = len(data.dataset.test)
        rows = np.random.default_rng(0).permutation(n)[:MOST_ASKED]
        self.X: Any = rows_of(data.dataset.test.X, rows)
        self.n = len(rows)
        self._states = 0

    @property
    def has_classes(self) -> bool:
        """Whether each example is of one class."""
        return self.data.kind in CLASSES

    @cached_property
    def answers(self) -> Answers:
        """What it gives for all of the examples at once."""
        return self.ask(self.X)

    def rows(self, places: Any) -> Any:
        """Some of the examples, in memory of their own."""
        return rows_of(self.X, np.asarray(places))

    def ask(self, X: Any, estimator: Any = None, lend: Callable[[Any], Any] = lent) -> Answers:
        """What an estimator gives for examples, by default the session's.

        Args:
            X: the examples.
            estimator: that is asked.
            lend: what it is handed, of the examples: by default what it can't change.

        Raises:
            Broken: if it raises an error, or does not give an answer for each.
        """
        one = self.trained.estimator if estimator is None else estimator
        n = len(X) if isinstance(X, tuple) else X.shape[0]

        def asked() -> Answers:
            return Answers(array_of(one, one.predict(lend(X))), self._scores(one, lend(X)))

        answers: Answers = self.guarded("predict", asked)
        for given in answers:
            if given is not None and given.shape[:1] != (n,):
                raise Broken(f"It gave an answer of shape {given.shape} for {n:,} examples.")
        return answers

    def guarded(self, stage: str, work: Callable[[], Any]) -> Any:
        """What work with an estimator gives; the global random states are others each time, and put back.

        Raises:
            Unanswered: if it raises an error.
        """
        self._states += 1
        try:
            with failing(self.model.name, self.data.task.name, stage), watched(self.trained.fit.seed + self._states):
                return work()
        except ModelFailed as error:
            raise Unanswered(f"It failed to {stage}: {error.failure.error}.") from error

    def differing(self, first: Answers, second: Answers) -> int:
        """How many examples two answers differ about: in the prediction, or in the scores by more than rounding."""
        if self.data.kind in NUMBERS:
            same = _near(first.predictions, second.predictions)
        else:
            same = _whole(first.predictions == second.predictions)
        if first.scores is not None and second.scores is not None and first.scores.shape == second.scores.shape:
            same = same & _near(first.scores, second.scores)
        return int((~same).sum())

    def demand_same(self, first: Answers, second: Answers, when: str) -> None:
        """Refuse answers that differ about more than 1 in 100 examples.

        Args:
            first, second: to the same examples.
            when: what was different about the second time, as a clause.

        Raises:
            Broken: if they do.
        """
        n, count = len(first.predictions), self.differing(first, second)
        if count > ALLOWED * n:
            raise Broken(f"Of {n:,} answers {count:,} were others {when}.")

    @staticmethod
    def _scores(estimator: Any, X: Any) -> Array | None:
        likely, decides = offered(estimator, Probabilities), offered(estimator, DecisionFunction)
        if likely is not None:
            given = likely.predict_proba(X)
        elif decides is not None:
            given = decides.decision_function(X)
        else:
            return None
        columns = np.column_stack(given) if isinstance(given, list) else np.asarray(given)
        return columns.astype(np.float64).reshape(len(columns), -1)


def _near(first: Array, second: Array) -> NDArray[np.bool_]:
    """Which rows of numbers are equal but for rounding."""
    a, b = (numbers.astype(np.float64).reshape(len(numbers), -1) for numbers in (first, second))
    finite = a[np.isfinite(a)]
    reach = NEAR * float(finite.std()) if finite.size else 0.0
    return _whole(np.isclose(a, b, rtol=0, atol=reach, equal_nan=True))


def _whole(equal: Any) -> NDArray[np.bool_]:
    return np.asarray(np.all(np.reshape(equal, (len(equal), -1)), axis=1))
