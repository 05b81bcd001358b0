"""Numbers: how far predicted numbers are from the true ones, on tasks that ask for one number an example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.record import DataEntry, Misclassified, Record, TaskEntry
from fitgate.record.examples import asks_for_numbers
from fitgate.report.view.standing import first_value, standings
from fitgate.report.view.words import Noun, noun, outputs, row_text
from fitgate.runs import Evaluation


@dataclass(frozen=True)
class ErrorRow:
    """The distribution of a model's absolute errors: their median, 90th percentile and greatest, as text."""

    model: str
    median: str
    ninetieth: str
    largest: str


@dataclass(frozen=True)
class Scatter:
    """A model's predictions `(n,)`.

    Attributes:
        model: its name.
        standing: `best` or `worst` of the task's models; empty where there is one.
        value: of the task's first metric, as text with the metric's title.
        predictions: in the order of the test split.
    """

    model: str
    standing: str
    value: str
    predictions: NDArray[Any]


@dataclass(frozen=True)
class LargestRow:
    """A test example that models are far off: the true value, what each of them answered, and the example in short."""

    index: int
    truth: str
    answers: tuple[str, ...]
    values: str


@dataclass(frozen=True)
class Numbers:
    """What models make of a task that asks for numbers.

    Attributes:
        task: its name.
        noun: what an example is called.
        points: what is counted where each of `truth` counts.
        truth: true values `(n,)`.
        rows: errors of each model.
        scatters: of the best and the worst.
        models: the columns of answers.
        largest: the examples with the largest errors, by the median over the models.
    """

    task: str
    noun: Noun
    points: Noun
    truth: NDArray[Any]
    rows: tuple[ErrorRow, ...]
    scatters: tuple[Scatter, ...]
    models: tuple[str, ...]
    largest: tuple[LargestRow, ...]


def numbers(record: Record) -> tuple[Numbers, ...]:
    """The tasks that ask for numbers, and were answered with such."""
    found = []
    for task in record.tasks:
        evaluations = [e for e in record.evaluations if e.task == task.name]
        if evaluations and asks_for_numbers(task, [e.predictions for e in evaluations]):
            found.append(_numbers(record, task, evaluations))
    return tuple(found)


def _numbers(record: Record, task: TaskEntry, evaluations: Sequence[Evaluation]) -> Numbers:
    models = tuple(e.model for e in evaluations)
    scatters = tuple(
        Scatter(e.model, standing, first_value(record, task, e), e.predictions)
        for standing, e in standings(record, task, evaluations).items()
    )
    return Numbers(
        task=task.name,
        noun=noun([record.dataset(task.name)]),
        points=outputs(record.dataset(task.name)),
        truth=task.target,
        rows=tuple(_errors(e.model, np.abs(e.predictions - task.target.astype(np.float64))) for e in evaluations),
        scatters=scatters,
        models=models,
        largest=tuple(
            _largest(example, models, record.dataset(task.name))
            for example in record.largest_errors
            if example.task == task.name
        ),
    )


def _errors(model: str, errors: NDArray[np.float64]) -> ErrorRow:
    return ErrorRow(model, *map(_number, (np.median(errors), np.quantile(errors, 0.9), errors.max())))


def _largest(example: Misclassified, models: Sequence[str], data: DataEntry | None) -> LargestRow:
    answers = tuple(_number(example.answers[m]) if m in example.answers else "" for m in models)
    place = example.index if data is None else data.example(example.index)
    return LargestRow(place, _number(example.label), answers, row_text(example.row))


def _number(value: float) -> str:
    return f"{value:.5g}"
