"""Learning: what models say of their epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from fitgate.record import Record
from fitgate.report.view.words import main_tasks
from fitgate.runs import Fit

LEAST = 3  # values: a line through two tells nothing that they don't


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
    """The curves of each task that some model puts first, where models state any of three epochs or more."""
    found = []
    for task in main_tasks(record):
        fits = [fit for fit in record.fits if fit.task == task.name]
        long = [(kind, fit) for fit in fits for kind, values in fit.curves.items() if len(values) >= LEAST]
        curves = {
            kind: tuple(_curve(fit, kind) for _, fit in several)
            for kind, several in groupby(sorted(long, key=itemgetter(0)), key=itemgetter(0))
        }
        if curves:
            found.append(Learning(task.name, curves))
    return tuple(found)


def _curve(fit: Fit, kind: str) -> Curve:
    return Curve(fit.model, tuple(math.nan if value is None else value for value in fit.curves[kind]))
