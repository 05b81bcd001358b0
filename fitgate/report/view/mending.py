"""Mending: which test examples a model answers otherwise than in an earlier run, broken and mended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.metrics import right
from fitgate.record import Record, TaskEntry
from fitgate.record.examples import asks_for_numbers
from fitgate.report.view.words import Noun, class_names, image, noun, row_text
from fitgate.runs import Evaluation
from fitgate.statistics.folds import first_of_each

MOST_EXAMPLES = 10  # of each kind, of a model on a task
FARTHEST = 1e300  # what an answer that is no number is off
Array = NDArray[Any]
RowOf = Callable[[str, int], Any]  # from a task's name and the place of an output to the example; None where unknown


@dataclass(frozen=True)
class ChangedExample:
    """A test example that is answered otherwise.

    Attributes:
        index: its place in the test split; with folds, among all examples.
        truth, before, now: its class, or number, and the two answers.
        values: the example itself, in short; empty where it is not known.
        picture: the example as an image; None where it is none.
    """

    index: int
    truth: str
    before: str
    now: str
    values: str
    picture: Array | None


@dataclass(frozen=True)
class AnswerChange:
    """What a model answers otherwise on a task.

    Attributes:
        model, task: names.
        noun: what an example is called.
        n: how many were asked about.
        broken, mended: how many are wrong now and were right, and the reverse; of numbers, how many answers are
            farther off, and nearer; with folds, how many are wrong in more repeats, and in fewer.
        of_numbers: whether the task asks for numbers.
        worse, better: the first of each.
    """

    model: str
    task: str
    noun: Noun
    n: int
    broken: int
    mended: int
    of_numbers: bool
    worse: tuple[ChangedExample, ...]
    better: tuple[ChangedExample, ...]


def pairs(record: Record, base: Record) -> Iterator[tuple[TaskEntry, Evaluation | None, Evaluation | None]]:
    """Evaluations before and now, of each model on each task that one of the two has."""
    before = {(e.model, e.task): e for e in base.evaluations}
    now = {(e.model, e.task): e for e in record.evaluations}
    for key in dict.fromkeys([*now, *before]):
        task = record.task(key[1]) or base.task(key[1])
        if task is not None:
            yield task, before.get(key), now.get(key)


def alike(record: Record, base: Record, task: TaskEntry, before: Evaluation, now: Evaluation) -> bool:
    """Whether two evaluations answer the same questions."""
    data, other, asked = record.dataset(task.name), base.dataset(task.name), base.task(task.name)
    if data is None or other is None or asked is None or data.digest != other.digest:
        return False
    return before.predictions.shape == now.predictions.shape and np.array_equal(task.target, asked.target)


def answers(record: Record, base: Record, row_of: RowOf | None = None) -> Iterator[AnswerChange]:
    """What models answer otherwise than in an earlier run, where both were asked the same.

    Args:
        record: of the run.
        base: of the earlier one.
        row_of: gives examples that the records don't keep.
    """
    rows = _rows(record, base, row_of)
    named = {(v.model, v.task): v.lost for v in record.verdicts if v.lost}
    for task, before, now in pairs(record, base):
        if before is None or now is None or not alike(record, base, task, before, now):
            continue
        predictions = (before.predictions, now.predictions)
        of_numbers = asks_for_numbers(task, predictions)
        faults = [_faults(task, given, of_numbers) for given in predictions]
        folds = record.folds(task.name)
        grown = faults[1] - faults[0] if folds is None else folds.pooled(faults[1]) - folds.pooled(faults[0])
        examples = np.arange(len(grown)) if folds is None else folds.examples
        first = np.isin(examples, examples[named.get((now.model, task.name), [])])
        own = (faults[1] - faults[0]) * np.sign(grown)  # of an example's outputs, one that shows the change
        places = first_of_each(np.lexsort((-own, ~first, -np.abs(grown))), examples)
        worse, better = places[grown[places] > 0], places[grown[places] < 0]
        if len(worse) or len(better):
            show = partial(_example, record, task, before, now, rows, of_numbers)
            yield AnswerChange(
                now.model,
                task.name,
                noun([record.dataset(task.name)]),
                len(places),
                len(worse),
                len(better),
                of_numbers,
                tuple(map(show, worse[:MOST_EXAMPLES].tolist())),
                tuple(map(show, better[:MOST_EXAMPLES].tolist())),
            )


def _faults(task: TaskEntry, predictions: Array, of_numbers: bool) -> NDArray[np.float64]:
    """How bad each output is: its distance from the truth, or whether it is wrong."""
    if of_numbers:
        distances = np.abs(predictions - task.target.astype(np.float64))
        return np.nan_to_num(distances, nan=FARTHEST, posinf=FARTHEST)
    return (~right(task.target, predictions)).astype(np.float64)


def _example(
    record: Record, task: TaskEntry, before: Evaluation, now: Evaluation, row_of: RowOf, of_numbers: bool, i: int
) -> ChangedExample:
    data, name = record.dataset(task.name), class_names(record, task)

    def shown(value: Any) -> str:
        if np.ndim(value):
            return ", ".join(map(name, value))
        return f"{value:.5g}" if of_numbers else name(value)

    row = row_of(task.name, i)
    return ChangedExample(
        index=i if data is None else data.example(i),
        truth=shown(task.target[i]),
        before=shown(before.predictions[i]),
        now=shown(now.predictions[i]),
        values="" if row is None else row_text(row),
        picture=image(row, data.image_shape) if row is not None and data and data.image_shape else None,
    )


def _rows(record: Record, base: Record, row_of: RowOf | None) -> RowOf:
    """What gives examples: those that the records keep, else as `row_of` does."""
    kept = {
        (example.task, example.index): example.row
        for of in (base, record)
        for examples in (of.misclassified, of.largest_errors, *of.lost.values())
        for example in examples
    }

    def rows(task: str, i: int) -> Any:
        if (task, i) in kept or row_of is None:
            return kept.get((task, i))
        return row_of(task, i)

    return rows
