"""A series of what runs measured under the same circumstances, and where it shifted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fitgate.report.tables import significant
from fitgate.report.view.differences import software
from fitgate.report.view.run import Run, Subject, short_commit
from fitgate.report.view.words import is_share, metric_difference, metric_value
from fitgate.statistics import Shift, difference_interval, shifts
from fitgate.statistics.creep import FIRST

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Change:
    """A shift of a series, in its unit or, of times and rates, as a share.

    Attributes:
        shift: where, in the series.
        before, after: the levels.
        size: by which they differ.
        interval: of `size`, at 95 %; None where a level is of one run, or both do not vary.
        worse: whether that is the bad direction.
        since, last: the first run of the new level, and the one before it.
        noticed: how many runs of the new level it took.
        beside: what else changed with that run, in words: versions, and how the model was fitted.
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
    beside: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """A series of values, one a run in the order of the runs.

    Attributes:
        subject: what it is of.
        runs, values: of equal length; times in milliseconds, of fits in seconds.
        judged: whether there are runs enough to look at.
        changes: in their order.
        worse: whether its last change is for the worse, or an earlier one was that has not been undone since.
        spread: SD from run to run around the levels, as a share of times and rates, else in the unit; None of one run.
    """

    subject: Subject
    runs: tuple[Run, ...]
    values: tuple[float, ...]
    judged: bool
    changes: tuple[Change, ...]
    worse: bool
    spread: float | None

    @property
    def levels(self) -> list[tuple[range, float]]:
        """The places of the runs of each level, and the level."""
        edges = [0, *(change.shift.at for change in self.changes), len(self.values)]
        return [(range(a, b), _level(np.array(self.values[a:b]), self.subject.factors)) for a, b in pairwise(edges)]

    @property
    def level(self) -> str:
        """The level now, and where it has changed, the first one before it."""
        first, now = self.levels[0][1], self.levels[-1][1]
        return f"{self.shown(first)} → {self.shown(now)}" if self.changes else self.shown(now)

    @property
    def count(self) -> int:
        """How many runs it has."""
        return len(self.runs)

    @property
    def varies(self) -> str:
        """The spread, in words; empty where it is not known."""
        if self.spread is None:
            return ""
        if self.subject.factors:
            return f"{100 * self.spread:.1f} %"
        return metric_difference(self.spread, self.subject.metric).lstrip("+")

    @property
    def state(self) -> str:
        """What there is to say of it in a table."""
        if not self.judged:
            return f"fewer than {FIRST} runs"
        if not self.changes:
            return "no change"
        return f"{self.size(self.changes[-1])} since {self.changes[-1].since.name}"

    def shown(self, value: float) -> str:
        """A value with its unit."""
        metric = self.subject.metric
        return f"{significant(value)} {metric.unit}" if self.subject.factors else metric_value(value, metric)

    def size(self, change: Change) -> str:
        """By how much a change went, in words."""
        return " ".join(_size(change.size, self.subject)).rstrip()

    def sentence(self, change: Change) -> str:
        """A change in one line."""
        sure = ""
        if change.interval is not None:
            (low, _), (high, unit) = (_size(end, self.subject) for end in change.interval)
            sure = f" (95 % interval {low} to {high} {unit}".rstrip() + ")"
        last = short_commit(change.last.commit)
        before = f", the run before it of {last}" if last and last != short_commit(change.since.commit) else ""
        beside = f"; with it, {', '.join(change.beside)}" if change.beside else ""
        return (
            f"{'worse' if change.worse else 'better'}: {self.size(change)}{sure}, {self.shown(change.before)} to "
            f"{self.shown(change.after)}, since the run of {change.since.name}{before}; noticed by run "
            f"{change.noticed} of the new level{beside}"
        )


def series_of(subject: Subject, runs: Sequence[Run], level: float) -> Series:
    """The series of a subject, divided at its shifts.

    Args:
        subject: what was measured.
        runs: that have a value of it, in their order.
        level: the probability with which a flat series has a shift.
    """
    values = np.array([run.values[subject] for run in runs])
    x = np.log(values) if subject.factors else values
    found = shifts(x, level) if len(x) >= FIRST else []
    with np.errstate(over="ignore", invalid="ignore"):  # of values beyond all measure
        parts = np.split(x, [shift.at for shift in found])
        changes = tuple(
            _change(subject, runs, shift, *beside) for shift, beside in zip(found, pairwise(parts), strict=True)
        )
        freedom = len(x) - len(parts)
        squares = sum(float(((part - part.mean()) ** 2).sum()) for part in parts)
    return Series(
        subject=subject,
        runs=tuple(runs),
        values=tuple(values.tolist()),
        judged=len(x) >= FIRST,
        changes=changes,
        worse=any(
            change.worse and (change is changes[-1] or _still(parts[i], parts[-1], change.shift.up))
            for i, change in enumerate(changes)
        ),
        spread=math.sqrt(squares / freedom) if freedom else None,
    )


def _change(subject: Subject, runs: Sequence[Run], shift: Shift, before: Values, after: Values) -> Change:
    size, interval = float(after.mean() - before.mean()), None
    if len(after) > 1 and (before.var() or after.var()):
        interval = difference_interval(before, after)
    if subject.factors:
        size = float(np.expm1(size))
        interval = None if interval is None else (float(np.expm1(interval[0])), float(np.expm1(interval[1])))
        before, after = np.exp(before), np.exp(after)
    since, last = runs[shift.at], runs[shift.at - 1]
    return Change(
        shift=shift,
        before=_level(before, subject.factors),
        after=_level(after, subject.factors),
        size=size,
        interval=interval,
        worse=shift.up != subject.higher_is_better,
        since=since,
        last=last,
        noticed=shift.seen - shift.at + 1,
        beside=(*software(last.environment, since.environment).values(), *_fitted(subject, last, since)),
    )


def _still(before: Values, now: Values, up: bool) -> bool:
    """Whether the level now lies beyond that before a change, with 95 % confidence, on the side to which it went."""
    low, high = difference_interval(before, now)
    return low > 0 if up else high < 0


def _fitted(subject: Subject, last: Run, since: Run) -> list[str]:
    """What differs in how two runs fitted the model, in words."""
    fits = [run.fits.get((subject.model, subject.task)) for run in (last, since)]
    if fits[0] is None or fits[1] is None:
        return []
    pairs = [
        (what, *(getattr(fit, what) for fit in fits)) for what in ("seed", "implementation", "execution", "source")
    ]
    return [f"{what} {a} -> {b}" for what, a, b in pairs if a != b]


def _level(values: Values, factors: bool) -> float:
    return float(np.exp(np.log(values).mean())) if factors else float(values.mean())


def _size(size: float, subject: Subject) -> tuple[str, str]:
    """The size of a change, and its unit."""
    if subject.factors:
        return f"{100 * size:+.1f}", "%"
    return (f"{100 * size:+.2f}", "points") if is_share(subject.metric) else (f"{size:+.5g}", subject.unit)
