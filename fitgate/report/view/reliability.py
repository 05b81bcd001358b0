"""Reliability: how often what models call so likely happens."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from fitgate.metrics import METRICS
from fitgate.metrics.probabilities import happened_and_stated
from fitgate.record import Record, TaskEntry
from fitgate.record.evidence import with_scorers
from fitgate.report.view.words import Noun, class_names, main_tasks, noun
from fitgate.statistics import proportion_interval
from fitgate.statistics.calibration import bins

MOST = 6  # models that are drawn: those with the largest errors
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reliable:
    """A model's stated probabilities, in bins of as many examples; arrays of a value a bin `(bins,)`.

    Attributes:
        model: its name.
        error: the calibration error; see `fitgate.statistics.calibration_error`.
        stated: mean probabilities.
        happened: shares that happened.
        low, high: ends of their exact 95 % intervals.
    """

    model: str
    error: float
    stated: Array
    happened: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Reliability:
    """What the probabilities of a task are worth.

    Attributes:
        task: its name.
        noun: what an example is called.
        event: what is said to be so likely, in words.
        n: number of test examples; with folds, of answers.
        models: in the order of their errors, the largest first.
        more: how many are left out.
    """

    task: str
    noun: Noun
    event: str
    n: int
    models: tuple[Reliable, ...]
    more: int


def reliabilities(record: Record) -> tuple[Reliability, ...]:
    """Of each task that some model puts first and that asks for probabilities of classes."""
    metrics = with_scorers(record, METRICS)
    found = []
    for task in main_tasks(record):
        asked = any(metrics[name].reads == "probabilities" for name in task.metrics if name in metrics)
        if not asked or task.classes is None or task.target.ndim != 1:
            continue
        given = [(e.model, e.probabilities) for e in record.evaluations if e.task == task.name]
        models = sorted(
            (
                _reliable(model, *happened_and_stated(task.target, probabilities, task.classes))
                for model, probabilities in given
                if probabilities is not None
            ),
            key=attrgetter("error"),
            reverse=True,
        )
        if models:
            data = noun([data for data in [record.dataset(task.name)] if data is not None])
            shown, more = tuple(models[:MOST]), len(models[MOST:])
            found.append(Reliability(task.name, data, _event(record, task), len(task.target), shown, more))
    return tuple(found)


def _reliable(model: str, happened: NDArray[np.bool_], stated: Array) -> Reliable:
    of = bins(happened, stated)
    counts = np.rint(of.happened * of.sizes).astype(int)
    intervals = [proportion_interval(k, n) for k, n in zip(counts.tolist(), of.sizes.astype(int).tolist(), strict=True)]
    return Reliable(model, max(0.0, of.squared) ** 0.5, of.stated, of.happened, *np.array(intervals).T)


def _event(record: Record, task: TaskEntry) -> str:
    if task.classes is not None and len(task.classes) == 2:
        return f"class {class_names(record, task)(task.classes[1])}"
    return "the likeliest class"
