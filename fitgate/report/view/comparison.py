"""A comparison of machines by records of the same work on each, one or several, against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fitgate.latency.timing import MULTI, OFFLINE, SERVER, SINGLE
from fitgate.record import Record
from fitgate.report.view import hardware
from fitgate.report.view.differences import Difference, Warned, difference, warnings
from fitgate.report.view.environment import size
from fitgate.report.view.hardware import NumberRow, Row
from fitgate.report.view.machine import Machine, Ratio, ratio
from fitgate.report.view.tradeoff import Axis, Point
from fitgate.report.view.words import (
    Noun,
    Percentiles,
    figure_value,
    main_tasks,
    noun,
    percentiles,
    value_of,
)

SCENARIOS = (SINGLE, MULTI, OFFLINE)


@dataclass(frozen=True)
class Cell:
    """A model's typical query on a machine, in seconds, and its ratio to the first machine's.

    Attributes:
        typical, ratio: None where not measured; the first machine has no ratio.
        computes_otherwise: whether the model gives significantly other answers there, so that times don't compare.
    """

    typical: float | None
    ratio: Ratio | None
    computes_otherwise: bool


@dataclass(frozen=True)
class ScenarioRow:
    """A model's typical query on the first machine, in seconds, and what the others make of it."""

    model: str
    typical: float | None
    others: tuple[Cell, ...]


@dataclass(frozen=True)
class ScenarioTable:
    """All models in a scenario; `batch` is how many examples a query has, None for the whole test split."""

    name: str
    batch: int | None
    rows: tuple[ScenarioRow, ...]


@dataclass(frozen=True)
class Headline:
    """A machine's times over the first one's, over several models, by scenario."""

    machine: str
    models: int
    ratios: tuple[tuple[str, Ratio], ...]


@dataclass(frozen=True)
class DetailRow:
    """A model on a machine: percentiles and fit in seconds, server in queries a second."""

    model: str
    machine: str
    single: Percentiles | None
    multi: Percentiles | None
    server: float | None
    fit: float | None


@dataclass(frozen=True)
class QualityCell:
    """A model's metric on a machine as text, and how its predictions differ from the first machine's."""

    value: str
    difference: Difference | None


@dataclass(frozen=True)
class QualityRow:
    """A model's first metric on the task on which it was timed."""

    model: str
    task: str
    metric: str
    value: str
    others: tuple[QualityCell, ...]


@dataclass(frozen=True)
class Comparison:
    """All that a comparison shows; machines in the order given, the first is the one that others are set against."""

    machines: tuple[str, ...]
    runs: tuple[int, ...]
    datasets: tuple[str, ...]
    noun: Noun
    headlines: tuple[Headline, ...]
    warnings: tuple[Warned, ...]
    scenarios: tuple[ScenarioTable, ...]
    details: tuple[DetailRow, ...]
    quality: tuple[QualityRow, ...]
    prices: tuple[str, ...]
    costs: tuple[NumberRow, ...]
    facts: tuple[Row, ...]
    kernels: tuple[NumberRow, ...]
    shares: tuple[NumberRow, ...]
    task: str
    axis: Axis
    points: dict[str, tuple[Point, ...]]


def comparison_view(machines: Sequence[Machine], prices: Mapping[str, float]) -> Comparison:
    """What a comparison shows.

    Args:
        machines: with timings of the same work, the one to compare with first.
        prices: of a machine's hour, in US dollars, by its name.
    """
    first, *others = machines
    models = [name for name in first.models if all(_timed(name, r) for m in machines for r in m.records)]
    task, axis, points = _tradeoff(machines)
    return Comparison(
        machines=tuple(machine.name for machine in machines),
        runs=tuple(len(machine.records) for machine in machines),
        datasets=tuple(map(size, first.record.datasets)),
        noun=noun(first.record.datasets),
        headlines=tuple(_headline(first, other, models) for other in others),
        warnings=warnings(machines, models),
        scenarios=tuple(filter(lambda of: of.rows, (_scenario(machines, models, s.name) for s in SCENARIOS))),
        details=tuple(_detail(machine, model) for model in models for machine in machines),
        quality=tuple(row for model in models if (row := _quality(machines, model)) is not None),
        prices=tuple(f"{m.name}, {prices[m.name]:g} $/h" for m in machines if m.name in prices),
        costs=_costs([machine for machine in machines if machine.name in prices], models, prices),
        facts=hardware.facts(machines),
        kernels=hardware.kernels(machines),
        shares=hardware.shares(machines, models),
        task=task,
        axis=axis,
        points=points,
    )


