"""Engines: models as engines serve them, beside their estimators as they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from fitgate.engines import NATIVE
from fitgate.latency.timing import Timing
from fitgate.record import EngineEntry, Record
from fitgate.report.view.gates import GateRow, gate_row


@dataclass(frozen=True)
class EngineRow:
    """A model as an engine serves it; times in seconds, None where they were not measured.

    Attributes:
        model, task, engine: names.
        equal: how many of its predictions are the estimator's own, in words; empty of that itself.
        difference: the largest of what both give; None where it was not compared.
        compared: what that is of.
        gates: of the model, by its answers.
        single, multi: a typical query.
        offline: examples a second, the whole test split at once.
        load: what loading it took.
        size: of what it loads, in bytes.
        doubted: the scenarios whose audit failed.
    """

    model: str
    task: str
    engine: str
    equal: str
    difference: float | None
    compared: str
    gates: tuple[GateRow, ...]
    single: float | None
    multi: float | None
    offline: float | None
    load: float | None
    size: float | None
    doubted: frozenset[str]


def engines(record: Record) -> tuple[EngineRow, ...]:
    """A row for each engine that serves a model, after that of the estimator itself; empty where none was asked for."""
    rows: list[EngineRow] = []
    served = [entry for entry in record.engines if not entry.reason and not entry.fault]
    for model, task in dict.fromkeys((entry.model, entry.task) for entry in served):
        own = [entry for entry in served if (entry.model, entry.task) == (model, task)]
        if any(timing.model == model for timing in record.native_timings):
            held = (entry for entry in own if entry.engine == NATIVE)  # of another session's, to what it answered there
            rows.append(_row(record, next(held, EngineEntry(model, task, NATIVE))))
        rows += [_row(record, entry) for entry in own if entry.engine != NATIVE]
    return tuple(rows)


def _row(record: Record, entry: EngineEntry) -> EngineRow:
    of = (entry.model, entry.engine)
    mine = {t.scenario: t for t in record.timings if (t.model, t.engine) == of}
    single, multi, offline = (mine.get(name) for name in ("single", "multi", "offline"))
    return EngineRow(
        model=entry.model,
        task=entry.task,
        engine=entry.engine,
        equal="" if entry.equal is None else equal_of(entry.n, entry.equal),
        difference=entry.difference,
        compared=entry.compared,
        gates=tuple(gate_row(verdict, record) for verdict in entry.verdicts),
        single=single.typical if single else None,
        multi=multi.typical if multi else None,
        offline=offline.examples_per_second if offline else None,
        load=load_seconds(single),
        size=entry.size,
        doubted=frozenset(audit.scenario for audit in record.doubted if (audit.model, audit.engine) == of),
    )


def equal_of(n: int, share: float) -> str:
    """How many of so many predictions are equal, in words."""
    return f"all {n:,}" if share == 1 else f"{round(share * n):,} of {n:,}"


def load_seconds(single: Timing | None) -> float | None:
    """What loading a model took, a median over processes; None where it was loaded in none of its own."""
    return None if single is None else median_of(process.load_seconds for process in single.processes)


def median_of(seconds: Iterable[float | None]) -> float | None:
    """Their median; None where there are none."""
    known = [second for second in seconds if second is not None]
    return median(known) if known else None
