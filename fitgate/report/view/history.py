"""A history: series of what runs measured, each under circumstances that stayed the same, and where they shifted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.machine import Environment
from fitgate.record import MetricEntry, Outline
from fitgate.report.tables import significant
from fitgate.report.view.differences import software
from fitgate.report.view.words import is_share, metric_difference, metric_value
from fitgate.statistics import Shift, difference_interval, shifts
from fitgate.statistics.creep import FIRST, RUNS

LEVEL = 0.01  # share of flat histories, all their series together, in which one shifts
MILLISECONDS = MetricEntry("milliseconds", "", "ms", higher_is_better=False)
SECONDS = MetricEntry("seconds", "", "s", higher_is_better=False)
RATE = MetricEntry("rate", "", "queries/s")


class Circumstances(NamedTuple):
    """What is the same for all runs of a series.

    Attributes:
        data, profile, digest: of the dataset.
        cpu, cores, system, accelerator: of the machine.
        limit: cores that sessions were limited to; None for all.
        allowed: cores that they could use; None where it was not recorded.
        processes: in which a model was timed; 0 for the session's own.
        workers: sessions' processes that ran at once.
    """

    data: str
    profile: str
    digest: str
    cpu: str
    cores: int
    system: str
    accelerator: str
    limit: int | None
    allowed: int | None
    processes: int
    workers: int

    @property
    def title(self) -> str:
        """In words."""
        profile = f", {self.profile}" if self.profile else ""
        limited = f", limited to {self.limit}" if self.limit is not None else ""
        used = f", {self.allowed} of them used" if self.allowed not in (None, self.cores) else ""
        timed = f"timed in {_counted(self.processes, 'process')} a model" if self.processes else "timed in the session"
        beside = f", {self.workers} workers at once" if self.workers > 1 else ""
        machine = ", ".join(filter(None, [self.cpu, self.accelerator, self.system]))
        data = f"{self.data}{profile} ({self.digest[:8]})"
        return f"{data} on {machine}, {_counted(self.cores, 'core')}{limited}{used}; {timed}{beside}"


class Subject(NamedTuple):
    """What a series is of: a model on a task, and a metric's name, a scenario or `fit`."""

    where: Circumstances
    model: str
    task: str
    what: str


@dataclass(frozen=True)
class Run:
    """A run, as far as its history needs it.

    Attributes:
        started: UTC, or as the record has it.
        commit: of the working tree; empty outside git.
        environment: of the machine and its libraries.
        values: what was measured, with its unit and direction; times and rates are positive.
    """

    started: datetime
    commit: str
    environment: Environment
    values: dict[Subject, tuple[float, MetricEntry]]

    @property
    def name(self) -> str:
        """When, and of which commit."""
        return f"{self.started:%Y-%m-%d %H:%M} UTC{f', {short_commit(self.commit)}' if self.commit else ''}"


