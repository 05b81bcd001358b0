"""Answers: what a fitted estimator gives for examples, in the form in which metrics read it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data import lent
from fitgate.errors import FitgateError
from fitgate.protocols import DecisionFunction, KnowsClasses, Pipeline, Probabilities, offered
from fitgate.tasks import NUMBERS, TaskData

Array = NDArray[Any]
ROUNDING = 1e-3  # of probabilities, which may be float16


class Lacking(Exception):
    """An output that an estimator does not give; its text says why, as a clause."""


class WrongAnswers(FitgateError):
    """Predictions that can't be answers to the task."""


def predictions_of(estimator: Any, data: TaskData, predictions: Array) -> Array:
    """Predictions in the target's type, if that changes none of them: casting must not turn wrong answers right.

    Args:
        estimator: that gave them.
        data: the task that it was asked.
        predictions: as they came.

    Raises:
        WrongAnswers: if they are of another shape or type than the target, or no finite numbers where those are asked.
    """
    target = data.y_test
    if predictions.shape != target.shape:
        raise _wrong(
            estimator,
            f"predictions of shape {predictions.shape} for {len(target):,} examples",
            f"{target.shape}",
            "let predict answer each example once",
        )
    if _is_text(predictions) != _is_text(target):
        raise _wrong(
            estimator,
            f"labels such as {_first(predictions)!r}",
            f"labels such as {_first(target)!r}",
            "fit the estimator on the task's own target, or let it answer with the labels that it was fitted on",
        )
    if data.classes is not None and predictions.ndim == 1 and not np.isin(predictions, data.classes).any():
        raise _wrong(
            estimator,
            f"only labels such as {_first(predictions)!r}, none of which the task has",
            f"labels such as {_first(target)!r}",
            "fit the estimator on the task's own target, or let predict answer with classes",
        )
    if data.kind in NUMBERS and not _are_finite(predictions):
        raise _wrong(
            estimator,
            f"predictions such as {_first_not_finite(predictions)!r}",
            "finite numbers",
            "mend the estimator, or the examples that it answers so",
        )
    try:
        with np.errstate(invalid="ignore"):  # NaN is no class
            cast = predictions.astype(target.dtype)
    except (TypeError, ValueError):
        return predictions
    return cast if np.array_equal(cast, predictions) else predictions


def scores_of(estimator: Any, data: TaskData) -> Array:
    """A classifier's decision function for the test split, or else its probabilities.

    Returns:
        float64 `(n,)` of two classes, higher for the second; else `(n, classes)`, or of several labels `(n, labels)`.

    Raises:
        Lacking: if it offers neither, or gives other columns than the task has classes or labels.
    """
    decides = offered(estimator, DecisionFunction)
    if decides is None:
        if offered(estimator, Probabilities) is None:
            raise Lacking(f"{_kind(estimator)} has neither decision_function nor predict_proba")
        likely = _likely(estimator, data)
        return likely[:, 1] if data.classes is not None and likely.shape[1:] == (2,) else likely
    found = np.asarray(decides.decision_function(lent(data.dataset.test.X)), np.float64)
    if data.classes is None:
        return _of_labels(estimator, found, data)
    own = _classes(estimator, data)
    if found.ndim == 1 and len(own) == 2:
        both = _in_order(
            estimator,
            np.column_stack([-found, found]),
            data,
            float(-np.abs(found).max(initial=0.0)),
            "decision_function",
        )
        return both[:, 1] if len(data.classes) == 2 else both
    if len(data.classes) <= 2:
        return _checked(estimator, found, (len(data.y_test),), "decision_function")
    return _in_order(estimator, found, data, float(np.min(found, initial=0.0)), "decision_function")


