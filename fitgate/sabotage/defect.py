"""Defects: ways to make a model wrong, and the estimator that has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from numbers import Real
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fitgate.model import Model
from fitgate.protocols import Pipeline, Wraps, offered
from fitgate.sabotage.errors import SabotageError
from fitgate.sabotage.rows import is_numeric, joined, take
from fitgate.tasks import TaskData

Array = NDArray[Any]
CONTROL = "control"  # the family of changes that should change nothing that matters


class Requirement(StrEnum):
    """What a defect needs of the data."""

    NUMERIC = "features that are numbers"
    CLASSES = "a target of two or more classes"
    IMAGES = "rows that are images"


class Parameters(Protocol):
    """scikit-learn's way to read and set an estimator's parameters."""

    def get_params(self, deep: bool = True) -> Mapping[str, Any]: ...

    def set_params(self, **parameters: Any) -> Any: ...


def _data_as_it_is(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
    return X, y


def _itself(array: Any) -> Any:
    return array


def _answers_as_they_are(predictions: Array, classes: Array) -> Array:
    return predictions


def _leave(estimator: Any) -> None:
    pass


@dataclass(frozen=True)
class Defect:
    """A way to make a model wrong, out of sight of the gates. Each function replaces what passes through one place.

    Attributes:
        family: such as `data`, `preprocessing`, `model` or `training`; `control` for a change that should not matter.
        name: what is wrong.
        severity: how much of it. Name and severity together are of one defect only.
        models, tasks: names of those that it is meant for; empty for all.
        needs: what the data must be like.
        train: from training X, target and a generator to the X and target that the estimator is fitted on.
        test: from the X that is to be predicted to the X that the estimator sees.
        answer: from its predictions and the target's distinct values, sorted, to the predictions that are judged.
        scores: from its scores or probabilities, `(n,)` or `(n, classes)`, to those that are judged.
        settings: parameters that its estimator is set to; a function is given the number that stands there.
        code: while it is open, around fitting and predicting, the code itself is wrong.
        after_fit: what is done to the fitted estimator.
        leaked: share of the test split that it is trained on as well; of all examples, where there are folds.
    """

    family: str
    name: str
    severity: str
    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    needs: tuple[Requirement, ...] = ()
    train: Callable[[Any, Array, np.random.Generator], tuple[Any, Array]] = field(default=_data_as_it_is, repr=False)
    test: Callable[[Any], Any] = field(default=_itself, repr=False)
    answer: Callable[[Array, Array], Array] = field(default=_answers_as_they_are, repr=False)
    scores: Callable[[Array], Array] = field(default=_itself, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    code: Callable[[], AbstractContextManager[Any]] = field(default=nullcontext, repr=False)
    after_fit: Callable[[Any], None] = field(default=_leave, repr=False)
    leaked: float = 0.0

    def applies(self, model: Model, data: TaskData) -> bool:
        """Whether it can be planted in a model on some data.

        Raises:
            SabotageError: if it names this model, whose estimator lacks a parameter that it sets.
        """
        if (self.models and model.name not in self.models) or (self.tasks and data.task.name not in self.tasks):
            return False
        if not all(_meets(data, need) for need in self.needs):
            return False
        if not self.settings:
            return True
        estimator = model.build(0)
        lacking = [name for name, value in self.settings.items() if not _can_set(estimator, name, value)]
        if lacking and self.models:
            raise SabotageError(
                f"defect {self.name}, {self.severity}",
                found=f"no parameter {lacking[0]} of {model.name} that it could set",
                expected="parameters of the estimator, or of the last step of its pipeline",
                next_step="correct the defect's settings, or the models that it names",
            )
        return not lacking


class DefectiveEstimator:
    """An estimator with a defect. It offers scores and probabilities where the estimator does.

    Args:
        estimator: the sound one, not fitted.
        defect: what is planted.
        seed: of the defect's own random draws.
        data: whose test split may leak into training.
    """

    def __init__(self, estimator: Any, defect: Defect, seed: int, data: TaskData):
        self.estimator = estimator
        self.defect = defect
        self.seed = seed
        self.data = data

    def fit(self, X: Any, y: Array) -> DefectiveEstimator:
        """Fit the estimator on what the defect makes of the training data.

        Raises:
            SabotageError: if the defect itself can't be planted: that is no fault of the model's.
        """
        self.classes = np.unique(y)
        with self._planting():
            self._set_parameters()
            X, y = self.defect.train(X, y, np.random.default_rng(self.seed))
            X, y = self._with_leak(X, y)
        self._run(self.estimator.fit, X, y)
        with self._planting():
            self.defect.after_fit(self.estimator)
        return self

    def predict(self, X: Any) -> Array:
        """The predictions that come of it."""
        predictions = self._run(self.estimator.predict, self._seen(X))
        with self._planting():
            return self.defect.answer(np.asarray(predictions), self.classes)

    @property
    def decision_function(self) -> Callable[[Any], Array]:
        """The scores that come of it; no such attribute where the estimator has none."""
        return partial(self._scored, self.estimator.decision_function)

    @property
    def predict_proba(self) -> Callable[[Any], Array]:
        """The probabilities that come of it; no such attribute where the estimator has none."""
        return partial(self._scored, self.estimator.predict_proba)

    def _scored(self, method: Callable[[Any], Any], X: Any) -> Array:
        scores = self._run(method, self._seen(X))
        with self._planting():
            return self.defect.scores(np.asarray(scores))

    def _seen(self, X: Any) -> Any:
        with self._planting():
            return self.defect.test(X)

    def _set_parameters(self) -> None:
        for name, value in self.defect.settings.items():
            holder = holder_of(self.estimator, name)
            if holder is None:
                raise AttributeError(f"{type(self.estimator).__name__} has no parameter {name}")
            now = holder.get_params(deep=False)[name]
            holder.set_params(**{name: value(now) if callable(value) else value})

    def _with_leak(self, X: Any, y: Array) -> tuple[Any, Array]:
        if not self.defect.leaked:
            return X, y
        tested, folds = self.data.dataset.tested, self.data.dataset.folds
        places = np.arange(round(self.defect.leaked * (len(tested) if folds is None else folds.n)))
        return joined(X, take(tested.X, places)), np.concatenate([y, self.data.y_tested[places]])

    def _run(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """Call the estimator while the code is wrong; what it raises then is its own."""
        with ExitStack() as stack:
            with self._planting():
                stack.enter_context(self.defect.code())
            return method(*arguments)

    @contextmanager
    def _planting(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise SabotageError(
                f"defect {self.defect.name}, {self.defect.severity}",
                found=f"{type(error).__name__} while it was planted ({error})",
                expected="a defect that can be planted in this model",
                next_step="mend the defect, or name the models that it is meant for",
            ) from error


def holder_of(estimator: Any, name: str) -> Parameters | None:
    """What has a parameter of a name: the estimator, else the last step of its pipeline, else what it wraps."""
    holder = offered(estimator, Parameters)
    parameters = holder.get_params(deep=False) if holder is not None else {}
    if name in parameters:
        return holder
    pipeline, wrapper = offered(estimator, Pipeline), offered(estimator, Wraps)
    if pipeline is not None:
        return holder_of(pipeline.steps[-1][1], name)
    if wrapper is not None and "estimator" in parameters:  # a forest's own attribute of that name is no parameter
        return holder_of(wrapper.estimator, name)
    return None


def _can_set(estimator: Any, name: str, value: Any) -> bool:
    holder = holder_of(estimator, name)
    if holder is None:
        return False
    now = holder.get_params(deep=False)[name]
    return not callable(value) or (isinstance(now, Real) and not isinstance(now, bool))


def _meets(data: TaskData, need: Requirement) -> bool:
    if need is Requirement.NUMERIC:
        return is_numeric(data.dataset.train.X)
    if need is Requirement.CLASSES:
        return data.kind in ("binary", "multiclass") and len(np.unique(data.y_train)) > 1
    return data.dataset.image_shape is not None
