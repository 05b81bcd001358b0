"""Standings: the best and the worst of a task's models, by the task's first metric."""

from __future__ import annotations

import math
from collections.abc import Sequence

from fitgate.record import Record, TaskEntry
from fitgate.report.view.words import value_of
from fitgate.runs import Evaluation


def standings(record: Record, task: TaskEntry, evaluations: Sequence[Evaluation]) -> dict[str, Evaluation]:
    """The `best` and the `worst` of some evaluations of a task; the one there is has an empty standing."""
    metric = record.metric(task.metrics[0])
    sign = 1 if metric.higher_is_better else -1

    def merit(evaluation: Evaluation) -> float:
        value = evaluation.metrics.get(metric.name)
        return -math.inf if value is None else sign * value

    ranked = sorted(evaluations, key=merit, reverse=True)
    return {"best": ranked[0], "worst": ranked[-1]} if len(ranked) > 1 else {"": ranked[0]}


def first_value(record: Record, task: TaskEntry, evaluation: Evaluation) -> str:
    """The task's first metric with its value, as text."""
    metric = record.metric(task.metrics[0])
    return f"{metric.title} {value_of(evaluation, metric) or '-'}"
