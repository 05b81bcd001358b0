"""A site: what several runs came to, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fitgate.record import Outline, Record, outline_of
from fitgate.report.verdict import RunVerdict, run_verdict
from fitgate.report.view.answers import AnswerBook, Answers, Tested
from fitgate.report.view.environment import Fact, environment, size
from fitgate.report.view.gates import ORDER, GateRow, gates
from fitgate.report.view.history import History, history_view
from fitgate.report.view.latency import LatencyRow, latency
from fitgate.report.view.learning import Learning, learnings
from fitgate.report.view.notices import notices
from fitgate.report.view.quality import FailureRow, QualityRow, failures, quality
from fitgate.report.view.run import run_of, short_commit
from fitgate.report.view.series import Series
from fitgate.report.view.tradeoff import TradeOff, tradeoffs
from fitgate.runs import Fit


@dataclass(frozen=True)
class RunCard:
    """What a run came to, in short.

    Attributes:
        name: as the reader knows it.
        verdict: on the run.
        datasets: their names and sizes.
        started, commit, machine: in words; empty where they are not known.
        notices, failures, failed_tests, faults: what is to be looked into.
        facts: all that is known of how it came about.
    """

    name: str
    verdict: RunVerdict
    datasets: tuple[str, ...]
    started: str
    commit: str
    machine: str
    notices: tuple[str, ...]
    failures: tuple[FailureRow, ...]
    failed_tests: tuple[str, ...]
    faults: tuple[str, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class GateLine:
    """A gate of a run.

    Attributes:
        run: its name.
        gate: as a report shows it.
        why: the reason of its outcome, in a clause; empty where it has none.
    """

    run: str
    gate: GateRow
    why: str

    @property
    def rank(self) -> int:
        """Its place among outcomes: what is to be looked into comes first."""
        return -1 if self.gate.outcome is None else ORDER[self.gate.outcome]


@dataclass(frozen=True)
class ModelLine:
    """A model on a task of a run.

    Attributes:
        run: its name.
        quality: its metrics and gates.
        values: of each metric of the site, as text; empty where it has none.
        latency: its times; None on a task on which it was not timed.
        fit: of the session, or of the earlier one that it was kept of; None where there was none.
        front: whether no model of the run beats it in both quality and latency; None where it is no point of these.
    """

    run: str
    quality: QualityRow
    values: tuple[str, ...]
    latency: LatencyRow | None
    fit: Fit | None
    front: bool | None

    @property
    def outcomes(self) -> dict[str, int]:
        """How many of its gates came to each outcome."""
        return dict(Counter(gate.verdict for gate in self.quality.gates))


@dataclass(frozen=True)
class Site:
    """All that a site shows, of runs in the order given.

    Attributes:
        runs: what each came to.
        gates: those of all runs, what is to be looked into first.
        metrics: titles of the columns of `models`.
        models: those of all runs.
        tradeoffs, learnings: of each run, by its place.
        tested, answers: example by example.
        history: of distinct runs; None of fewer than two.
    """

    runs: tuple[RunCard, ...]
    gates: tuple[GateLine, ...]
    metrics: tuple[str, ...]
    models: tuple[ModelLine, ...]
    tradeoffs: tuple[tuple[TradeOff, ...], ...]
    learnings: tuple[tuple[Learning, ...], ...]
    tested: tuple[Tested, ...]
    answers: tuple[Answers, ...]
    history: History | None

    @property
    def series(self) -> tuple[Series, ...]:
        """Those of the history that have two runs or more; what has changed comes first."""
        found = (
            [] if self.history is None else [s for group in self.history.groups for s in group.series if s.count > 1]
        )
        return tuple(sorted(found, key=lambda s: (not s.changes, not s.worse)))


def site_view(records: Mapping[str, Record]) -> Site:
    """What a site of records shows.

    Args:
        records: of runs, by the name that a reader is to know each by.
    """
    book = AnswerBook(records.values())
    metrics = tuple(dict.fromkeys(title for record in records.values() for title in quality(record).metrics))
    return Site(
        runs=tuple(_card(name, record) for name, record in records.items()),
        gates=tuple(
            sorted((g for name, record in records.items() for g in _gates(name, record)), key=lambda g: g.rank)
        ),
        metrics=metrics,
        models=tuple(line for name, record in records.items() for line in _models(name, record, metrics)),
        tradeoffs=tuple(map(tradeoffs, records.values())),
        learnings=tuple(map(learnings, records.values())),
        tested=tuple(book.tested),
        answers=tuple(book.answers),
        history=_history([outline_of(record) for record in records.values()]),
    )


def _card(name: str, record: Record) -> RunCard:
    return RunCard(
        name=name,
        verdict=run_verdict(record),
        datasets=tuple(map(size, record.datasets)),
        started=record.started.replace("T", " ").replace("+00:00", " UTC"),
        commit=short_commit(record.commit or ""),
        machine=record.environment.cpu,
        notices=notices(record),
        failures=failures(record),
        failed_tests=tuple(record.failed_tests),
        faults=tuple(record.faults),
        facts=environment(record),
    )


def _gates(name: str, record: Record) -> Iterator[GateLine]:
    reasons = {(v.model, v.task, v.gate): v.reason.value for v in record.verdicts}
    for gate in gates(record):
        yield GateLine(name, gate, reasons.get((gate.model, gate.task, gate.rule), ""))


def _models(name: str, record: Record, metrics: Sequence[str]) -> Iterator[ModelLine]:
    of, timed = quality(record), latency(record)
    times = {(row.model, row.task): row for row in timed.rows} if timed else {}
    fits = {(fit.model, fit.task): fit for fit in record.fits}
    front = {
        (point.model, tradeoff.task): point in tradeoff.axis.front(tradeoff.points)
        for tradeoff in tradeoffs(record)
        for point in tradeoff.points
    }
    for row in of.rows:
        values = dict(zip(of.metrics, row.values, strict=True))
        key = (row.model, row.task)
        of_metrics = tuple(values.get(m) or "" for m in metrics)
        yield ModelLine(name, row, of_metrics, times.get(key), fits.get(key), front.get(key))


def _history(outlines: Sequence[Outline]) -> History | None:
    """The history of runs that have ended, each once; None where there are fewer than two."""
    runs = {run.identity: run for run in (run_of(o) for o in outlines if o.status == "finished")}
    return history_view(runs.values()) if len(runs) > 1 else None
