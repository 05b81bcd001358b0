"""Seeds: how a metric spreads over a model's trainings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from fitgate.record import Record, found_deterministic
from fitgate.report.view.words import metric_value, same_output
from fitgate.runs import SeedRun
from fitgate.statistics import mean_interval


@dataclass(frozen=True)
class SeedRow:
    """A metric of a model on a task, over seeds; numbers as text, empty where one seed is too few for them.

    Of a model that was found to be deterministic, the interval says so.
    """

    model: str
    task: str
    metric: str
    seeds: int
    mean: str
    deviation: str
    interval: str
    lowest: str
    highest: str


def seeds(record: Record) -> tuple[SeedRow, ...]:
    """A row for each model, task and metric that was trained with several seeds."""
    runs: dict[tuple[str, str], list[SeedRun]] = defaultdict(list)
    for run in record.seed_runs:
        runs[run.fit.model, run.fit.task].append(run)
    same = found_deterministic(record)
    return tuple(
        _row(record, several, metric, same.get(key, 0))
        for key, several in runs.items()
        for metric in several[0].evaluation.metrics
        if not any(metric in run.evaluation.missing for run in several)
    )


def _row(record: Record, runs: list[SeedRun], name: str, same: int) -> SeedRow:
    metric, first = record.metric(name), runs[0].fit
    values = np.array([run.evaluation.metrics.get(name) for run in runs], np.float64)

    def text(value: float) -> str:
        return metric_value(float(value), metric)

    several = len(values) > 1 and not same
    interval = " to ".join(map(text, mean_interval(values))) if several else ""
    return SeedRow(
        model=first.model,
        task=first.task,
        metric=metric.title,
        seeds=len(values),
        mean=text(values.mean()),
        deviation=text(values.std(ddof=1)) if several else "",
        interval=same_output(same) if same else interval,
        lowest=text(values.min()),
        highest=text(values.max()),
    )
