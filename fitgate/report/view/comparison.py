"""A comparison of settings: of models, engines and machines, by records of the same work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fitgate.engines import NATIVE
from fitgate.record import EngineEntry, MetricEntry, Record
from fitgate.report.view import hardware
from fitgate.report.view.answer import Answer, answer
from fitgate.report.view.curves import Curve, Curves, curves
from fitgate.report.view.differences import Difference, Warned, difference, warnings
from fitgate.report.view.environment import size
from fitgate.report.view.hardware import NumberRow, Row
from fitgate.report.view.machine import Machine, Served
from fitgate.report.view.measured import Measured
from fitgate.report.view.ratios import Headline, RatioRow, headline, ratio_rows
from fitgate.report.view.settings import Setting, settings
from fitgate.report.view.tradeoff import Axis, Point
from fitgate.report.view.words import Noun, figure_value, main_tasks, metric_value, noun
from fitgate.report.wants import Want
from fitgate.statistics import values_for_percentile


@dataclass(frozen=True)
class SettingRow:
    """A setting of the table, and its task's first metric as text; empty where that is not known."""

    setting: Setting
    quality: str


@dataclass(frozen=True)
class PredictionRow:
    """How a model's predictions on a machine differ from those on the first."""

    model: str
    task: str
    machine: str
    difference: Difference


@dataclass(frozen=True)
class Unserved:
    """An engine that does not serve some models on some machines, for one reason."""

    models: tuple[str, ...]
    engine: str
    machines: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Comparison:
    """All that a comparison shows; machines in the order given, the first is the one that others are set against.

    Attributes:
        machines, runs: their names, and how many records each has.
        datasets, noun: what all worked on, and what an example of it is called.
        answer: to what is wanted; None where nothing is.
        headlines: of the machines after the first.
        best: the settings of `task` that no other beats in both its first metric and a single query.
        warnings: what differs besides the machine.
        quality: title of the column of the first metric; empty where tasks have several, which cells then name.
        rows: the settings.
        engines: whether some are served by another engine than the estimator.
        queries_for_p99: the fewest queries that a p99 takes.
        prices: of machines, in words.
        unserved: engines that serve nothing.
        curves: throughput by batch size; None where there is one size.
        ratios: of each model and engine.
        predictions: how they differ between machines.
        facts, kernels, shares: of the machines.
        task, axis, points: of the figure of quality against latency; no points where nothing was evaluated.
    """

    machines: tuple[str, ...]
    runs: tuple[int, ...]
    datasets: tuple[str, ...]
    noun: Noun
    answer: Answer | None
    headlines: tuple[Headline, ...]
    best: tuple[SettingRow, ...]
    warnings: tuple[Warned, ...]
    quality: str
    rows: tuple[SettingRow, ...]
    engines: bool
    queries_for_p99: int
    prices: tuple[str, ...]
    unserved: tuple[Unserved, ...]
    curves: Curves | None
    ratios: tuple[RatioRow, ...]
    predictions: tuple[PredictionRow, ...]
    facts: tuple[Row, ...]
    kernels: tuple[NumberRow, ...]
    shares: tuple[NumberRow, ...]
    task: str
    axis: Axis | None
    points: tuple[Point, ...]


