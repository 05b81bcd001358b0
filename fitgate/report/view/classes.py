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
from fitgate.report.view.words import class_names, has_classes, main_tasks, metric_value
from fitgate.runs import Evaluation

MOST_CLASSES = 30  # more of them make no readable matrix
MOST_PAIRS = 10


@dataclass(frozen=True)
class RecallRow:
    """A class, how many test examples are of it, and the share of them that each model gets right, from 0 to 1."""

    name: str
    examples: int
    recalls: tuple[float, ...]


@dataclass(frozen=True)
class Recall:
    """Recall of each class on a task.

    Attributes:
        task: its name.
        models: the columns.
        rows: the classes; where there are many, those that models know worst.
        classes: how many there are.
    """

    task: str
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
        counts: int `(classes, classes)`, a row for each true class; None where there are too many classes.
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
    """Which classes of a task are taken for which, by its best and its worst model; `classes` are their names."""

    task: str
    classes: tuple[str, ...]
    matrices: tuple[Matrix, ...]

    @property
    def drawn(self) -> bool:
        """Whether matrices can be drawn."""
        return len(self.classes) <= MOST_CLASSES


def recalls(record: Record) -> tuple[Recall, ...]:
    """Recall of each class, of the tasks that models put first and that have classes."""
    return tuple(_recall(record, task, several) for task, several in _evaluated(record))


def confusions(record: Record) -> tuple[Confusion, ...]:
    """Confusions, of the tasks that models put first and that have classes."""
    return tuple(_confusion(record, task, several) for task, several in _evaluated(record))


def _evaluated(record: Record) -> list[tuple[TaskEntry, list[Evaluation]]]:
    tasks = [task for task in main_tasks(record) if has_classes(record, task)]
    pairs = [(task, [e for e in record.evaluations if e.task == task.name]) for task in tasks]
    return [(task, several) for task, several in pairs if several]


def _recall(record: Record, task: TaskEntry, evaluations: Sequence[Evaluation]) -> Recall:
    rows = []
    name = class_names(record, task)
    classes = np.unique(task.target)
    hits = [right(task.target, e.predictions) for e in evaluations]
    for label in classes:
        own = task.target == label
        rows.append(RecallRow(name(label), int(own.sum()), tuple(float(hit[own].mean()) for hit in hits)))
    if len(rows) > MOST_CLASSES:
        rows = sorted(rows, key=lambda row: sum(row.recalls))[:MOST_CLASSES]
    return Recall(task.name, tuple(e.model for e in evaluations), tuple(rows), len(classes))


def _confusion(record: Record, task: TaskEntry, evaluations: Sequence[Evaluation]) -> Confusion:
    metric = record.metric(task.metrics[0])
    sign = 1 if metric.higher_is_better else -1

    def merit(evaluation: Evaluation) -> float:
        value = evaluation.metrics.get(metric.name)
        return -np.inf if value is None else sign * value

    ranked = sorted(evaluations, key=merit, reverse=True)
    shown = {"best": ranked[0], "worst": ranked[-1]} if len(ranked) > 1 else {"": ranked[0]}
    truth = _plain(task.target)
    counts = {standing: Counter(zip(truth, _plain(e.predictions), strict=True)) for standing, e in shown.items()}
    known = [*dict.fromkeys(_plain(np.unique(task.target)))]
    others = {answer for counted in counts.values() for _, answer in counted} - set(known)
    labels = [*known, *sorted(others, key=str)]
    name = class_names(record, task)
    names = {label: name(label) for label in labels}
    sizes = Counter(truth)
    matrices = []
    for standing, evaluation in shown.items():
        counted = counts[standing]
        wrong = sorted(((n, pair) for pair, n in counted.items() if pair[0] != pair[1]), key=lambda item: -item[0])
        pairs = tuple(Pair(names[a], names[b], n, n / sizes[a]) for n, (a, b) in wrong[:MOST_PAIRS])
        value = f"{metric.title} {metric_value(evaluation.metrics.get(metric.name), metric)}"
        few = len(labels) <= MOST_CLASSES
        array = np.array([[counted[a, b] for b in labels] for a in labels]) if few else None
        matrices.append(Matrix(evaluation.model, standing, value, array, pairs))
    return Confusion(task.name, tuple(names.values()), tuple(matrices))


def _plain(labels: NDArray[Any]) -> list[Any]:
    """Labels as Python's values, NaN as a word: it equals nothing, not even itself."""
    return ["NaN" if label != label else label for label in labels.tolist()]
