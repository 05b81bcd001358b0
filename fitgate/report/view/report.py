"""A run's report: all that it shows, from its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fitgate.record import NotApplied, Record
from fitgate.report.faults import Part, whole
from fitgate.report.verdict import RunVerdict, run_verdict
from fitgate.report.view.classes import Confusion, Recall, confusions, recalls
from fitgate.report.view.curves import Curves, curves_of
from fitgate.report.view.environment import Fact, ModelRow, environment, models, origin, seeds_built_with, size
from fitgate.report.view.examples import Examples, lost, misclassified
from fitgate.report.view.gates import GateRow, Unblessed, gates, reasons, unblessed
from fitgate.report.view.latency import Latency, latency
from fitgate.report.view.learning import Learning, learnings
from fitgate.report.view.limits import LimitRow, limits
from fitgate.report.view.memory import MemoryRow, memory
from fitgate.report.view.notices import notices
from fitgate.report.view.numbers import Numbers, numbers
from fitgate.report.view.published import PublishedRow, published
from fitgate.report.view.quality import FailureRow, Quality, TaskRow, failures, quality, tasks
from fitgate.report.view.reliability import Reliability, reliabilities
from fitgate.report.view.robustness import Robustness, robustness
from fitgate.report.view.seeds import SeedRow, seeds
from fitgate.report.view.tradeoff import TradeOff, tradeoffs
from fitgate.report.view.weak_slices import WeakRow, weak_rows
from fitgate.report.view.words import Noun, noun


@dataclass(frozen=True)
class ReportView:
    """What a run's report shows, from top to bottom; empty where there is nothing to show."""

    verdict: RunVerdict
    datasets: tuple[str, ...]
    noun: Noun
    seed: str
    origin: str
    faults: tuple[str, ...]
    notices: tuple[str, ...]
    failures: tuple[FailureRow, ...]
    failed_tests: tuple[str, ...]
    quality: Quality
    tasks: tuple[TaskRow, ...]
    gates: tuple[GateRow, ...]
    reasons: dict[str, str]
    unblessed: Unblessed | None
    not_applied: tuple[NotApplied, ...]
    lost: tuple[Examples, ...]
    published: tuple[PublishedRow, ...]
    seeds: tuple[SeedRow, ...]
    latency: Latency | None
    curves: Curves | None
    tradeoffs: tuple[TradeOff, ...]
    limits: tuple[LimitRow, ...]
    memory: tuple[MemoryRow, ...]
    recalls: tuple[Recall, ...]
    learnings: tuple[Learning, ...]
    confusions: tuple[Confusion, ...]
    reliabilities: tuple[Reliability, ...]
    robustness: tuple[Robustness, ...]
    numbers: tuple[Numbers, ...]
    misclassified: tuple[Examples, ...]
    weak_slices: tuple[WeakRow, ...]
    models: tuple[ModelRow, ...]
    environment: tuple[Fact, ...]


# How each section is made, and what is shown in place of one that could not be.
SECTIONS: dict[str, tuple[Callable[[Record], Any], Any]] = {
    "datasets": (lambda record: tuple(map(size, record.datasets)), ()),
    "noun": (lambda record: noun(record.datasets), noun(())),
    "notices": (notices, ()),
    "failures": (failures, ()),
    "quality": (quality, Quality((), (), ())),
    "tasks": (tasks, ()),
    "gates": (gates, ()),
    "reasons": (reasons, {}),
    "unblessed": (unblessed, None),
    "lost": (lost, ()),
    "published": (published, ()),
    "seeds": (seeds, ()),
    "latency": (latency, None),
    "curves": (curves_of, None),
    "tradeoffs": (tradeoffs, ()),
    "limits": (limits, ()),
    "memory": (memory, ()),
    "recalls": (recalls, ()),
    "learnings": (learnings, ()),
    "confusions": (confusions, ()),
    "reliabilities": (reliabilities, ()),
    "robustness": (robustness, ()),
    "numbers": (numbers, ()),
    "misclassified": (misclassified, ()),
    "weak_slices": (weak_rows, ()),
    "models": (models, ()),
    "environment": (environment, ()),
}


def report_view(record: Record, part: Part = whole) -> ReportView:
    """What the report of a record shows.

    Args:
        record: of a run.
        part: a context around the making of each section.
    """
    found = {}
    for name, (make, empty) in SECTIONS.items():
        found[name] = empty
        with part(f"the report's section {name}"):
            found[name] = make(record)
    return ReportView(
        verdict=run_verdict(record),
        seed=seeds_built_with(record),
        origin=origin(record),
        faults=tuple(record.faults),
        failed_tests=tuple(record.failed_tests),
        not_applied=tuple(record.not_applied),
        **found,
    )
