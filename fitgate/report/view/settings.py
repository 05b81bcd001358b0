"""Settings: what there is to choose from, a model as an engine serves it on a machine, with all that is known of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

import numpy as np

from fitgate.engines import NATIVE
from fitgate.gates import Outcome, Verdict
from fitgate.latency.timing import OFFLINE, SERVER, SINGLE
from fitgate.metrics import METRICS, Metric
from fitgate.record import MetricEntry, TaskEntry
from fitgate.record.evidence import with_scorers
from fitgate.report.view.curves import Batch, batches, throughput_of
from fitgate.report.view.engines import load_seconds
from fitgate.report.view.machine import Machine, Served
from fitgate.report.view.measured import Measured
from fitgate.report.view.ratios import computes_otherwise
from fitgate.statistics import percentile_upper_bound

MILLION = 1e6
HOUR = 3_600.0


@dataclass(frozen=True)
class Setting:
    """A model, as an engine serves it on a machine; None for what was not measured.

    Attributes:
        model, engine, machine: names.
        task: on which it was timed.
        metrics: of its answers there, each with its bound on the worse side where that is known, by the metric's name.
        queries: seconds of single queries.
        single: a typical one, in seconds, with where another run has it.
        offline: examples a second, the whole test split at once.
        cost: of a million answers at that, in US dollars.
        energy: of a million answers at that, in joules, by the machine's own counters.
        load: seconds that loading it takes.
        fit: seconds of the session's training; of the estimator alone.
        server: queries a second that arrive at random and are answered in time.
        size: of what is loaded, in bytes.
        batches: throughput by batch size, from small to large.
        doubts: why its timings are not believed, in words.
        otherwise: whether it gives significantly other answers than on the first machine.
        failed: gates that fail by its answers.
        differing: answers, of `answers`, that an engine gives otherwise than the estimator.
    """

    model: str
    engine: str
    machine: str
    task: str
    metrics: Mapping[str, Measured]
    queries: tuple[float, ...]
    single: Measured | None
    offline: Measured | None
    cost: Measured | None
    energy: float | None
    load: float | None
    fit: float | None
    server: float | None
    size: int | None
    batches: tuple[Batch, ...]
    doubts: tuple[str, ...]
    otherwise: bool
    failed: tuple[str, ...]
    differing: int = 0
    answers: int = 0

    @property
    def name(self) -> str:
        """As `knn by onnx on laptop`."""
        return f"{self.served} on {self.machine}"

    @property
    def served(self) -> str:
        """As `knn by onnx`."""
        return str(Served(self.model, self.engine))

    @property
    def noted(self) -> bool:
        """Whether there is anything to know about it besides its figures."""
        return bool(self.doubts or self.otherwise or self.failed or self.differing)

    @property
    def p99(self) -> Measured | None:
        """The 99th percentile of single queries."""
        return self.percentile(99)

    def percentile(self, q: float) -> Measured | None:
        """A percentile of single queries, in seconds, at most its upper 99 % bound; None of too few."""
        most = percentile_upper_bound(self.queries, q)
        return None if most is None else Measured(float(np.percentile(self.queries, q)), None, most)


def settings(machine: Machine, first: Machine, price: float | None, metrics: Iterable[str]) -> list[Setting]:
    """All of a machine.

    Args:
        machine: with its records.
        first: the machine to compare with.
        price: of the machine's hour, in US dollars; None where that is not known.
        metrics: names of those to tell besides the first of each task.
    """
    return [_setting(machine, first, of, price, list(metrics)) for of in machine.served]


def _setting(machine: Machine, first: Machine, of: Served, price: float | None, metrics: list[str]) -> Setting:
    record, task = machine.record, machine.task(of.model)
    known, entry = record.task(task), machine.entry(of)
    names = [name for name in dict.fromkeys([*known.metrics[:1], *metrics]) if name in known.metrics] if known else []
    single, server = machine.pooled(of, SINGLE.name), machine.pooled(of, SERVER.name)
    offline, asked = throughput_of(machine, of, OFFLINE.name), machine.pooled(of, OFFLINE.name)
    joules = asked.joules_per_example if asked else None
    own = (f for r in machine.records for f in r.fits if (f.model, f.task) == (of.model, task))
    fits = [f.seconds for f in own if f.seconds is not None and not f.cached]
    return Setting(
        model=of.model,
        engine=of.engine,
        machine=machine.name,
        task=task,
        metrics={name: value for name in names if (value := _quality(machine, of, known, name)) is not None},
        queries=tuple(single.seconds) if single else (),
        single=machine.typical(of, SINGLE.name),
        offline=offline,
        cost=offline.over(MILLION * price / HOUR) if offline and price is not None else None,
        energy=None if joules is None else MILLION * joules,
        load=load_seconds(single),
        fit=median(fits) if fits and of.engine == NATIVE else None,
        server=server.rate if server else None,
        size=_size(machine, of, task),
        batches=batches(machine, of),
        doubts=tuple(machine.doubts(of)),
        otherwise=machine is not first and computes_otherwise(first, machine, of),
        failed=tuple(v.gate for v in _verdicts(machine, of, task) if v.outcome is Outcome.FAIL),
        differing=round(entry.n * (1 - entry.equal)) if entry is not None and entry.equal is not None else 0,
        answers=entry.n if entry is not None else 0,
    )


def _size(machine: Machine, of: Served, task: str) -> int | None:
    entry = machine.entry(of)
    if entry is not None:
        return entry.size
    known = (m.disk for r in machine.records for m in r.memory if (m.model, m.task) == (of.model, task))
    return next(known, None) if of.engine == NATIVE else None


def _verdicts(machine: Machine, of: Served, task: str) -> list[Verdict]:
    """On the timed task, by what the engine answers."""
    if of.engine == NATIVE:
        return [v for v in machine.record.verdicts if (v.model, v.task) == (of.model, task)]
    entry = machine.entry(of)
    return entry.verdicts if entry is not None else []


def _quality(machine: Machine, of: Served, task: TaskEntry | None, name: str) -> Measured | None:
    """A metric of what is answered; of an engine that answers as the estimator does, the estimator's."""
    own = _own_quality(machine, of.model, task, name)
    if of.engine == NATIVE:
        return own
    entry, described = machine.entry(of), machine.record.metric(name)
    if entry is None:
        return None
    for v in _verdicts(machine, of, entry.task):
        if v.metric == name and v.value is not None and v.bound is not None and v.bound_of == "value":
            return _bounded(v.value, v.bound, described)
    value = entry.metrics.get(name)
    if value is None:
        metric = METRICS.get(name)
        return own if metric is not None and metric.reads == "predictions" and entry.equal == 1 else None
    # The same examples, of about the same answers, are as telling: the bound lies as far off as the estimator's.
    ends = () if own is None else tuple(end - own.value for end in (own.low, own.high) if end is not None)
    return _bounded(value, value + ends[0], described) if ends else Measured(value)


def _own_quality(machine: Machine, model: str, task: TaskEntry | None, name: str) -> Measured | None:
    """An estimator's metric with its one-sided bound, at the confidence at which the run's gates judge."""
    record, evaluation = machine.record, machine.evaluation(model)
    if evaluation is None or task is None or (value := evaluation.metrics.get(name)) is None:
        return None
    metric: Metric | None = with_scorers(record, METRICS).get(name)
    read = metric.output(evaluation.outputs) if metric is not None else None
    if metric is None or read is None:
        return Measured(value)
    metric = record.own(metric, task)
    bound = metric.confidence_bound.compute(task.target, read, record.settings.judge.confidence)
    return _bounded(value, float(bound), record.metric(name))


def _bounded(value: float, bound: float, metric: MetricEntry) -> Measured:
    if not math.isfinite(bound):
        return Measured(value)
    return Measured(value, bound, None) if metric.higher_is_better else Measured(value, None, bound)
