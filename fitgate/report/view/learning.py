"""Learning: what models say of their epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fitgate.record import Record
from fitgate.report.view.words import main_tasks
from fitgate.runs import Fit


@dataclass(frozen=True)
class Curve:
    """A model's values by epoch."""

    model: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Learning:
    """The curves of a task's models, by what they are of."""

    task: str
    curves: dict[str, tuple[Curve, ...]]


def learnings(record: Record) -> tuple[Learning, ...]:
    """The curves of each task that some model puts first, where models state any."""
    found = []
    for task in main_tasks(record):
        fits = [fit for fit in record.fits if fit.task == task.name]
        kinds = sorted({kind for fit in fits for kind in fit.curves})
        curves = {kind: tuple(_curve(fit, kind) for fit in fits if kind in fit.curves) for kind in kinds}
        if curves:
            found.append(Learning(task.name, curves))
    return tuple(found)


def _curve(fit: Fit, kind: str) -> Curve:
    return Curve(fit.model, tuple(math.nan if value is None else value for value in fit.curves[kind]))
