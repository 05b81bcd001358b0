"""Latency: how long models take to fit, to compile, and to answer."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.latency.audit import AGREEMENT, Audit
from fitgate.latency.serving import BOUND
from fitgate.latency.timing import MULTI, QUERIES_FOR_P99, SPARE, Timing
from fitgate.record import ModelEntry, Record
from fitgate.report.view.words import Noun, Percentiles, noun, percentiles


@dataclass(frozen=True)
class LatencyRow:
    """A model's times, in seconds unless a name says otherwise; None where they were not measured.

    Attributes:
        model, task: names.
        fit: of the session's one training.
        compiling: the part of it that was compilation.
        cold_compiling: what that would have been without a cache; None where nothing came from one.
        single, multi: percentiles of a query.
        p50_interval: where another run's median of `single` lies, nine times in ten.
        offline: examples a second, the whole test split at once.
        server: queries a second.
        queries: how many of `single` were timed.
        doubted: the scenarios whose audit failed.
    """

    model: str
    task: str
    fit: float | None
    compiling: float | None
    cold_compiling: float | None
    single: Percentiles | None
    multi: Percentiles | None
    p50_interval: tuple[float, float] | None
    offline: float | None
    server: float | None
    queries: int | None
    doubted: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Audits:
    """What audits of the timings found.

    Attributes:
        passed: how many passed.
        failed, not_made: those that did not, and those that could not be made.
        answers, differing: timed answers that were held to the evaluated ones, and how many of them differ.
        repeated: the share of a scenario's examples that were asked about again, of the model of which most were, by
            the scenario's name.
    """

    passed: int
    failed: tuple[Audit, ...]
    not_made: tuple[Audit, ...]
    answers: int
    differing: int
    repeated: dict[str, float]


@dataclass(frozen=True)
class RoundTrip:
    """How long, in seconds, the way to the device and back takes, of a whole query of a scenario."""

    model: str
    scenario: str
    trip: float
    query: float


@dataclass(frozen=True)
class Latency:
    """What was timed, and how.

    Attributes:
        rows: a model each.
        audits: of them; None where none were made.
        round_trips: of models that state them.
        noun: what an example is called.
        batch: examples of a query of `multi`.
        server_bound: what the 99th percentile of `server` had to stay under, in seconds.
        queries_for_p99: the fewest queries that a 99th percentile takes.
        pace: the factor by which the machine's own pace changed during the run.
        pace_measured: whether that was measured, or is what an unsteady machine was seen to do.
        spare: by what share intervals are widened besides.
    """

    rows: tuple[LatencyRow, ...]
    audits: Audits | None
    round_trips: tuple[RoundTrip, ...]
    noun: Noun
    batch: int
    server_bound: float
    queries_for_p99: int
    pace: float
    pace_measured: bool
    spare: float


def latency(record: Record) -> Latency | None:
    """All that was timed; None if nothing was."""
    if not record.timings:
        return None
    rows = (_row(record, model) for model in record.models)
    return Latency(
        rows=tuple(row for row in rows if row is not None),
        audits=_audits(record) if record.audits else None,
        round_trips=tuple(
            RoundTrip(t.model, t.scenario, t.round_trip_seconds, t.p50)
            for t in record.timings
            if t.round_trip_seconds is not None
        ),
        noun=noun(record.dataset(t.task) for t in record.timings),
        batch=next((t.batch_size for t in record.timings if t.scenario == MULTI.name), MULTI.batch_size or 1),
        server_bound=next((t.bound for t in record.timings if t.bound is not None), BOUND),
        queries_for_p99=QUERIES_FOR_P99,
        pace=record.pace,
        pace_measured=any(len(speeds) > 1 for speeds in record.kernel_speeds.values()),
        spare=SPARE - 1,
    )


def _row(record: Record, model: ModelEntry) -> LatencyRow | None:
    mine = {t.scenario: t for t in record.timings if t.model == model.name}
    tasks = {t.task for t in mine.values()} or set(model.tasks[:1])
    fit = next((f for f in record.fits if f.model == model.name and f.task in tasks), None)
    if fit is None and not mine:
        return None
    single, multi, offline, server = (mine.get(name) for name in ("single", "multi", "offline", "server"))
    compiling, saved = (fit.compile_seconds, fit.compile_saved_seconds) if fit else (None, 0.0)
    return LatencyRow(
        model=model.name,
        task=fit.task if fit else min(tasks),
        fit=fit.seconds if fit else None,
        compiling=compiling,
        cold_compiling=compiling + saved if compiling is not None and saved else None,
        single=percentiles(single),
        multi=percentiles(multi),
        p50_interval=single.p50_interval(record.pace) if single else None,
        offline=offline.examples_per_second if offline else None,
        server=_rate(server),
        queries=len(single.seconds) if single else None,
        doubted=frozenset(audit.scenario for audit in record.doubted if audit.model == model.name),
    )


def _audits(record: Record) -> Audits:
    held = [audit.figures for audit in record.audits if audit.name == AGREEMENT]
    repeated: dict[str, float] = {}
    for timing in record.timings:
        repeated[timing.scenario] = max(timing.repeated or 0.0, repeated.get(timing.scenario, 0.0))
    return Audits(
        passed=sum(audit.passed is True for audit in record.audits),
        failed=tuple(record.doubted),
        not_made=tuple(audit for audit in record.audits if audit.passed is None),
        answers=round(sum(figures["n"] for figures in held)),
        differing=round(sum(figures["differing"] for figures in held)),
        repeated={scenario: share for scenario, share in repeated.items() if share},
    )


def _rate(server: Timing | None) -> float | None:
    return server.rate if server is not None else None