@dataclass(frozen=True)
class Change:
    """A shift of a series, in its unit or, of times and rates, as a share.

    Attributes:
        shift: where, in the series.
        before, after: the levels.
        interval: of `size`, at 95 %; None where a level is of one run, or both do not vary.
        worse: whether that is the bad direction.
        since, last: the first run of the new level, and the one before it.
        noticed: how many runs of the new level it took.
        software: versions that changed with that run.
    """

    shift: Shift
    before: float
    after: float
    size: float
    interval: tuple[float, float] | None
    worse: bool
    since: Run
    last: Run
    noticed: int
    software: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """A series of values, one a run in the order of the runs.

    Attributes:
        subject: what it is of.
        title: that, in words.
        metric: unit and direction.
        runs, values: of equal length; times in milliseconds, of fits in seconds.
        judged: whether there are runs enough to look at.
        changes: in their order.
        spread: SD from run to run around the levels, as a share of times and rates, else in the unit; None of one run.
    """

    subject: Subject
    title: str
    metric: MetricEntry
    runs: tuple[Run, ...]
    values: tuple[float, ...]
    judged: bool
    changes: tuple[Change, ...]
    spread: float | None

    @property
    def model(self) -> str:
        """Its name."""
        return self.subject.model

    @property
    def task(self) -> str:
        """Its name."""
        return self.subject.task

    @property
    def worse(self) -> bool:
        """Whether its last change is for the worse."""
        return bool(self.changes) and self.changes[-1].worse

    @property
    def name(self) -> str:
        """Model, task and what was measured."""
        return f"{self.model} on {self.task}, {self.title}"

    @property
    def first(self) -> str:
        """The first level."""
        return self.shown(self.levels[0][1])

    @property
    def now(self) -> str:
        """The last level."""
        return self.shown(self.levels[-1][1])

    @property
    def levels(self) -> list[tuple[range, float]]:
        """The places of the runs of each level, and the level."""
        edges = [0, *(change.shift.at for change in self.changes), len(self.values)]
        places = [range(a, b) for a, b in pairwise(edges)]
        return [(place, _level(self.values[place.start : place.stop], by_factors(self.metric))) for place in places]

    @property
    def varies(self) -> str:
        """The spread, in words; empty where it is not known."""
        if self.spread is None:
            return ""
        if by_factors(self.metric):
            return f"{100 * self.spread:.1f} %"
        return metric_difference(self.spread, self.metric).lstrip("+")

    @property
    def state(self) -> str:
        """What there is to say of it in a table."""
        if not self.judged:
            return f"fewer than {FIRST} runs"
        if not self.changes:
            return "no change"
        last = self.changes[-1]
        return f"{self.size(last)} since {last.since.name}"

    def shown(self, value: float) -> str:
        """A value with its unit."""
        if by_factors(self.metric):
            return f"{significant(value)} {self.metric.unit}"
        return metric_value(value, self.metric)

    def size(self, change: Change) -> str:
        """By how much a change went, in words."""
        return " ".join(_size(change.size, self.metric)).rstrip()

    def sentence(self, change: Change) -> str:
        """A change in one line."""
        sure = ""
        if change.interval is not None:
            (low, _), (high, unit) = (_size(end, self.metric) for end in change.interval)
            sure = f" (95 % interval {low} to {high} {unit}".rstrip() + ")"
        last = short_commit(change.last.commit)
        before = f", the run before it of {last}" if last and last != short_commit(change.since.commit) else ""
        with_it = f"; with it, {', '.join(change.software)}" if change.software else ""
        return (
            f"{'worse' if change.worse else 'better'}: {self.size(change)}{sure}, {self.shown(change.before)} to "
            f"{self.shown(change.after)}, since the run of {change.since.name}{before}; noticed by run "
            f"{change.noticed} of the new level{with_it}"
        )


@dataclass(frozen=True)
class Group:
    """Series under the same circumstances."""

    title: str
    series: tuple[Series, ...]


@dataclass(frozen=True)
class History:
    """What a report of a history shows; series that shifted first, those for the worse before the others.

    Attributes:
        runs: how many.
        ends: the names of the first and of the last.
        changed: series with changes.
        groups: all series, by their circumstances.
        judged: how many series have runs enough.
        left_out: what was found in place of a record, a line each.
        copies: files that hold the same as another.
    """

    runs: int
    ends: tuple[str, str]
    changed: tuple[Series, ...]
    groups: tuple[Group, ...]
    judged: int
    left_out: tuple[str, ...]
    copies: int
    level: float = LEVEL
    looks: int = RUNS
    first: int = FIRST

    @property
    def worse(self) -> int:
        """How many series have become worse at last."""
        return sum(series.worse for series in self.changed)

    @property
    def headline(self) -> str:
        """What there is to know, in one line."""
        if not self.judged:
            return f"No series has {self.first} runs yet: nothing could be looked at"
        if not self.changed:
            return f"None of {_counted(self.judged, 'series')} has changed"
        return f"{len(self.changed)} of {_counted(self.judged, 'series')} changed, {self.worse} for the worse at last"


def short_commit(commit: str) -> str:
    """A commit's first characters, and whether the tree differed from it."""
    return f"{commit[:12]}{'-dirty' if commit.endswith('-dirty') else ''}"


def by_factors(metric: MetricEntry) -> bool:
    """Whether values vary by factors: those of times and rates, not those of metrics."""
    return metric in (MILLISECONDS, SECONDS, RATE)


def run_of(outline: Outline) -> Run:
    """What a record's outline says of its run.

    Raises:
        ValueError: if it does not say when it began.
    """
    started = datetime.fromisoformat(outline.started)
    started = started.replace(tzinfo=UTC) if started.tzinfo is None else started.astimezone(UTC)
    return Run(started, outline.commit or "", outline.environment, dict(_values(outline)))


