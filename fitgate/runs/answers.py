"""Answers: what a fitted estimator gives for examples, in the form in which metrics read it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data import lent
from fitgate.errors import FitgateError, in_one_line
from fitgate.protocols import DecisionFunction, KnowsClasses, Pipeline, Probabilities, offered
from fitgate.tasks import NUMBERS, TaskData
from fitgate.text import CELL, shown

Array = NDArray[Any]
PLAIN = "biufUS"  # kinds of dtype: truth values, numbers, text
ROUNDING = 1e-3  # of probabilities, which may be float16


class Lacking(Exception):
    """An output that an estimator does not give; its text says why, as a clause."""


class WrongAnswers(FitgateError):
    """Predictions that can't be answers to the task."""


def array_of(estimator: Any, answers: Any) -> Array:
    """What `predict` returned, as an array of truth values, numbers or text.

    Args:
        estimator: that gave it.
        answers: an array, a sparse matrix, a Series, a list or whatever else NumPy takes for an array.

    Raises:
        WrongAnswers: if it holds anything else, such as None, dates or complex numbers, masks some of its answers, or
            mixes numbers and text.
    """
    from scipy.sparse import issparse

    if np.ma.is_masked(answers):
        raise _no_answers(estimator, "predictions of which some are masked")
    try:
        given = answers.toarray() if issparse(answers) else np.asarray(answers)
    except (TypeError, ValueError) as error:  # rows of several lengths
        raise _no_answers(estimator, f"what NumPy takes for no array ({in_one_line(error)})") from None
    if not given.ndim:
        return given  # of no shape that a task asks for
    if given.dtype.kind == "O":
        given = _plain_array(estimator, given)
    if given.dtype.kind not in PLAIN and given.size:
        raise _no_answers(estimator, f"predictions such as {_repr(_first(given))}")
    return given


def _plain_array(estimator: Any, objects: Array) -> Array:
    """Objects that are all text, or all numbers, as an array of such; none ends in a NUL, which NumPy cuts off."""
    items = [_plain(item) for item in objects.flat]
    text = [isinstance(item, str) for item in items]
    for item in items:
        if not isinstance(item, str | bool | int | float) or (isinstance(item, str) and item.endswith("\0")):
            raise _no_answers(estimator, f"predictions such as {_repr(item)}")
    if any(text) and not all(text):
        raise _no_answers(estimator, f"text such as {_repr(items[text.index(True)])} among numbers")
    return np.array(items).reshape(objects.shape)


def predictions_of(estimator: Any, data: TaskData, predictions: Array) -> Array:
    """Predictions in the target's type, if that changes none of them: casting must not turn wrong answers right.

    Args:
        estimator: that gave them.
        data: the task that it was asked.
        predictions: as they came.

    Raises:
        WrongAnswers: if they are of another shape or type than the target, or no finite numbers.
    """
    target = data.y_test
    if predictions.shape != target.shape:
        raise _wrong(
            estimator,
            f"predictions of shape {predictions.shape} for {len(target):,} examples",
            f"{target.shape}",
            "let predict answer each example once",
        )
    if predictions.dtype.kind == "f" and not np.isfinite(predictions).all():
        raise _wrong(
            estimator,
            f"predictions such as {_repr(_first(predictions[~np.isfinite(predictions)]))}",
            "finite numbers",
            "mend the estimator, or the examples that it answers so",
        )
    if _text_kind(predictions) != _text_kind(target):
        raise _wrong(
            estimator,
            f"labels such as {_repr(_first(predictions))}",
            f"labels such as {_repr(_first(target))}",
            "fit the estimator on the task's own target, or let it answer with the labels that it was fitted on",
        )
    if data.classes is not None and predictions.ndim == 1 and not np.isin(predictions, data.classes).any():
        raise _wrong(
            estimator,
            f"only labels such as {_repr(_first(predictions))}, none of which the task has",
            f"labels such as {_repr(_first(target))}",
            "fit the estimator on the task's own target, or let predict answer with classes",
        )
    if data.kind in NUMBERS and predictions.dtype.kind not in "biuf":
        raise _wrong(
            estimator,
            f"predictions such as {_repr(_first(predictions))}",
            "finite numbers",
            "mend the estimator, or the examples that it answers so",
        )
    try:
        with np.errstate(invalid="ignore", over="ignore"):
            cast = predictions.astype(target.dtype)
    except (TypeError, ValueError):
        return predictions
    return cast if np.array_equal(cast, predictions) else predictions