def probabilities_of(estimator: Any, data: TaskData) -> Array:
    """A classifier's probabilities for the test split.

    Returns:
        float64 `(n, classes)`, in the order of the task's classes, 0 for one that the estimator does not know; or of
        several labels `(n, labels)`.

    Raises:
        Lacking: if it offers none, gives other columns than the task has classes or labels, or what is no probability.
    """
    likely = _likely(estimator, data)
    finite = likely[np.isfinite(likely).all(axis=1)]  # a metric has no value where any is not finite
    whole = data.classes is None or bool(np.all(np.abs(finite.sum(axis=1) - 1) < ROUNDING))
    if not whole or np.any((finite < -ROUNDING) | (finite > 1 + ROUNDING)):
        adding = "" if data.classes is None else " that add up to 1"
        raise Lacking(f"{_kind(estimator)} gives predict_proba other than numbers from 0 to 1{adding}")
    return likely


def _likely(estimator: Any, data: TaskData) -> Array:
    """What predict_proba gives, in the order of the task's classes, be it probabilities or not."""
    offers = offered(estimator, Probabilities)
    if offers is None:
        raise Lacking(f"{_kind(estimator)} has no predict_proba")
    given = offers.predict_proba(lent(data.dataset.test.X))
    if isinstance(given, list):  # of several labels, scikit-learn's trees and neighbours give an array for each
        labels = _classes(estimator, data)
        given = np.column_stack([_of_one(p, known) for p, known in zip(given, labels, strict=True)])
    found = np.asarray(given, np.float64)
    if data.classes is None:
        return _of_labels(estimator, found, data)
    return _in_order(estimator, found, data, 0.0, "predict_proba")


def _of_one(probabilities: Array, known: Array) -> Array:
    """The probability of a label, where its column may be the only one that the training split gave."""
    places = np.flatnonzero(np.asarray(known) == 1)
    return probabilities[:, places[0]] if len(places) else np.zeros(len(probabilities))


def _of_labels(estimator: Any, found: Array, data: TaskData) -> Array:
    return _checked(estimator, found, data.y_test.shape, "its output")


def _in_order(estimator: Any, found: Array, data: TaskData, absent: float, method: str) -> Array:
    """Columns in the order of the task's classes; of one that an estimator does not know, all the same number."""
    classes, own = data.classes, _classes(estimator, data)
    assert classes is not None
    _checked(estimator, found, (len(data.y_test), len(own)), method)
    ordered = np.full((len(found), len(classes)), absent)
    for column, label in enumerate(own):
        place = np.asarray(classes == label)
        if not place.any():
            raise Lacking(f"{_kind(estimator)} has the class {_plain(label)!r}, which is none of the task's")
        ordered[:, place] = found[:, [column]]
    return ordered


def _classes(estimator: Any, data: TaskData) -> Any:
    """An estimator's classes, in the order of its columns; those of the training split where it does not say."""
    knows = offered(estimator, KnowsClasses)
    return np.unique(data.y_train) if knows is None else knows.classes_


def _checked(estimator: Any, found: Array, expected: tuple[int, ...], method: str) -> Array:
    if len(found) != expected[0]:
        raise ValueError(f"{method} of shape {found.shape} for {expected[0]:,} examples")
    if found.shape != expected:
        raise Lacking(f"{_kind(estimator)} gives {method} of shape {found.shape} where {expected} is expected")
    return found


def _kind(estimator: Any) -> str:
    """The class of an estimator, or of a pipeline's last step."""
    pipeline = offered(estimator, Pipeline)
    return type(estimator).__name__ if pipeline is None else _kind(pipeline.steps[-1][1])


def _wrong(estimator: Any, found: str, expected: str, next_step: str) -> WrongAnswers:
    return WrongAnswers(_kind(estimator), found=found, expected=expected, next_step=next_step)


def _is_text(labels: Array) -> bool:
    return labels.dtype.kind in "US" or (labels.dtype.kind == "O" and any(isinstance(x, str) for x in labels.flat))


def _are_finite(numbers: Array) -> bool:
    return numbers.dtype.kind in "biuf" and bool(np.isfinite(numbers).all())


def _first(labels: Array) -> Any:
    return _plain(labels.flat[0]) if labels.size else None


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _first_not_finite(numbers: Array) -> Any:
    return _first(numbers[~np.isfinite(numbers)] if numbers.dtype.kind == "f" else numbers)
