"""Classes: how well models know each, and which they take for another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.metrics import right
from fitgate.record import Record, TaskEntry
from fitgate.report.view.standing import first_value, standings
from fitgate.report.view.words import Noun, class_names, has_classes, main_tasks, noun, outputs
from fitgate.runs import Evaluation

MOST_CLASSES = 30  # more of them make no readable matrix
MOST_PAIRS = 10


@dataclass(frozen=True)
class RecallRow:
    """A class or label, how many test examples have it, and the share of answers to them in which each model finds it.

    A share is from 0 to 1; None of a label that no test example has.
    """

    name: str
    examples: int
    recalls: tuple[float | None, ...]


@dataclass(frozen=True)
class Recall:
    """Recall of each class on a task, or of each label.

    Attributes:
        task: its name.
        unit: `class` or `label`.
        noun: what an example is called.
        models: the columns.
        rows: the classes; where there are many, those that models know worst.
        classes: how many there are.
    """

    task: str
    unit: str
    noun: Noun
    models: tuple[str, ...]
    rows: tuple[RecallRow, ...]
    classes: int


@dataclass(frozen=True)
class Matrix:
    """A model's confusion matrix.

    Attributes:
        model: its name.
        standing: `best` or `worst` of the task's models; empty where there is one.
        value: of the task's first metric, as text with the metric's title.
        counts: int `(classes, classes)`, a row for each true class; None where it is not drawn.
        pairs: the most frequent confusions.
    """

    model: str
    standing: str
    value: str
    counts: NDArray[np.int64] | None
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class Pair:
    """A class that is taken for another: how many times, and in what share of its test examples."""

    truth: str
    answer: str
    count: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """Which classes of a task are taken for which, by its best and its worst model.

    Attributes:
        task: its name.
        noun: what an example is called.
        classes: their names.
        matrices: of the models.
        drawn: whether matrices are drawn: of a task that a model puts first, with few enough classes.
    """

    task: str
    noun: Noun
    classes: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    drawn: bool


def recalls(record: Record) -> tuple[Recall, ...]:
    """Recall of each class or label, of all tasks that have such and were evaluated."""
    return tuple(_recall(record, task, several) for task, several in _evaluated(record, labels=True))


def confusions(record: Record) -> tuple[Confusion, ...]:
    """Confusions, of all tasks that have classes and were evaluated."""
    return tuple(_confusion(record, task, several) for task, several in _evaluated(record))


def _evaluated(record: Record, labels: bool = False) -> list[tuple[TaskEntry, list[Evaluation]]]:
    """The tasks that have classes, or with `labels` those of several labels too, with their evaluations."""
    tasks = [task for task in record.tasks if has_classes(record, task) or (labels and _has_labels(task))]
    pairs = [(task, [e for e in record.evaluations if e.task == task.name]) for task in tasks]
    return [(task, several) for task, several in pairs if several]


def _has_labels(task: TaskEntry) -> bool:
    return task.kind == "multilabel-indicator" and task.target.ndim == 2


def _recall(record: Record, task: TaskEntry, evaluations: Sequence[Evaluation]) -> Recall:
    rows = _of_labels(record, task, evaluations) if _has_labels(task) else _of_classes(record, task, evaluations)
    count = len(rows)
    if count > MOST_CLASSES:
        rows = sorted(rows, key=lambda row: sum(of or 0.0 for of in row.recalls))[:MOST_CLASSES]
    unit = "label" if _has_labels(task) else "class"
    models = tuple(e.model for e in evaluations)
    return Recall(task.name, unit, noun([record.dataset(task.name)]), models, tuple(rows), count)


def _of_labels(record: Record, task: TaskEntry, evaluations: Sequence[Evaluation]) -> list[RecallRow]:
    rows, data, repeats = [], record.dataset(task.name), _repeats(record, task)
    names = data.class_names if data is not None and np.array_equal(data.labels, task.target) else []
    for i, truth in enumerate(task.target.T.astype(bool)):
        found = [e.predictions[truth, i].astype(bool) for e in evaluations]
        name = names[i] if len(names) == task.target.shape[1] else str(i)
        recalls = tuple(float(hits.mean()) if len(hits) else None for hits in found)
        rows.append(RecallRow(name, int(truth.sum()) // repeats, recalls))
    return rows


def _of_classes(record: Record, task: TaskEntry, evaluations: Sequence[Evaluation]) -> list[RecallRow]:
    rows, repeats = [], _repeats(record, task)
    name = class_names(record, task)
    classes = np.unique(task.target)
    hits = [right(task.target, e.predictions) for e in evaluations]
    for label in classes:
        own = task.target == label
        rows.append(RecallRow(name(label), int(own.sum()) // repeats, tuple(float(hit[own].mean()) for hit in hits)))
    return rows


def _repeats(record: Record, task: TaskEntry) -> int:
    """How often each example was tested."""
    folds = record.folds(task.name)
    return 1 if folds is None else folds.repeats


def _confusion(record: Record, task: TaskEntry, evaluations: Sequence[Evaluation]) -> Confusion:
    shown = standings(record, task, evaluations)
    truth = _plain(task.target)
    counts = {standing: Counter(zip(truth, _plain(e.predictions), strict=True)) for standing, e in shown.items()}
    known = [*dict.fromkeys(_plain(np.unique(task.target)))]
    others = {answer for counted in counts.values() for _, answer in counted} - set(known)
    labels = [*known, *sorted(others, key=str)]
    name = class_names(record, task)
    names = {label: name(label) for label in labels}
    sizes = Counter(truth)
    drawn = len(labels) <= MOST_CLASSES and task in main_tasks(record)
    matrices = []
    for standing, evaluation in shown.items():
        counted = counts[standing]
        wrong = sorted(((n, pair) for pair, n in counted.items() if pair[0] != pair[1]), key=lambda item: -item[0])
        pairs = tuple(Pair(names[a], names[b], n, n / sizes[a]) for n, (a, b) in wrong[:MOST_PAIRS])
        array = np.array([[counted[a, b] for b in labels] for a in labels]) if drawn else None
        matrices.append(Matrix(evaluation.model, standing, first_value(record, task, evaluation), array, pairs))
    return Confusion(task.name, outputs(record.dataset(task.name)), tuple(names.values()), tuple(matrices), drawn)


def _plain(labels: NDArray[Any]) -> list[Any]:
    """Labels as Python's values, NaN as a word: it equals nothing, not even itself."""
    return ["NaN" if label != label else label for label in labels.tolist()]
