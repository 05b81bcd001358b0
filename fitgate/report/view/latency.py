"""Latency: how long models take to fit, to compile, and to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fitgate.engines import NATIVE, named
from fitgate.latency.audit import AGREEMENT, Audit
from fitgate.latency.serving import BOUND
from fitgate.latency.stopwatch import FEW
from fitgate.latency.timing import MULTI, QUERIES_FOR_P99, Timing
from fitgate.record import EngineEntry, ModelEntry, Record
from fitgate.report.view.engines import EngineRow, engines, load_seconds, median_of
from fitgate.report.view.words import Noun, Percentiles, noun, percentiles


@dataclass(frozen=True)
class LatencyRow:
    """A model's times, in seconds unless a name says otherwise; None where they were not measured.

    Attributes:
        model, task: names.
        fit: of the session's one training.
        trained: whether there was one; not of a model that was trained elsewhere.
        cached: whether that was in an earlier session.
        compiling: the part of it that was compilation.
        cold_compiling: what that would have been without a cache; None where nothing came from one.
        single, multi: percentiles of a query.
        interval: where another run's typical query of `single` lies, nine times in ten; None of one process.
        load, first: what loading it took, and its first answer; medians over processes.
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
    interval: tuple[float, float] | None
    load: float | None
    first: float | None
    offline: float | None
    server: float | None
    queries: int | None
    doubted: frozenset[str] = frozenset()
    trained: bool = True
    cached: bool = False


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
        served: whether some model was timed as a server.
        server_bound: what the 99th percentile of `server` had to stay under, in seconds.
        queries_for_p99: the fewest queries that a 99th percentile takes.
        processes: in how many each model was timed; 0 for the session's own.
        together: models that were timed in the session's process all the same, as they can't be sent to another.
        few: examples; of fewer, `threads` tells.
        threads: cores that models answered with, where their authors say so, by the model's name.
        engines: models as engines serve them, each after the estimator as it is.
        unserved: those that an engine does not serve, or to which it gives what can be no answers.
    """

    rows: tuple[LatencyRow, ...]
    audits: Audits | None
    round_trips: tuple[RoundTrip, ...]
    noun: Noun
    batch: int
    served: bool
    server_bound: float
    queries_for_p99: int
    processes: int
    together: tuple[str, ...]
    few: int = FEW
    threads: Mapping[str, int] = field(default_factory=dict)
    engines: tuple[EngineRow, ...] = ()
    unserved: tuple[EngineEntry, ...] = ()


def latency(record: Record) -> Latency | None:
    """All that was timed; None if nothing was."""
    if not record.timings and not record.engines:
        return None
    rows = (_row(record, model) for model in record.models)
    return Latency(
        rows=tuple(row for row in rows if row is not None),
        audits=_audits(record) if record.audits else None,
        round_trips=tuple(
            RoundTrip(t.model, t.scenario, t.round_trip_seconds, t.typical)
            for t in record.native_timings
            if t.round_trip_seconds is not None
        ),
        noun=noun(record.dataset(t.task) for t in record.timings),
        batch=next((t.batch_size for t in record.timings if t.scenario == MULTI.name), MULTI.batch_size or 1),
        served=any(t.rate for t in record.timings),
        server_bound=next((t.bound for t in record.timings if t.bound is not None), BOUND),
        queries_for_p99=QUERIES_FOR_P99,
        processes=record.settings.processes,
        together=tuple(dict.fromkeys(named(t.model, t.engine) for t in record.timings if not t.processes)),
        threads={t.model: t.threads for t in record.native_timings if t.threads is not None},
        engines=engines(record),
        unserved=tuple(entry for entry in record.engines if entry.reason or entry.fault),
    )


def _row(record: Record, model: ModelEntry) -> LatencyRow | None:
    mine = {t.scenario: t for t in record.native_timings if t.model == model.name}
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
        trained=fit is None or fit.source is None,
        cached=fit is not None and bool(fit.cached),
        compiling=compiling,
        cold_compiling=compiling + saved if compiling is not None and saved else None,
        single=percentiles(single),
        multi=percentiles(multi),
        interval=single.interval if single else None,
        load=load_seconds(single),
        first=median_of(process.first_seconds for process in single.processes) if single else None,
        offline=offline.examples_per_second if offline else None,
        server=_rate(server),
        queries=len(single.seconds) if single else None,
        doubted=frozenset(a.scenario for a in record.doubted if (a.model, a.engine) == (model.name, NATIVE)),
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
