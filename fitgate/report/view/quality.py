"""The quality of models: their metrics on each task, with the outcomes of their gates."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.record import Record
from fitgate.report.view.gates import GateRow, gate_row
from fitgate.report.view.words import metric_value, shortened

MOST_ERROR_CHARACTERS = 1_000


@dataclass(frozen=True)
class QualityRow:
    """A model on a task.

    Attributes:
        model, task: names.
        values: of each metric of the table, as text; empty where the task does not have it, or nothing was evaluated.
        gates: what was judged.
        failed: the stage in which the model failed; empty where it did not.
        skipped: why it took no part; empty where it did.
    """

    model: str
    task: str
    values: tuple[str, ...]
    gates: tuple[GateRow, ...]
    failed: str = ""
    skipped: str = ""


@dataclass(frozen=True)
class Quality:
    """All models on their tasks; `metrics` are the titles of the columns of `values`."""

    metrics: tuple[str, ...]
    rows: tuple[QualityRow, ...]


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
            gates = tuple(gate_row(v) for v in record.verdicts if (v.model, v.task) == key)
            empty = ("",) * len(metrics)
            if key in evaluations:
                of = evaluations[key].metrics
                values = tuple(metric_value(of[m], record.metric(m)) if m in of else "" for m in metrics)
                rows.append(QualityRow(model.name, task, values, gates))
            elif key in failures:
                rows.append(QualityRow(model.name, task, empty, gates, failed=failures[key].stage))
            elif model.skipped:
                rows.append(QualityRow(model.name, task, empty, gates, skipped=model.skipped))
    return Quality(tuple(record.metric(name).title for name in metrics), tuple(rows))


def failures(record: Record) -> tuple[FailureRow, ...]:
    """The models that failed outright, with the beginnings of their errors."""
    return tuple(
        FailureRow(f.model, f.task, f.stage, shortened(f.error, MOST_ERROR_CHARACTERS)) for f in record.failures
    )


def tasks(record: Record) -> tuple[TaskRow, ...]:
    """The tasks that models were evaluated on."""
    seen = {e.task for e in record.evaluations}
    return tuple(TaskRow(task.name, task.dataset, task.question) for task in record.tasks if task.name in seen)
