"""Robustness: how metrics fall as test examples are disturbed more and more, where gates ask for it."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.disturbances import Disturbance
from fitgate.gates import Verdict
from fitgate.record import MetricEntry, Record
from fitgate.report.view.words import Noun, axis_title, figure_value, noun


@dataclass(frozen=True)
class Withstood:
    """A model's metric by the strength of a disturbance.

    Attributes:
        model: its name.
        points: strength and value, from the test split as it is, at 0, to the strongest.
        at: the strength that its gate is judged at.
        bound: what the value there surely is at least, or of a loss at most; None where that is not known.
        asked: what it is to be; None likewise.
    """

    model: str
    points: tuple[tuple[float, float], ...]
    at: float
    bound: float | None
    asked: float | None


@dataclass(frozen=True)
class Panel:
    """The models whose gates bound how a metric falls under a disturbance.

    Attributes:
        metric: its title on the task, with its unit.
        disturbance: what the examples suffer, with the unit of its strength.
        models: in the order of their gates.
    """

    metric: str
    disturbance: str
    models: tuple[Withstood, ...]


@dataclass(frozen=True)
class Robustness:
    """What a task's models made of disturbed examples, a panel for each metric and disturbance.

    Attributes:
        task: its name.
        noun: what an example is called.
        panels: in the order of the gates.
    """

    task: str
    noun: Noun
    panels: tuple[Panel, ...]


def robustness(record: Record) -> tuple[Robustness, ...]:
    """Of each task on which a gate was judged that asks about disturbed examples."""
    tasks: dict[str, dict[tuple[str, Disturbance], list[Withstood]]] = {}
    for verdict in record.verdicts:
        of = next((d.disturbance for d in record.disturbed if verdict.under == str(d.disturbance)), None)
        if of is not None:
            # Models whose gates differ in strength alone share a panel.
            key = verdict.metric, of.alike
            tasks.setdefault(verdict.task, {}).setdefault(key, []).append(_withstood(record, verdict, of))
    return tuple(
        Robustness(
            task,
            noun([record.dataset(task)]),
            tuple(
                Panel(axis_title(record.metric(metric), task), _title(of), tuple(models))
                for (metric, of), models in panels.items()
            ),
        )
        for task, panels in tasks.items()
    )


def _withstood(record: Record, verdict: Verdict, of: Disturbance) -> Withstood:
    metric, own = record.metric(verdict.metric), (verdict.model, verdict.task)
    tried = [
        (one.disturbance.strength, one.evaluation) for one in record.disturbed if one.disturbance.alike == of.alike
    ]
    found = [(0.0, e) for e in record.evaluations] + [(strength, e) for strength, e in tried if e is not None]
    values = sorted((strength, e.metrics.get(metric.name)) for strength, e in found if (e.model, e.task) == own)
    points = ((strength, figure_value(value, metric)) for strength, value in values if value is not None)
    bound, asked = (_shown(number, metric) for number in (verdict.bound, verdict.threshold))
    return Withstood(verdict.model, tuple(points), of.strength, bound, asked)


def _shown(number: float | None, metric: MetricEntry) -> float | None:
    return None if number is None else figure_value(number, metric)


def _title(of: Disturbance) -> str:
    where = "" if of.column is None else f" of {of.column}"
    return f"{of.kind}{where}, {of.unit}"