def _timed(model: str, record: Record) -> bool:
    return any(timing.model == model for timing in record.native_timings)


def _headline(first: Machine, other: Machine, models: Sequence[str]) -> Headline:
    found = []
    for scenario in SCENARIOS:
        timed = [m for m in models if first.timings(m, scenario.name) and other.timings(m, scenario.name)]
        if (of := ratio(first, other, timed, scenario.name)) is not None:
            found.append((scenario.name, of))
    return Headline(other.name, len(models), tuple(found))


def _scenario(machines: Sequence[Machine], models: Sequence[str], name: str) -> ScenarioTable:
    first, *others = machines
    timed = [model for model in models if first.timings(model, name)]
    batch = first.timings(timed[0], name)[0].batch_size if timed and name != OFFLINE.name else None
    rows = (
        ScenarioRow(model, first.typical(model, name), tuple(_cell(first, other, model, name) for other in others))
        for model in timed
    )
    return ScenarioTable(name, batch, tuple(rows))


def _cell(first: Machine, other: Machine, model: str, scenario: str) -> Cell:
    differs = difference(first, other, model)
    otherwise = differs is not None and differs.significant
    return Cell(other.typical(model, scenario), ratio(first, other, [model], scenario), otherwise)


def _detail(machine: Machine, model: str) -> DetailRow:
    server, subject = machine.pooled(model, SERVER.name), (model, machine.task(model))
    fits = [fit.seconds for record in machine.records for fit in record.fits if (fit.model, fit.task) == subject]
    return DetailRow(
        model=model,
        machine=machine.name,
        single=percentiles(machine.pooled(model, SINGLE.name)),
        multi=percentiles(machine.pooled(model, MULTI.name)),
        server=server.rate if server else None,
        fit=float(np.median(fits)) if fits else None,
    )


def _quality(machines: Sequence[Machine], model: str) -> QualityRow | None:
    first, *others = machines
    mine, task = first.evaluation(model), first.record.task(first.task(model))
    if mine is None or task is None:
        return None
    metric = first.record.metric(task.metrics[0])
    cells = []
    for other in others:
        theirs = other.evaluation(model)
        value = value_of(theirs, metric) if theirs else ""
        cells.append(QualityCell(value, difference(first, other, model)))
    return QualityRow(model, task.name, metric.title, value_of(mine, metric), tuple(cells))


def _costs(priced: Sequence[Machine], models: Sequence[str], prices: Mapping[str, float]) -> tuple[NumberRow, ...]:
    """Millions of examples that a US dollar pays for, all of the test split at once."""

    def worth(machine: Machine, model: str) -> float | None:
        offline = machine.pooled(model, OFFLINE.name)
        return offline.examples_per_second * 3600 / prices[machine.name] / 1e6 if offline else None

    return tuple(NumberRow(model, tuple(worth(machine, model) for machine in priced)) for model in models)


def _tradeoff(machines: Sequence[Machine]) -> tuple[str, Axis, dict[str, tuple[Point, ...]]]:
    """The points of each machine's models, on the task that most of them were timed on."""
    record = machines[0].record
    timed = [machines[0].task(model) for model in machines[0].models]
    task = max(main_tasks(record), key=lambda task: timed.count(task.name))
    metric = record.metric(task.metrics[0])
    points = {
        machine.name: tuple(
            Point(1e3 * typical, figure_value(value, metric), model)
            for model in machine.models
            if machine.task(model) == task.name
            if (typical := machine.typical(model, SINGLE.name)) is not None
            if (e := machine.evaluation(model)) is not None and (value := e.metrics.get(metric.name)) is not None
        )
        for machine in machines
    }
    return task.name, Axis.of(metric, task.name), points
