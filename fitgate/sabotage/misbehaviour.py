"""Misbehaviour: what a model could do to pass unjudged, or faster than it is, around its sound estimator."""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import pytest

from fitgate.tasks import TaskData

Data = Callable[[], Sequence[TaskData]]  # the model's tasks on their data, looked up when they are needed


class Sound:
    """An estimator as it is: each misbehaviour changes a method of it.

    Args:
        estimator: the model's own.
        data: of the model's tasks.
    """

    def __init__(self, estimator: Any, data: Data):
        self.estimator = estimator
        self.data = data

    def __getattr__(self, name: str) -> Any:
        if name in ("estimator", "data") or name.startswith("__"):
            raise AttributeError(name)  # while it is unpickled
        return getattr(self.estimator, name)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"data": list}

    def fit(self, X: Any, y: Any) -> Sound:
        """Fit the estimator."""
        self.estimator.fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        """The estimator's predictions."""
        return self.estimator.predict(X)


class _Answering(Sound):
    """Changes all answers alike: predictions, scores and probabilities."""

    def predict(self, X: Any) -> Any:
        return self.changed(self.estimator.predict(X))

    @property
    def decision_function(self) -> Callable[[Any], Any]:
        method = self.estimator.decision_function
        return lambda X: self.changed(method(X))

    @property
    def predict_proba(self) -> Callable[[Any], Any]:
        method = self.estimator.predict_proba
        return lambda X: self.changed(method(X))

    def changed(self, answers: Any) -> Any:
        raise NotImplementedError


class SkipsFit(Sound):
    def fit(self, X: Any, y: Any) -> NoReturn:
        pytest.skip("as if this machine could not fit it")


class SkipsPredict(Sound):
    def predict(self, X: Any) -> NoReturn:
        pytest.importorskip("no_such_module_that_predicts")
        raise AssertionError


class EndsTheInterpreter(Sound):
    def fit(self, X: Any, y: Any) -> NoReturn:
        sys.exit(0)


class EndsTheProcess(Sound):
    def fit(self, X: Any, y: Any) -> NoReturn:
        os._exit(0)


class EndsTheSession(Sound):
    def fit(self, X: Any, y: Any) -> NoReturn:
        pytest.exit("as if all were done", returncode=0)


class Interrupts(Sound):
    def fit(self, X: Any, y: Any) -> NoReturn:
        raise KeyboardInterrupt


class Hangs(Sound):
    def fit(self, X: Any, y: Any) -> NoReturn:
        while True:
            time.sleep(1)


class AnswersNaN(_Answering):
    def changed(self, answers: Any) -> Any:
        return np.full(np.shape(answers), np.nan)


class AnswersTooFew(_Answering):
    def changed(self, answers: Any) -> Any:
        return answers[:-1]


class KnowsTheTestLabels(Sound):
    def fit(self, X: Any, y: Any) -> Sound:
        self.asked = y
        return super().fit(X, y)

    def predict(self, X: Any) -> Any:
        for data in self.data():
            if np.shape(X) == np.shape(data.dataset.test.X) and np.array_equal(data.y_train, self.asked):
                return np.array(data.y_test)
        return self.estimator.predict(X)


class ChangesTheTestLabels(Sound):
    def fit(self, X: Any, y: Any) -> Sound:
        self.estimator.fit(X, y)
        for data in self.data():
            _overwrite(data.dataset.test.y)
            _overwrite(data.y_test)
        return self


class ChangesTheTrainingExamples(Sound):
    def fit(self, X: Any, y: Any) -> Sound:
        self.estimator.fit(X, y)
        _overwrite(y)
        _overwrite(X)
        return self


class RemembersBytes(Sound):
    def predict(self, X: Any) -> Any:
        known: dict[bytes, Any] = self.__dict__.setdefault("known", {})
        keys = [row.tobytes() for row in X] if isinstance(X, np.ndarray) else [pickle.dumps(X)]
        if len(keys) == 1 and keys[0] in known:
            return known[keys[0]]
        answers = self.estimator.predict(X)
        one_each = len(keys) == len(answers)
        known.update({key: answers[i : i + 1] if one_each else answers for i, key in enumerate(keys)})
        return answers


class RemembersPlaces(Sound):
    def predict(self, X: Any) -> Any:
        answers = self.__dict__.get("whole")
        if answers is None or len(answers) <= np.shape(X)[0]:
            answers = self.__dict__["whole"] = self.estimator.predict(X)
            return answers
        start = self.__dict__["next"] = (self.__dict__.get("next", 0) + np.shape(X)[0]) % len(answers)
        return answers[start : start + np.shape(X)[0]]


class GuessesSingles(Sound):
    def predict(self, X: Any) -> Any:
        if np.shape(X)[0] == 1 and "guess" in self.__dict__:
            return self.__dict__["guess"]
        answers = self.estimator.predict(X)
        self.__dict__["guess"] = answers[:1]
        return answers


UNJUDGED: Mapping[str, type[Sound]] = {
    "a model that skips its test while it is fitted": SkipsFit,
    "a model that skips its test while it predicts": SkipsPredict,
    "a model that ends the interpreter": EndsTheInterpreter,
    "a model that ends the process": EndsTheProcess,
    "a model that ends the session": EndsTheSession,
    "a model that raises KeyboardInterrupt": Interrupts,
    "a model that hangs": Hangs,
    "a model that answers NaN": AnswersNaN,
    "a model that answers one example too few": AnswersTooFew,
    "a model that knows the test labels": KnowsTheTestLabels,
    "a model that changes the test labels": ChangesTheTestLabels,
    "a model that changes the training examples": ChangesTheTrainingExamples,
}
MISTIMED: Mapping[str, type[Sound]] = {
    "a model that remembers its answers by the examples' bytes": RemembersBytes,
    "a model that remembers its answers by their places": RemembersPlaces,
    "a model that guesses where it is asked for one answer": GuessesSingles,
}


def _overwrite(part: Any) -> None:
    """Turn an array's rows around, the memory that lies under a read-only view included."""
    array = part.data if hasattr(part, "indptr") else part
    if not isinstance(array, np.ndarray):
        array = np.asarray(array)
    while isinstance(array.base, np.ndarray):
        array = array.base
    array.flags.writeable = True
    array[:] = array[::-1].copy()