def history_view(runs: Iterable[Run], left_out: Sequence[str] = (), copies: int = 0) -> History:
    """The history of runs.

    Args:
        runs: one or more, in any order.
        left_out: what was found in place of a record.
        copies: of records, that count no second time.
    """
    ordered = sorted(runs, key=lambda run: run.started)
    found: dict[Subject, list[Run]] = {}
    for run in ordered:
        for subject in run.values:
            found.setdefault(subject, []).append(run)
    judged = sum(len(of) >= FIRST for of in found.values())
    series = [_series(subject, of, LEVEL / max(judged, 1)) for subject, of in found.items()]
    groups = dict.fromkeys(subject.where for subject in found)
    return History(
        runs=len(ordered),
        ends=(ordered[0].name, ordered[-1].name),
        changed=tuple(sorted((s for s in series if s.changes), key=lambda s: not s.worse)),
        groups=tuple(Group(g.title, tuple(s for s in series if s.subject.where == g)) for g in groups),
        judged=judged,
        left_out=tuple(left_out),
        copies=copies,
    )


def _values(outline: Outline) -> Iterator[tuple[Subject, tuple[float, MetricEntry]]]:
    """What was measured. What has no value, and a time of zero, is left out."""
    places = {task.name: _circumstances(outline, task.dataset) for task in outline.tasks}
    metrics = {metric.name: metric for metric in outline.metrics}
    for e in outline.evaluations:
        for name, value in e.metrics.items():
            if e.task in places and value is not None and math.isfinite(value):
                yield (
                    Subject(places[e.task], e.model, e.task, name),
                    (value, metrics.get(name, MetricEntry(name, name))),
                )
    for t in outline.timings:
        value, metric = (t.rate, RATE) if t.rate is not None else (1e3 * t.typical, MILLISECONDS)
        if t.task in places and 0 < value < math.inf:
            yield Subject(places[t.task], t.model, t.task, f"scenario {t.scenario}"), (value, metric)
    for fit in outline.fits:
        if fit.task in places and fit.seconds > 0:
            what = "fit, compiled programs CACHED" if fit.compile_saved_seconds else "fit"
            yield Subject(places[fit.task], fit.model, fit.task, what), (fit.seconds, SECONDS)


def _circumstances(outline: Outline, dataset: str) -> Circumstances:
    data = next(data for data in outline.datasets if data.name == dataset)
    where, settings = outline.environment, outline.settings
    return Circumstances(
        data=data.name,
        profile=data.profile,
        digest=data.digest,
        cpu=where.cpu,
        cores=where.cores,
        system=where.system,
        accelerator=where.accelerator,
        limit=settings.threads,
        allowed=outline.threads.get("cores"),
        processes=settings.processes,
        workers=outline.workers,
    )


def _series(subject: Subject, runs: Sequence[Run], level: float) -> Series:
    values = [run.values[subject][0] for run in runs]
    metric = runs[-1].values[subject][1]
    factors = by_factors(metric)
    x = np.log(values) if factors else np.array(values)
    found = shifts(x, level) if len(values) >= FIRST else []
    edges = [0, *(shift.at for shift in found), len(x)]
    parts = [x[a:b] for a, b in pairwise(edges)]
    changes = []
    for shift, (before, after) in zip(found, pairwise(parts), strict=True):
        size, interval = float(after.mean() - before.mean()), None
        if len(after) > 1 and (before.var() or after.var()):
            interval = difference_interval(before, after)
        if factors:
            size = math.expm1(size)
            interval = None if interval is None else (math.expm1(interval[0]), math.expm1(interval[1]))
        since, last = runs[shift.at], runs[shift.at - 1]
        changes.append(
            Change(
                shift=shift,
                before=_level(np.exp(before) if factors else before, factors),
                after=_level(np.exp(after) if factors else after, factors),
                size=size,
                interval=interval,
                worse=shift.up != metric.higher_is_better,
                since=since,
                last=last,
                noticed=shift.seen - shift.at + 1,
                software=tuple(software(last.environment, since.environment).values()),
            )
        )
    freedom = len(x) - len(parts)
    spread = math.sqrt(sum(float(((part - part.mean()) ** 2).sum()) for part in parts) / freedom) if freedom else None
    what = metric.title if not factors else subject.what
    return Series(
        subject=subject,
        title=what,
        metric=metric,
        runs=tuple(runs),
        values=tuple(values),
        judged=len(values) >= FIRST,
        changes=tuple(changes),
        spread=spread,
    )


def _level(values: Sequence[float] | NDArray[np.float64], factors: bool) -> float:
    return float(np.exp(np.mean(np.log(values)))) if factors else float(np.mean(values))


def _size(size: float, metric: MetricEntry) -> tuple[str, str]:
    """The size of a change, and its unit."""
    if by_factors(metric):
        return f"{100 * size:+.1f}", "%"
    return (f"{100 * size:+.2f}", "points") if is_share(metric) else (f"{size:+.5g}", metric.unit)


def _counted(number: int, noun: str) -> str:
    plural = noun if noun == "series" else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
