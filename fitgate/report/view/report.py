"""A run's report: all that it shows, from its record."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.record import NotApplied, Record
from fitgate.report.verdict import RunVerdict, run_verdict
from fitgate.report.view.classes import Confusion, Recall, confusions, recalls
from fitgate.report.view.environment import Fact, ModelRow, environment, models, size
from fitgate.report.view.examples import Examples, lost, misclassified
from fitgate.report.view.gates import GateRow, gates
from fitgate.report.view.latency import Latency, latency
from fitgate.report.view.learning import Learning, learnings
from fitgate.report.view.limits import LimitRow, limits
from fitgate.report.view.memory import MemoryRow, memory
from fitgate.report.view.notices import notices
from fitgate.report.view.numbers import Numbers, numbers
from fitgate.report.view.published import PublishedRow, published
from fitgate.report.view.quality import FailureRow, Quality, TaskRow, failures, quality, tasks
from fitgate.report.view.seeds import SeedRow, seeds
from fitgate.report.view.tradeoff import TradeOff, tradeoffs
from fitgate.report.view.words import Noun, noun


@dataclass(frozen=True)
class ReportView:
    """What a run's report shows, from top to bottom; empty where there is nothing to show."""

    verdict: RunVerdict
    datasets: tuple[str, ...]
    noun: Noun
    seed: int
    notices: tuple[str, ...]
    failures: tuple[FailureRow, ...]
    failed_tests: tuple[str, ...]
    quality: Quality
    tasks: tuple[TaskRow, ...]
    gates: tuple[GateRow, ...]
    not_applied: tuple[NotApplied, ...]
    lost: tuple[Examples, ...]
    published: tuple[PublishedRow, ...]
    seeds: tuple[SeedRow, ...]
    latency: Latency | None
    tradeoffs: tuple[TradeOff, ...]
    limits: tuple[LimitRow, ...]
    memory: tuple[MemoryRow, ...]
    recalls: tuple[Recall, ...]
    learnings: tuple[Learning, ...]
    confusions: tuple[Confusion, ...]
    numbers: tuple[Numbers, ...]
    misclassified: tuple[Examples, ...]
    models: tuple[ModelRow, ...]
    environment: tuple[Fact, ...]


def report_view(record: Record) -> ReportView:
    """What the report of a record shows."""
    return ReportView(
        verdict=run_verdict(record),
        datasets=tuple(map(size, record.datasets)),
        noun=noun(record.datasets),
        seed=record.settings.seed,
        notices=notices(record),
        failures=failures(record),
        failed_tests=tuple(record.failed_tests),
        quality=quality(record),
        tasks=tasks(record),
        gates=gates(record),
        not_applied=tuple(record.not_applied),
        lost=lost(record),
        published=published(record),
        seeds=seeds(record),
        latency=latency(record),
        tradeoffs=tradeoffs(record),
        limits=limits(record),
        memory=memory(record),
        recalls=recalls(record),
        learnings=learnings(record),
        confusions=confusions(record),
        numbers=numbers(record),
        misclassified=misclassified(record),
        models=models(record),
        environment=environment(record),
    )
