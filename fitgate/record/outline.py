"""An outline of a record: what a history of many needs, read without arrays, judgement or examples.

Its entries are the record's own, less their arrays: `tests/test_history.py` holds names, types and values to `Record`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from fitgate.latency.timing import Timing
from fitgate.machine import Environment
from fitgate.record.consistency import negative, timing_faults
from fitgate.record.entries import MetricEntry, Settings
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
    threads: dict[str, int] = {}


def outline_faults(outline: Outline) -> Iterator[str]:
    """What is wrong with an outline, each as a noun; no more than can be seen without the arrays."""
    named: tuple[tuple[str, list[str]], ...] = (
        ("datasets", [data.name for data in outline.datasets]),
        ("tasks", [task.name for task in outline.tasks]),
        ("metrics", [metric.name for metric in outline.metrics]),
        ("fits", [f"{fit.model} on {fit.task}" for fit in outline.fits]),
        ("evaluations", [f"{e.model} on {e.task}" for e in outline.evaluations]),
    )
    for what, names in named:
        if len(set(names)) < len(names):
            yield f"{what} that are there twice"
    known = {data.name for data in outline.datasets}
    for task in outline.tasks:
        if task.dataset not in known:
            yield f"task {task.name} on data {task.dataset!r}, which is not described"
    for fit in outline.fits:
        yield from negative(f"{fit.model} on {fit.task}", [fit.seconds])
    yield from timing_faults(outline.timings)
