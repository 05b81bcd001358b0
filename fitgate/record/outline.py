"""An outline of a record: what a history of many needs, read without arrays, judgement or examples.

Its entries are the record's own, less their arrays: `tests/test_history.py` holds names, types and values to `Record`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from fitgate.latency.audit import Audit
from fitgate.latency.timing import Timing
from fitgate.machine import Environment
from fitgate.record.entries import MetricEntry, Settings
from fitgate.record.plausibility import fit_faults, metric_faults, timing_faults, twice
from fitgate.record.record import Record
from fitgate.runs import Fit


class DataOutline(msgspec.Struct, frozen=True, tag="DataEntry"):
    """A dataset's identity; attributes as `DataEntry` has them."""

    name: str
    profile: str
    digest: str


class TaskOutline(msgspec.Struct, frozen=True, tag="TaskEntry"):
    """A task and its dataset; attributes as `TaskEntry` has them."""

    name: str
    dataset: str


class EvaluationOutline(msgspec.Struct, frozen=True, tag="Evaluation"):
    """The values of an evaluation; attributes as `Evaluation` has them."""

    model: str
    task: str
    metrics: dict[str, float | None]
    missing: dict[str, str] = {}


class Outline(msgspec.Struct, frozen=True):
    """What was measured in a run, where, and of which commit; attributes as `Record` has them."""

    schema: int
    started: str
    status: Literal["running", "finished", "interrupted"]
    settings: Settings
    commit: str | None
    workers: int
    environment: Environment
    datasets: list[DataOutline] = []
    tasks: list[TaskOutline] = []
    metrics: list[MetricEntry] = []
    fits: list[Fit] = []
    evaluations: list[EvaluationOutline] = []
    timings: list[Timing] = []
    audits: list[Audit] = []
    threads: dict[str, int] = {}


def outline_of(record: Record) -> Outline:
    """The outline of a record that was read whole."""
    return msgspec.convert(record, Outline, from_attributes=True)


def outline_faults(outline: Outline) -> Iterator[str]:
    """What is wrong with an outline, each as a noun; no more than can be seen without the arrays."""
    yield from twice(outline)
    digests = {data.name: data.digest for data in outline.datasets}
    tasks = {task.name: task.dataset for task in outline.tasks}
    for task, data in tasks.items():
        if data not in digests:
            yield f"task {task} on data {data!r}, which is not described"
    for e in outline.evaluations:
        if e.task not in tasks:
            yield f"outputs of {e.model} on {e.task}, a task that is not described"
    yield from metric_faults(outline.metrics)
    yield from fit_faults(outline.fits, {task: digests[data] for task, data in tasks.items() if data in digests})
    yield from timing_faults(outline.timings)
