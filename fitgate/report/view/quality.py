"""The quality of models: their metrics on each task, with the outcomes of their gates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fitgate.record import Record
from fitgate.report.view.gates import GateRow, gate_row
from fitgate.report.view.words import metric_value, shortened
from fitgate.runs import Evaluation

MOST_ERROR_CHARACTERS = 1_000


@dataclass(frozen=True)
class QualityRow:
    """A model on a task.

    Attributes:
        model, task: names.
        values: of each metric of the table, as text; empty where the task does not have it, or nothing was evaluated,
            and None where the estimator does not give what it reads.
        gates: what was judged.
        failed: the stage in which the model failed; empty where it did not.
        skipped: why it took no part; empty where it did.
    """

    model: str
    task: str
    values: tuple[str | None, ...]
    gates: tuple[GateRow, ...]
    failed: str = ""
    skipped: str = ""


@dataclass(frozen=True)
class Quality:
    """All models on their tasks.

    Attributes:
        metrics: the titles of the columns of `values`.
        rows: a model on a task each.
        lacking: why metrics have no value.
    """

    metrics: tuple[str, ...]
    rows: tuple[QualityRow, ...]
    lacking: tuple[LackingRow, ...]

    @property
    def noted(self) -> bool:
        """Whether something is to be said of a row: that it was skipped, that it failed, or that it has no gate."""
        return any(row.skipped or row.failed or not row.gates for row in self.rows)


@dataclass(frozen=True)
class LackingRow:
    """Why metrics of a model on a task have no value."""

    model: str
    task: str
    metrics: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class FailureRow:
    """A model that could not be trained, or could not predict."""

    model: str
    task: str
    stage: str
    error: str


@dataclass(frozen=True)
class TaskRow:
    """What a task asks, and of which dataset."""

    name: str
    dataset: str
    question: str


def quality(record: Record) -> Quality:
    """Metrics, gates and failures of each model on each of its tasks that was selected."""
    evaluations = {(e.model, e.task): e for e in record.evaluations}
    failures = {(f.model, f.task): f for f in record.failures}
    found = {name for e in record.evaluations for name in e.metrics}
    described = [metric.name for metric in record.metrics if metric.name in found]
    metrics = [*described, *sorted(found - set(described))]
    rows = []
    for model in record.models:
        for task in model.tasks:
            key = (model.name, task)
            gates = tuple(gate_row(v, record) for v in record.verdicts if (v.model, v.task) == key)
            empty = ("",) * len(metrics)
            if key in evaluations:
                values = tuple(_value(record, evaluations[key], m) for m in metrics)
                rows.append(QualityRow(model.name, task, values, gates))
            elif key in failures:
                rows.append(QualityRow(model.name, task, empty, gates, failed=failures[key].stage))
            elif model.skipped:
                rows.append(QualityRow(model.name, task, empty, gates, skipped=model.skipped))
    return Quality(tuple(record.metric(name).title for name in metrics), tuple(rows), tuple(_lacking(record)))


def _value(record: Record, evaluation: Evaluation, metric: str) -> str | None:
    if metric in evaluation.missing:
        return None
    return metric_value(evaluation.metrics[metric], record.metric(metric)) if metric in evaluation.metrics else ""


def _lacking(record: Record) -> Iterator[LackingRow]:
    for e in record.evaluations:
        for reason in dict.fromkeys(e.missing.values()):
            titles = tuple(record.metric(name).title for name, why in e.missing.items() if why == reason)
            yield LackingRow(e.model, e.task, titles, reason)


def failures(record: Record) -> tuple[FailureRow, ...]:
    """The models that failed outright, with the beginnings of their errors."""
    return tuple(
        FailureRow(f.model, f.task, f.stage, shortened(f.error, MOST_ERROR_CHARACTERS)) for f in record.failures
    )


def tasks(record: Record) -> tuple[TaskRow, ...]:
    """The tasks that models were evaluated on."""
    seen = {e.task for e in record.evaluations}
    return tuple(TaskRow(task.name, task.dataset, task.question) for task in record.tasks if task.name in seen)
