"""The trade-off between a task's first metric and the latency of a single example."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from fitgate.engines import NATIVE
from fitgate.latency.timing import SINGLE
from fitgate.record import MetricEntry, Record
from fitgate.report.view.words import Noun, axis_title, figure_value, is_share, main_tasks, noun


class Point(NamedTuple):
    """A model: its typical latency in milliseconds, and its metric, in percent where that is a share.

    Where several are compared, it is the model as an engine serves it on a machine.
    """

    milliseconds: float
    value: float
    model: str
    engine: str = NATIVE
    machine: str = ""


@dataclass(frozen=True)
class Axis:
    """How a metric stands on an axis.

    Attributes:
        title: the metric's, with its unit.
        metric: the metric's title.
        percent: whether its values are percent.
        higher_is_better: its direction.
    """

    title: str
    metric: str
    percent: bool
    higher_is_better: bool

    @classmethod
    def of(cls, metric: MetricEntry, task: str) -> Axis:
        """That of a metric on a task."""
        return cls(axis_title(metric, task), metric.title, is_share(metric), metric.higher_is_better)

    def front(self, points: Iterable[Point]) -> list[Point]:
        """The points that no other beats in both, from fast to slow."""
        sign = 1 if self.higher_is_better else -1
        front: list[Point] = []
        for point in sorted(points, key=lambda p: (p.milliseconds, -sign * p.value)):
            if not front or sign * point.value > sign * front[-1].value:
                front.append(point)
        return front


@dataclass(frozen=True)
class TradeOff:
    """The models of a task that were both evaluated and timed, the best first."""

    task: str
    noun: Noun
    axis: Axis
    points: tuple[Point, ...]


def tradeoffs(record: Record) -> tuple[TradeOff, ...]:
    """A trade-off for each task that some model puts first, where there are points."""
    found = []
    for task in main_tasks(record):
        metric = record.metric(task.metrics[0])
        values = {e.model: e.metrics.get(metric.name) for e in record.evaluations if e.task == task.name}
        points = [
            Point(1e3 * t.typical, figure_value(value, metric), t.model)
            for t in record.native_timings
            if (t.scenario, t.task) == (SINGLE.name, task.name) and (value := values.get(t.model)) is not None
        ]
        if points:
            ordered = ranked(points, metric.higher_is_better)
            found.append(TradeOff(task.name, noun([record.dataset(task.name)]), Axis.of(metric, task.name), ordered))
    return tuple(found)


def ranked(points: Sequence[Point], higher_is_better: bool) -> tuple[Point, ...]:
    """Points, the best value first."""
    return tuple(sorted(points, key=lambda point: point.value, reverse=higher_is_better))