def scores_of(estimator: Any, data: TaskData, X: Any = None) -> Array:
    """A classifier's decision function for the test split, or else its probabilities.

    Args:
        estimator: that is asked.
        data: the task that it was fitted on.
        X: what it is asked about in place of the test split's examples, as many of them; None for these.

    Returns:
        float64 `(n,)` of two classes, higher for the second; else `(n, classes)`, or of several labels `(n, labels)`.

    Raises:
        Lacking: if it offers neither, or gives other columns than the task has classes or labels.
    """
    decides = offered(estimator, DecisionFunction)
    if decides is None:
        if offered(estimator, Probabilities) is None:
            raise Lacking(f"{_kind(estimator)} has neither decision_function nor predict_proba")
        likely = _likely(estimator, data, X)
        return likely[:, 1] if data.classes is not None and likely.shape[1:] == (2,) else likely
    found = _numbers(decides.decision_function(_asked(data, X)))
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


def probabilities_of(estimator: Any, data: TaskData, X: Any = None) -> Array:
    """A classifier's probabilities for the test split; its arguments are those of `scores_of`.

    Returns:
        float64 `(n, classes)`, in the order of the task's classes, 0 for one that the estimator does not know; or of
        several labels `(n, labels)`.

    Raises:
        Lacking: if it offers none, gives other columns than the task has classes or labels, or what is no probability.
    """
    likely = _likely(estimator, data, X)
    finite = likely[np.isfinite(likely).all(axis=1)]  # a metric has no value where any is not finite
    whole = data.classes is None or bool(np.all(np.abs(finite.sum(axis=1) - 1) < ROUNDING))
    if not whole or np.any((finite < -ROUNDING) | (finite > 1 + ROUNDING)):
        adding = "" if data.classes is None else " that add up to 1"
        raise Lacking(f"{_kind(estimator)} gives predict_proba other than numbers from 0 to 1{adding}")
    return likely


def _asked(data: TaskData, X: Any) -> Any:
    return lent(data.dataset.test.X if X is None else X)


def _likely(estimator: Any, data: TaskData, X: Any) -> Array:
    """What predict_proba gives, in the order of the task's classes, be it probabilities or not."""
    offers = offered(estimator, Probabilities)
    if offers is None:
        raise Lacking(f"{_kind(estimator)} has no predict_proba")
    given = offers.predict_proba(_asked(data, X))
    if isinstance(given, list):  # of several labels, scikit-learn's trees and neighbours give an array for each
        labels = _classes(estimator, data)
        given = np.column_stack([_of_one(p, known) for p, known in zip(given, labels, strict=True)])
    found = _numbers(given)
    if data.classes is None:
        return _of_labels(estimator, found, data)
    return _in_order(estimator, found, data, 0.0, "predict_proba")


def _numbers(given: Any) -> Array:
    """Scores as float64; one that is masked is missing, and NaN.

    Raises:
        WrongAnswers: if they are no real numbers: times, say, would be cast to finite ones.
    """
    try:
        if (found := np.asanyarray(given)).dtype.kind in "mMc":
            raise TypeError(f"dtype {found.dtype}")
        if isinstance(found, np.ma.MaskedArray):
            return np.ma.filled(found.astype(np.float64), np.nan)
        return np.asarray(found, np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongAnswers(
            "scores",
            found=f"what are no real numbers ({in_one_line(error)})",
            expected="an array of them",
            next_step="correct what decision_function or predict_proba gives",
        ) from None


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
    if found.shape[:1] != expected[:1]:
        rows = f"a row for each of {expected[0]:,} examples"
        raise _wrong(estimator, f"{method} of shape {found.shape}", rows, "let it give one")
    if found.shape != expected:
        raise Lacking(f"{_kind(estimator)} gives {method} of shape {found.shape} where {expected} is expected")
    return found


def _kind(estimator: Any) -> str:
    """The class of an estimator, or of a pipeline's last step."""
    pipeline = offered(estimator, Pipeline)
    return type(estimator).__name__ if pipeline is None else _kind(pipeline.steps[-1][1])


def _wrong(estimator: Any, found: str, expected: str, next_step: str) -> WrongAnswers:
    return WrongAnswers(_kind(estimator), found=found, expected=expected, next_step=next_step)


def _no_answers(estimator: Any, found: str) -> WrongAnswers:
    return _wrong(estimator, found, "labels or finite numbers", "let predict answer each example with one of these")


def _text_kind(labels: Array) -> str:
    """What kind of text labels are: `U`, or `S` of bytes; empty for numbers."""
    if labels.dtype.kind == "O":
        return "U" if any(isinstance(x, str) for x in labels.flat) else ""
    return labels.dtype.kind if labels.dtype.kind in "US" else ""


def _first(labels: Array) -> Any:
    return _plain(labels.flat[0]) if labels.size else None


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label


def _repr(value: Any) -> str:
    """A value as a message shows it, though it fail to say what it is, or have a million digits."""
    try:
        return shown(repr(value), CELL)
    except Exception:  # of code that is not ours
        return f"an object of {type(value).__name__}"
