"""Examples: test examples that models get wrong, as pictures where they are images, else by their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fitgate.record import DataEntry, Misclassified, Record
from fitgate.report.view.words import Noun, class_names, has_classes, image, noun, row_text
from fitgate.tasks import NUMBERS


@dataclass(frozen=True)
class ExampleRow:
    """A test example.

    Attributes:
        index: its place in the test split; with folds, among all examples.
        truth: its class.
        answers: what models answered: each answer with how many models gave it, most first.
        values: the example itself, in short.
        picture: the example as an image, `(height, width)` or with channels last; None where it is none.
    """

    index: int
    truth: str
    answers: tuple[tuple[str, int], ...]
    values: str
    picture: NDArray[Any] | None


@dataclass(frozen=True)
class Examples:
    """Misclassified examples of a task, those that most models get wrong first.

    Attributes:
        task: its name.
        title: what is shown: the task, or the gate that failed.
        noun: what an example is called.
        rows: the examples.
        models: how many models answered.
        of_numbers: whether the task asks for numbers.
        in_folds: whether all examples are tested, in folds.
    """

    task: str
    title: str
    noun: Noun
    rows: tuple[ExampleRow, ...]
    models: int
    of_numbers: bool = False
    in_folds: bool = False

    @property
    def lost(self) -> str:
        """What has become of them since a baseline, in words."""
        if self.of_numbers:
            return f"Test {self.noun.many} whose errors have grown most since the baseline."
        return (
            f"Test {self.noun.many} that were right in the baseline and are wrong now, those first that changed most "
            "clearly."
        )

    @property
    def wrong(self) -> str:
        """Who gets them wrong, in words."""
        return "the model gets" if self.models == 1 else f"at least half of the {self.models} models get"

    @property
    def drawn(self) -> bool:
        """Whether all of them are pictures."""
        return all(row.picture is not None for row in self.rows)


def misclassified(record: Record) -> tuple[Examples, ...]:
    """The examples that most models get wrong, by task."""
    by_task: dict[str, list[Misclassified]] = {}
    for example in record.misclassified:
        by_task.setdefault(example.task, []).append(example)
    return tuple(
        _examples(record, task.name, task.name, by_task[task.name])
        for task in record.tasks
        if task.name in by_task and has_classes(record, task)
    )


def lost(record: Record) -> tuple[Examples, ...]:
    """The examples that a model got right in the baseline and gets wrong now, by failed gate."""
    return tuple(_examples(record, several[0].task, gate, several) for gate, several in record.lost.items() if several)


def _examples(record: Record, task: str, title: str, examples: Sequence[Misclassified]) -> Examples:
    data = record.dataset(task)
    shape = data.image_shape if data is not None else None
    name = class_names(record, record.task(task))
    rows = tuple(_row(example, data, name, shape) for example in examples)
    models = {model for example in examples for model in example.answers}
    entry = record.task(task)
    of_numbers, in_folds = entry is not None and entry.kind in NUMBERS, record.folds(task) is not None
    return Examples(task, title, noun([data]), rows, len(models), of_numbers, in_folds)


def _row(
    example: Misclassified, data: DataEntry | None, name: Callable[[Any], str], shape: tuple[int, ...] | None
) -> ExampleRow:
    return ExampleRow(
        index=example.index if data is None else data.example(example.index),
        truth=name(example.label),
        answers=tuple(Counter(map(name, example.answers.values())).most_common()),
        values=row_text(example.row),
        picture=image(example.row, shape) if shape else None,
    )
