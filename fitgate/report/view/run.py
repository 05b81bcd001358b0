"""A run, as far as a history needs it: what it measured, and under which circumstances."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from fitgate.engines import NATIVE
from fitgate.machine import Environment
from fitgate.record import MetricEntry, Outline
from fitgate.runs import Fit
from fitgate.text import counted


class Circumstances(NamedTuple):
    """What is the same for all runs of a series.

    Attributes:
        data, profile, digest: of the dataset.
        cpu, cores, physical, system, accelerator: of the machine; `physical` is None where the system does not say.
        limit: cores that sessions were limited to; None for all.
        allowed: cores that they could use; None where it was not recorded.
        workers: sessions' processes that ran at once.
    """

    data: str
    profile: str
    digest: str
    cpu: str
    cores: int
    physical: int | None
    system: str
    accelerator: str
    limit: int | None
    allowed: int | None
    workers: int

    @property
    def title(self) -> str:
        """In words."""
        profile = f", {self.profile}" if self.profile else ""
        physical = f" ({self.physical} physical)" if self.physical not in (None, self.cores) else ""
        limited = f", limited to {self.limit}" if self.limit is not None else ""
        used = f", {self.allowed} of them used" if self.allowed not in (None, self.cores) else ""
        beside = f"; {self.workers} workers at once" if self.workers > 1 else ""
        machine = ", ".join(filter(None, [self.cpu, self.accelerator, self.system]))
        data = f"{self.data}{profile} ({self.digest[:8]})"
        return f"{data} on {machine}, {counted(self.cores, 'core')}{physical}{limited}{used}{beside}"


@dataclass(frozen=True)
class Subject:
    """What a series is of. A figure of the same name in another unit, or of another direction, is another one.

    Attributes:
        where: under which circumstances.
        model, task: names.
        what: a metric's name, a scenario with the engine and the processes of its timing, or a fit.
        unit, higher_is_better: of its values.
        factors: whether they are positive and vary by factors, as times and rates do.
        title: `what`, as a reader knows it.
    """

    where: Circumstances
    model: str
    task: str
    what: str
    unit: str
    higher_is_better: bool
    factors: bool
    title: str = field(compare=False)

    @property
    def name(self) -> str:
        """Model, task and what was measured."""
        return f"{self.model} on {self.task}, {self.title}"

    @property
    def metric(self) -> MetricEntry:
        """It as a metric, whose values are shown in words."""
        return MetricEntry(self.what, self.title, self.unit, self.higher_is_better)


@dataclass(frozen=True)
class Run:
    """A run, as far as its history needs it.

    Attributes:
        started: UTC.
        commit: of the working tree; empty outside git.
        environment: of the machine and its libraries.
        values: what was measured, finite.
        without: why there is no value that counts, of what was to be measured.
        fits: by model and task.
    """

    started: datetime
    commit: str
    environment: Environment
    values: dict[Subject, float]
    without: dict[Subject, str]
    fits: dict[tuple[str, str], Fit]

    @property
    def name(self) -> str:
        """When, and of which commit."""
        return f"{self.started:%Y-%m-%d %H:%M} UTC{f', {short_commit(self.commit)}' if self.commit else ''}"

    @property
    def identity(self) -> object:
        """What it has in common with its copies alone."""
        return self.started, self.commit, frozenset(self.values.items())

    @property
    def subjects(self) -> list[Subject]:
        """What was measured, or was to be."""
        return [*self.values, *self.without]


def short_commit(commit: str) -> str:
    """A commit's first characters, and whether the tree differed from it."""
    return f"{commit[:12]}{'-dirty' if commit.endswith('-dirty') else ''}"


def run_of(outline: Outline) -> Run:
    """What a record's outline says of its run.

    Raises:
        ValueError: if it does not say when it began.
    """
    try:
        started = datetime.fromisoformat(outline.started)
        started = started.replace(tzinfo=UTC) if started.tzinfo is None else started.astimezone(UTC)
    except OverflowError as error:  # of the first or the last day that there is
        raise ValueError(str(error)) from error
    values: dict[Subject, float] = {}
    without: dict[Subject, str] = {}
    for subject, value, doubt in (*_metrics(outline), *_timings(outline), *_fits(outline)):
        values.pop(subject, None)
        without.pop(subject, None)
        if doubt:
            without[subject] = doubt
        else:
            values[subject] = value
    fits = {(fit.model, fit.task): fit for fit in outline.fits}
    return Run(started, outline.commit or "", outline.environment, values, without, fits)


LARGEST = 1e100  # of a metric: the squares of larger ones may be infinite
UNTIMED = "no time that a clock could tell"
Measured = tuple[Subject, float, str]  # the value, and why it does not count; empty where it does


def _metrics(outline: Outline) -> Iterator[Measured]:
    """Values of metrics, less those that the estimator does not give."""
    metrics, places = {metric.name: metric for metric in outline.metrics}, _places(outline)
    for e in outline.evaluations:
        for name, value in e.metrics.items():
            if name in e.missing:
                continue
            m = metrics.get(name, MetricEntry(name, name))
            subject = Subject(places[e.task], e.model, e.task, name, m.unit, m.higher_is_better, False, m.title)
            if value is None:
                yield subject, math.nan, "it is NaN"
            else:
                yield subject, value, "" if abs(value) < LARGEST else f"{value:g} is beyond all measure"


def _timings(outline: Outline) -> Iterator[Measured]:
    """The typical queries of timings in milliseconds, as reports show them; of `server` queries a second."""
    doubted = {(a.model, a.task, a.scenario, a.engine): a.message for a in outline.audits if a.passed is False}
    places = _places(outline)
    for t in (t for t in outline.timings if t.task in places):
        own = counted(len(t.processes), "process") if t.processes else "the session's process"
        by = "" if t.engine == NATIVE else f" by {t.engine}"
        what, served = f"{t.label}{by} ({own})", t.rate is not None
        unit, value = ("queries/s", t.rate) if t.rate is not None else ("ms", 1e3 * t.typical)
        doubt = doubted.get((t.model, t.task, t.scenario, t.engine))
        why = (
            f"its timing is not believed: {doubt}" if doubt else "" if value > 0 else "no time that a clock could tell"
        )
        yield Subject(places[t.task], t.model, t.task, what, unit, served, True, what), value, why


def _fits(outline: Outline) -> Iterator[Measured]:
    """Seconds of fits; those with programs from a cache, or of another machine, are others."""
    places = _places(outline)
    for fit in (fit for fit in outline.fits if fit.task in places):
        if fit.seconds is None or fit.cached:
            continue
        cached = ", compiled programs CACHED" if fit.compile_saved_seconds else ""
        elsewhere = f", elsewhere: {', '.join(fit.elsewhere)}" if fit.elsewhere else ""
        what = f"fit{cached}{elsewhere}"
        why = "" if fit.seconds > 0 else UNTIMED
        yield Subject(places[fit.task], fit.model, fit.task, what, "s", False, True, what), fit.seconds, why


def _places(outline: Outline) -> dict[str, Circumstances]:
    """The circumstances of each task."""
    data, where = {data.name: data for data in outline.datasets}, outline.environment
    return {
        task.name: Circumstances(
            data=task.dataset,
            profile=data[task.dataset].profile,
            digest=data[task.dataset].digest,
            cpu=where.cpu,
            cores=where.cores,
            physical=where.physical_cores,
            system=where.system,
            accelerator=where.accelerator,
            limit=outline.settings.threads,
            allowed=outline.threads.get("cores"),
            workers=outline.workers,
        )
        for task in outline.tasks
    }
