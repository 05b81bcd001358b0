"""Answers: what models of several runs answered to each test example, held side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.metrics import right
from fitgate.record import DataEntry, Misclassified, Record, TaskEntry
from fitgate.record.examples import asks_for_numbers
from fitgate.report.view.environment import size
from fitgate.report.view.standing import first_value
from fitgate.report.view.words import Noun, class_names, image, outputs, row_text
from fitgate.tasks import NUMBERS
from fitgate.text import NAME, shown

DIGITS = 5  # significant ones, of numbers
LABELS = "multilabel-indicator"

Label = tuple[Any, ...]  # of an output: its one value, or those of its columns


@dataclass(frozen=True)
class Example:
    """A test example that a record holds: its values in short, and as an image `(height, width)` or with channels."""

    values: str
    picture: NDArray[Any] | None


@dataclass
class Tested:
    """A task on a test split: all runs that have it ask for the same outputs.

    Attributes:
        task: its name.
        data, size: the dataset's name and profile, and with these its size.
        noun: what is counted: images, examples, or with folds their answers.
        classes: what outputs can be, in words; none where numbers are asked for.
        truth: of each output, the place of its class in `classes`, or a number.
        places: which example each output is for; empty where it is the one at its own place.
        examples: those that records hold, by their places.
    """

    task: str
    data: str
    size: str
    noun: Noun
    classes: list[str] = field(default_factory=list)
    truth: list[float] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    examples: dict[int, Example] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """What a model of a run answered.

    Attributes:
        run, tested: places of the run, and of the task on its test split.
        model: its name.
        value: of the task's first metric, as text with the metric's title.
        wrong: places of the outputs that are wrong, in their order.
        given: the places of the classes that were answered there; or where numbers are asked for, each output's, None
            for one that is not finite.
    """

    run: int
    tested: int
    model: str
    value: str
    wrong: tuple[int, ...]
    given: tuple[float | None, ...]


class AnswerBook:
    """What models of several runs answered; tasks on the same test split are one.

    Args:
        records: of the runs.
    """

    def __init__(self, records: Iterable[Record]):
        self.tested: list[Tested] = []
        self.answers: list[Answers] = []
        self._places: dict[tuple[str, str, bool, bytes], int] = {}
        self._classes: list[dict[Label, int]] = []
        for run, record in enumerate(records):
            for task in record.tasks:
                self._add(run, record, task)

    def _add(self, run: int, record: Record, task: TaskEntry) -> None:
        evaluations = [e for e in record.evaluations if e.task == task.name]
        of_numbers = asks_for_numbers(task, [e.predictions for e in evaluations])
        if not evaluations or (task.kind in NUMBERS and not of_numbers):
            return  # several numbers an example are no one answer
        place = self._place(record, task, of_numbers)
        for e in evaluations:
            about = (run, place, shown(e.model, NAME), first_value(record, task, e))
            if of_numbers:
                self.answers.append(Answers(*about, (), tuple(_numbers(e.predictions))))
            else:
                wrong = np.flatnonzero(~right(task.target, e.predictions))
                given = self._known(place, record, task, e.predictions[wrong])
                self.answers.append(Answers(*about, tuple(wrong.tolist()), tuple(given)))
        known = self.tested[place].examples
        for example in _examples(record, task.name):
            known.setdefault(*_example(record, task.name, example))

    def _place(self, record: Record, task: TaskEntry, of_numbers: bool) -> int:
        """The place of a task on a test split, which is begun where it was not met before."""
        data = record.dataset(task.name)
        key = (task.name, "" if data is None else data.digest, of_numbers, np.asarray(task.target).tobytes())
        if key in self._places:
            return self._places[key]
        place = self._places[key] = len(self.tested)
        self.tested.append(_tested(task, data))
        self._classes.append({})
        if of_numbers:
            self.tested[place].truth = [number or 0.0 for number in _numbers(task.target)]
        else:
            self._known(place, record, task, np.unique(task.target, axis=0))  # the classes, in their order
            self.tested[place].truth = list(self._known(place, record, task, task.target))
        return place

    def _known(self, place: int, record: Record, task: TaskEntry, values: NDArray[Any]) -> list[int]:
        """The places of outputs among the classes of a test split, to which new ones are added."""
        known, name = self._classes[place], _namer(record, task)
        found = list(_labels(values))
        for label in dict.fromkeys(found):
            if label not in known:
                known[label] = len(known)
                self.tested[place].classes.append(shown(name(label), NAME))
        return [known[label] for label in found]


def _tested(task: TaskEntry, data: DataEntry | None) -> Tested:
    """A task on a test split, of which no output was met yet."""
    if data is None:
        return Tested(shown(task.name, NAME), "", "", outputs(data))
    about = shown(", ".join(filter(None, (data.name, data.profile))), NAME)
    places = [] if data.folds is None else [data.example(i) for i in range(data.n_outputs)]
    return Tested(shown(task.name, NAME), about, shown(size(data)), outputs(data), places=places)


def _labels(values: NDArray[Any]) -> Iterator[Label]:
    """Outputs as they can be counted, NaN as a word: it equals nothing, not even itself."""
    columns = math.prod(values.shape[1:])
    for row in values.reshape(len(values), columns).tolist():
        yield tuple("NaN" if value != value else value for value in row)


def _namer(record: Record, task: TaskEntry) -> Callable[[Label], str]:
    """From a label to words: of several labels those that are there."""
    data, one = record.dataset(task.name), class_names(record, task)
    names = data.class_names if data is not None and np.array_equal(data.labels, task.target) else []

    def name(label: Label) -> str:
        if len(label) == 1:
            return one(label[0])
        if task.kind != LABELS:
            return ", ".join(map(str, label))
        present = [names[i] if len(names) == len(label) else str(i) for i, has in enumerate(label) if has]
        return " + ".join(present) or "none"

    return name


def _numbers(values: NDArray[Any]) -> list[float | None]:
    """Numbers of a bounded length, or None for those that are not finite."""
    return [float(f"{v:.{DIGITS}g}") if math.isfinite(v) else None for v in np.asarray(values, np.float64).tolist()]


def _examples(record: Record, task: str) -> Sequence[Misclassified]:
    several = (record.misclassified, record.largest_errors, *record.lost.values())
    return [example for kept in several for example in kept if example.task == task]


def _example(record: Record, task: str, kept: Misclassified) -> tuple[int, Example]:
    """An example, after its place."""
    data = record.dataset(task)
    shape = data.image_shape if data is not None else None
    picture = image(kept.row, shape) if shape else None
    return kept.index if data is None else data.example(kept.index), Example(row_text(kept.row), picture)