def comparison_view(machines: Sequence[Machine], prices: Mapping[str, float], wants: Sequence[Want] = ()) -> Comparison:
    """What a comparison shows.

    Args:
        machines: with timings of the same work, the one to compare with first.
        prices: of a machine's hour, in US dollars, by its name.
        wants: what a setting is to hold.
    """
    first, *others = machines
    metrics = [want.name for want in wants if want.is_metric]
    found = [setting for m in machines for setting in settings(m, first, prices.get(m.name), metrics)]
    models = list(dict.fromkeys(of.model for machine in machines for of in machine.served))
    engines = list(dict.fromkeys(setting.engine for setting in found))
    found.sort(key=lambda setting: (models.index(setting.model), engines.index(setting.engine)))  # then machines
    record, kind = first.record, noun(first.record.datasets)
    firsts = {task.name: record.metric(task.metrics[0]) for task in record.tasks}
    same = {(s.task, firsts[s.task].title) for s in found if s.task in firsts}
    rows = tuple(SettingRow(s, _quality(s, firsts.get(s.task), named=len(same) > 1)) for s in found)
    task, points = _tradeoff(record, rows, firsts)
    axis = Axis.of(firsts[task], task) if task else None
    front = {(p.model, p.engine, p.machine) for p in axis.front(points)} if axis else set()
    return Comparison(
        machines=tuple(machine.name for machine in machines),
        runs=tuple(len(machine.records) for machine in machines),
        datasets=tuple(map(size, record.datasets)),
        noun=kind,
        answer=answer(found, wants, described(machines), kind, all(m.name in prices for m in machines))
        if wants
        else None,
        headlines=tuple(headline(first, other) for other in others),
        best=tuple(row for row in rows if (row.setting.model, row.setting.engine, row.setting.machine) in front),
        warnings=warnings(machines, models),
        quality=" on ".join(reversed(next(iter(same)))) if len(same) == 1 else "",
        rows=rows,
        engines=engines != [NATIVE],
        queries_for_p99=values_for_percentile(99),
        prices=tuple(f"{m.name} at {prices[m.name]:g} USD an hour" for m in machines if m.name in prices),
        unserved=_unserved(machines),
        curves=curves(Curve(s.model, s.engine, s.machine, s.batches) for s in found if not s.doubts),
        ratios=ratio_rows(machines),
        predictions=tuple(
            PredictionRow(model, first.task(model), other.name, differs)
            for model in models
            for other in others
            if (differs := difference(first, other, model)) is not None
        ),
        facts=hardware.facts(machines),
        kernels=hardware.kernels(machines),
        shares=hardware.shares(machines, models),
        task=task,
        axis=axis,
        points=points,
    )


def described(machines: Sequence[Machine]) -> list[MetricEntry]:
    """The metrics of all records, by which something can be wanted."""
    found = {metric.name: metric for machine in machines for metric in machine.record.metrics}
    named = dict.fromkeys(name for m in machines for task in m.record.tasks for name in task.metrics)
    return [found.get(name, MetricEntry(name, name)) for name in named]


def _unserved(machines: Sequence[Machine]) -> tuple[Unserved, ...]:
    """What serves nothing, each reason once."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for machine in machines:
        for entry in machine.record.engines:
            if Served(entry.model, entry.engine) not in machine.served:
                found.setdefault((entry.engine, _why_unserved(entry)), []).append((entry.model, machine.name))
    rows = []
    for (engine, reason), where in found.items():
        models, names = (tuple(dict.fromkeys(of)) for of in zip(*where, strict=True))
        rows.append(Unserved(models, engine, names, reason))
    return tuple(rows)


def _why_unserved(entry: EngineEntry) -> str:
    """Why an engine has no timings, in words."""
    if entry.fault:
        return f"what it answers can be no answers: {entry.fault}"
    lost = f"it fails {', '.join(entry.lost)}, which the model itself does not" if entry.lost else ""
    return entry.reason or lost or "it was not timed, or failed where it was"


def _quality(setting: Setting, metric: MetricEntry | None, named: bool) -> str:
    value = setting.metrics.get(metric.name) if metric is not None else None
    if metric is None or value is None:
        return ""
    shown = metric_value(value.value, metric)
    return (
        f"{metric.title} on {setting.task}: {shown}{_bound(value, metric)}" if named else shown + _bound(value, metric)
    )


def _bound(of: Measured, metric: MetricEntry) -> str:
    end, side = (of.low, "least") if of.low is not None else (of.high, "most")
    return "" if end is None else f" (at {side} {metric_value(end, metric)})"


def _tradeoff(
    record: Record, rows: Sequence[SettingRow], firsts: Mapping[str, MetricEntry]
) -> tuple[str, tuple[Point, ...]]:
    """The points of settings that are believed, on the task that most of them were timed on; empty where none is."""
    known = [row.setting for row in rows if row.quality and row.setting.single and not row.setting.doubts]
    tasks = [task.name for task in main_tasks(record) if any(s.task == task.name for s in known)]
    if not tasks:
        return "", ()
    task = max(tasks, key=[s.task for s in known].count)
    metric = firsts[task]
    return task, tuple(
        Point(1e3 * s.single.value, figure_value(s.metrics[metric.name].value, metric), s.model, s.engine, s.machine)
        for s in known
        if s.task == task and s.single is not None
    )
