"""Examples that a record shows: those that models get wrong, or are far off, and those that a failed gate names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.metrics import right
from fitgate.record.entries import Misclassified, TaskEntry
from fitgate.record.record import Record
from fitgate.statistics import Folds
from fitgate.statistics.folds import first_of_each
from fitgate.tasks import CLASSES, NUMBERS
from fitgate.text import CELL, NAME, shown

MOST_EXAMPLES = 20
MOST_ERRORS = 10

RowOf = Callable[[str, int], Any]


def misclassified_examples(record: Record, row_of: RowOf) -> list[Misclassified]:
    """The test examples that most models got wrong, most first; only ones that at least half of them did.

    They are of the tasks that models put first, where these have classes.

    Args:
        record: of a run.
        row_of: from a task's name and the place of an output to the example itself.
    """
    found = []
    for task in record.tasks:
        if task.kind in CLASSES and any(model.tasks[0] == task.name for model in record.models):
            answers = {e.model: e.predictions for e in record.evaluations if e.task == task.name}
            if answers:
                found += _wrong(task, answers, record.folds(task.name), row_of)
    return found


def _wrong(
    task: TaskEntry, answers: dict[str, NDArray[Any]], folds: Folds | None, row_of: RowOf
) -> list[Misclassified]:
    wrong = np.sum([~right(task.target, given) for given in answers.values()], axis=0)
    order, pooled = _ranked(wrong, folds)
    return [_example(task, i, answers, row_of) for i in order[:MOST_EXAMPLES] if 2 * pooled[i] >= len(answers)]


def _ranked(faults: NDArray[Any], folds: Folds | None) -> tuple[list[int], NDArray[Any]]:
    """Outputs by how bad they are, worst first, and how bad; with folds one an example, by the mean over repeats."""
    if folds is None:
        return np.argsort(-faults, kind="stable").tolist(), faults
    pooled = folds.pooled(faults)
    return first_of_each(np.lexsort((-faults, -pooled)), folds.examples).tolist(), pooled


def asks_for_numbers(task: TaskEntry, answers: Sequence[NDArray[Any]]) -> bool:
    """Whether a task asks for one number an example, by its kind or by answers with fractions.

    scikit-learn calls a target of whole numbers one of classes, even where models answer with fractions.
    """
    if (
        task.target.ndim != 1
        or task.target.dtype.kind not in "biuf"
        or any(a.dtype.kind not in "biuf" for a in answers)
    ):
        return False
    return task.kind in NUMBERS or (task.kind in CLASSES and any(map(_has_fractions, answers)))


def _has_fractions(answers: NDArray[Any]) -> bool:
    return answers.dtype.kind == "f" and bool(np.any(np.isfinite(answers) & (answers != np.floor(answers))))


def largest_errors(record: Record, row_of: RowOf) -> list[Misclassified]:
    """The test examples that models are farthest off, by the median over the models, of tasks that ask for numbers.

    Args:
        record: of a run.
        row_of: from a task's name and the place of an output to the example itself.
    """
    found = []
    for task in record.tasks:
        answers = {e.model: e.predictions for e in record.evaluations if e.task == task.name}
        if answers and asks_for_numbers(task, list(answers.values())):
            truth = task.target.astype(np.float64)
            errors = np.median([np.abs(given - truth) for given in answers.values()], axis=0)
            order, pooled = _ranked(errors, record.folds(task.name))
            found += [_example(task, i, answers, row_of) for i in order[:MOST_ERRORS] if pooled[i] > 0]
    return found


def lost_examples(record: Record, row_of: RowOf) -> dict[str, list[Misclassified]]:
    """The test examples that failed regression gates name, with what the model makes of them now, by gate."""
    answers: dict[tuple[str, str], list[NDArray[Any]]] = {}
    for e in (*(run.evaluation for run in record.seed_runs), *record.evaluations):
        answers.setdefault((e.model, e.task), []).append(e.predictions)
    tasks = {task.name: task for task in record.tasks}
    found: dict[str, list[Misclassified]] = {}
    for v in record.verdicts:
        seeds = answers.get((v.model, v.task), [])
        if v.lost and seeds and seeds[0].ndim == 1:
            task, folds = tasks[v.task], record.folds(v.task)
            wrong = [(_wrong_of(task, _places(i, folds), seeds) or (i, seeds[0])) for i in v.lost]
            found[f"{v.model} on {v.task}, {v.gate}"] = [_example(task, i, {v.model: of}, row_of) for i, of in wrong]
    return found


def _places(i: int, folds: Folds | None) -> list[int]:
    """The places of all outputs for the example that one is for: with folds, one a repeat."""
    return [i] if folds is None else np.flatnonzero(folds.examples == folds.examples[i]).tolist()


def _wrong_of(task: TaskEntry, places: list[int], seeds: list[NDArray[Any]]) -> tuple[int, NDArray[Any]] | None:
    """The first of some outputs that is wrong, and the predictions that it is of; None where all are right."""
    wrong = ((i, of) for of in seeds for i in places if of[i] != task.target[i])
    return next(wrong, None)


def _example(task: TaskEntry, i: int, answers: dict[str, NDArray[Any]], row_of: RowOf) -> Misclassified:
    plain = {model: _plain(given[i]) for model, given in answers.items()}
    return Misclassified(task.name, i, _plain(task.target[i]), plain, row_of(task.name, i))


def _plain(value: Any) -> Any:
    """A label or a number as JSON has it: dates, bytes and other objects as their text."""
    item = value.item() if isinstance(value, np.generic) else value
    if isinstance(item, np.floating):  # wider than Python's
        return float(item)
    return item if isinstance(item, str | bool | int | float) or item is None else shown(item, CELL)


def row(X: Any, i: int) -> Any:
    """An example as a record keeps it: an array, a mapping from columns to values, or text, of bounded length.

    Args:
        X: an array, sparse matrix, data frame or sequence of texts.
        i: its place.
    """
    if hasattr(X, "iloc"):
        return {shown(column, NAME): shown(value, CELL) for column, value in X.iloc[i].items()}
    if hasattr(X, "toarray"):
        return X[[i]].toarray()[0]
    return np.asarray(X[i]) if isinstance(X, np.ndarray) else shown(X[i])
