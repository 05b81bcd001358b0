"""Predictions in a table: made wherever, written by `fitgate predict` or by others, and judged as an estimator's own.

A row is a test example, found by its id; the order of rows is free. Its columns:

- `id`: what the dataset calls the example, or its place in the test split, from 0 on, where it has no ids.
- `label`: the true label. It must be the test split's; only a dataset with ids can do without.
- `prediction`: the label, or the number, that the model answers with.
- `score`, for ranking: of two classes one column, higher for the second; of more `score:CLASS` for each.
- `probability:CLASS` for each class; of two classes `probability` alone may be that of the second.

Of targets of several outputs, all but `id` are a column for each, as `label:0`. Other columns are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data import DataError, lent
from fitgate.data.digest import digest
from fitgate.data.table import Table, read_table
from fitgate.protocols import DecisionFunction, offered
from fitgate.runs.answers import Lacking, array_of, predictions_of, probabilities_of, scores_of
from fitgate.tasks import NUMBERS, TaskData
from fitgate.text import CELL, shown

Array = NDArray[Any]
ID, LABEL, PREDICTION, SCORE, PROBABILITY = "id", "label", "prediction", "score", "probability"
CLOSE = 1e-6  # relative difference of two numbers that are taken for the same label, of which one was rounded


class Predicted:
    """Predictions that were made elsewhere, as an estimator that answers about the test split alone.

    Args:
        answers: by the method that gives them: `predict`, `decision_function`, `predict_proba`.
        classes: in the order of the columns; None where an example is not of one class.
        digest: SHA-256 of the test split's X.
    """

    def __init__(self, answers: Mapping[str, Array], classes: Array | None, digest: str):
        self._answers, self._digest = dict(answers), digest
        if classes is not None:
            self.classes_ = classes

    @staticmethod
    def named(name: str, *arguments: Any) -> Predicted:
        """The same, whom messages call by a name, as they call an estimator by its class."""

        def again(self: Predicted) -> tuple[Any, ...]:
            return Predicted.named, (name, *arguments)

        return type(name, (Predicted,), {"__reduce__": again})(*arguments)

    def __getattr__(self, name: str) -> Callable[[Any], Array]:
        if name not in vars(self).get("_answers", {}):
            raise AttributeError(name)
        return partial(self._answered, name)

    def _answered(self, name: str, X: Any) -> Array:
        """What it holds, if that is what it is asked for: of other examples, it knows nothing.

        Raises:
            DataError: if X is not the test split's.
        """
        if digest(X) != self._digest:
            raise DataError(
                type(self).__name__,
                found="a question about other examples than the test split's",
                expected="none: predictions that were made elsewhere answer no other",
                next_step="give the model an artefact, which can be asked",
            )
        return self._answers[name]


def read_predictions(path: Path, where: str, data: TaskData) -> Predicted:
    """The predictions of a file for a task's test split.

    Args:
        path: a CSV or Parquet file.
        where: what errors call it.
        data: the task.

    Raises:
        DataError: if it can't be read, lacks a column, or its rows are not the test split's examples, each once.
    """
    return _Reading(read_table(path, where), data).predicted()


def prediction_columns(estimator: Any, data: TaskData) -> dict[str, Sequence[Any]]:
    """What a fitted estimator answers about the test split, as a table that is judged elsewhere as it would be here.

    Args:
        estimator: fitted.
        data: the task that it was fitted on.

    Raises:
        WrongAnswers: if its predictions can't be answers to the task.
        Exception: what predicting raises.
    """
    columns: dict[str, Sequence[Any]] = {ID: data.dataset.test.named}
    columns |= _columns(LABEL, data.y_test, None)
    answers = array_of(estimator, estimator.predict(lent(data.dataset.test.X)))
    columns |= _columns(PREDICTION, predictions_of(estimator, data, answers), None)
    if data.kind not in NUMBERS:
        if offered(estimator, DecisionFunction) is not None:
            columns |= _given(SCORE, scores_of, estimator, data)
        columns |= _given(PROBABILITY, probabilities_of, estimator, data)
    return columns


def _given(
    name: str, answer: Callable[[Any, TaskData], Array], estimator: Any, data: TaskData
) -> dict[str, Sequence[Any]]:
    try:
        return _columns(name, answer(estimator, data), data.classes)
    except Lacking:
        return {}


def _columns(name: str, values: Array, classes: Array | None) -> dict[str, Sequence[Any]]:
    """Columns of plain values: floats as float64, which holds each smaller one as it is."""
    plain = values.astype(np.float64) if values.dtype.kind == "f" else values
    if plain.ndim == 1:
        return {name: plain.tolist()}
    return {f"{name}:{of}": column.tolist() for of, column in zip(_names(classes, plain), plain.T, strict=True)}


def _names(classes: Array | None, values: Array) -> list[str]:
    """What the columns of an array are called: after classes, or else by their places."""
    return list(map(str, range(values.shape[1]) if classes is None else classes.tolist()))


class _Reading:
    """A table, as predictions for a task's test split."""

    def __init__(self, table: Table, data: TaskData):
        self._table, self._data = table, data
        self._rows = self._places()

    def predicted(self) -> Predicted:
        """All that it holds."""
        self._check_labels()
        answers = {"predict": self._of_target(PREDICTION)}
        if self._data.kind not in NUMBERS:
            for method, found in (("decision_function", self._scores()), ("predict_proba", self._probabilities())):
                if found is not None:
                    answers[method] = found
        return Predicted.named(self._table.where, answers, self._data.classes, digest(self._data.dataset.test.X))

    def _places(self) -> NDArray[np.intp]:
        """The row of each test example.

        Raises:
            DataError: if an example has none or two, or a row is of none.
        """
        table, known = self._table, self._data.dataset.test.named
        rows: dict[str, int] = {}
        for row, name in enumerate(table.texts(ID)):
            first = rows.setdefault(name, row)
            if first != row:
                raise self._wrong(
                    f"id {_quoted(name)} in {table.place(first)} and again in {table.place(row)}",
                    "each test example once",
                    "leave out the row that is not meant",
                )
        if unknown := rows.keys() - set(known):
            one = min(unknown, key=rows.__getitem__)
            called = "ids" if self._data.dataset.test.ids is not None else "places in it, as it has no ids"
            raise self._wrong(
                f"{len(unknown):,} of {len(rows):,} rows of no test example, such as id {_quoted(one)} in "
                f"{table.place(rows[one])}",
                f"the test split's {called}, such as {_quoted(known[0])}",
                "write the predictions for this test split, or correct the ids",
            )
        if lacking := [name for name in known if name not in rows]:
            raise self._wrong(
                f"no row for {len(lacking):,} of {len(known):,} test examples, such as id {_quoted(lacking[0])}",
                "a prediction for each",
                "predict these as well: a gate judges the whole test split, or nothing",
            )
        return np.array([rows[name] for name in known], np.intp)

    def _check_labels(self) -> None:
        """Refuse true labels other than the test split's: the file is of another one."""
        if not any(name in self._table.columns for name in _of(LABEL, self._data.y_test)):
            if self._data.dataset.test.ids is not None:
                return
            raise self._wrong(
                f"no column {LABEL!r}, and rows that are known by their places alone",
                "the true labels, which show whose predictions these are",
                "add them, or give the dataset ids",
            )
        truth, labels = self._data.y_test, self._of_target(LABEL)
        if truth.dtype.kind == "f":
            differ = ~np.isclose(labels, truth, rtol=CLOSE, atol=0.0)
        else:
            differ = np.asarray(labels != truth)
        wrong = np.flatnonzero(differ.reshape(len(truth), -1).any(axis=1))
        if len(wrong):
            place, called = wrong[0], self._data.dataset.test.named
            raise self._wrong(
                f"{len(wrong):,} labels that are not the test split's, such as {_shown(labels[place])} of id "
                f"{_quoted(called[place])} in {self._table.place(self._rows[place])}",
                f"{_shown(truth[place])} there",
                "write the predictions for this test split: these are of another, or of other labels",
            )

    def _of_target(self, name: str) -> Array:
        """Labels or numbers of the target's kind, one a test example, or a row of them."""
        truth = self._data.y_test
        columns = [self._labels(one)[self._rows] for one in _of(name, truth)]
        return columns[0] if truth.ndim == 1 else np.column_stack(columns)

    def _labels(self, name: str) -> Array:
        kind, table = self._data.y_test.dtype.kind, self._table
        if kind == "b":
            return table.truths(name)
        if kind in "iuf":
            return table.numbers(name)
        if kind == "O" and not any(isinstance(label, str) for label in self._data.y_test.flat):
            return table.numbers(name)
        return np.array(table.texts(name))

    def _scores(self) -> Array | None:
        """As a decision function gives them; None where there are none."""
        classes = self._data.classes
        names = [SCORE] if classes is not None and len(classes) <= 2 else self._by_class(SCORE)
        found = self._numbers(SCORE, names)
        return found if found is None or found.shape[1] > 1 or classes is None else found[:, 0]

    def _probabilities(self) -> Array | None:
        classes = self._data.classes
        if classes is not None and len(classes) == 2 and PROBABILITY in self._table.columns:
            second = self._table.numbers(PROBABILITY)[self._rows].astype(np.float64)
            return np.column_stack([1 - second, second])
        return self._numbers(PROBABILITY, self._by_class(PROBABILITY))

    def _by_class(self, name: str) -> list[str]:
        classes, truth = self._data.classes, self._data.y_test
        return _of(name, truth) if classes is None else [f"{name}:{label}" for label in map(str, classes.tolist())]

    def _numbers(self, what: str, names: Sequence[str]) -> Array | None:
        """Columns of numbers; None where there is none of them.

        Raises:
            DataError: if some of them are there, or other ones that say to be the same.
        """
        columns = self._table.columns
        there = [name for name in columns if name == what or name.startswith(f"{what}:")]
        if not there:
            return None
        if set(there) != set(names):
            raise self._wrong(
                f"columns {', '.join(there)}",
                ", ".join(names),
                "give each of these a column, 0 where a model does not know the class, or leave all out",
            )
        return np.column_stack([self._table.numbers(name)[self._rows].astype(np.float64) for name in names])

    def _wrong(self, found: str, expected: str, next_step: str) -> DataError:
        return DataError(self._table.where, found=found, expected=expected, next_step=next_step)


def _of(name: str, truth: Array) -> list[str]:
    """The columns of a target: one, or one for each of its outputs."""
    return [name] if truth.ndim == 1 else [f"{name}:{i}" for i in range(truth.shape[1])]


def _quoted(name: str) -> str:
    return repr(shown(name, CELL))


def _shown(label: Any) -> str:
    return shown(label.tolist() if isinstance(label, np.ndarray | np.generic) else label, CELL)
