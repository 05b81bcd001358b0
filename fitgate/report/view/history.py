"""A history: the series of many runs, what of them changed, and what there was no judging of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fitgate.report.view.run import Run, Subject
from fitgate.report.view.series import Series, series_of
from fitgate.statistics.creep import FIRST, RUNS
from fitgate.text import counted

LEVEL = 0.01  # share of flat histories, all their series together, in which one shifts


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
        judged_last: how many of them the last run is in.
        without: what has no value that counts, a line each.
        without_last: those of the last run.
        left_out: what was found in place of a record of a run that has ended, a line each.
        unusable: those that are, or may be, damaged records.
        copies: files that hold the same as another.
        level: share of flat histories in which a series shifts.
        looks: how many runs these have.
        first: run of a level, the first that is looked at.
    """

    runs: int
    ends: tuple[str, str]
    changed: tuple[Series, ...]
    groups: tuple[Group, ...]
    judged: int
    judged_last: int
    without: tuple[str, ...]
    without_last: tuple[str, ...]
    left_out: tuple[str, ...]
    unusable: tuple[str, ...]
    copies: int
    level: float = LEVEL
    looks: int = RUNS
    first: int = FIRST

    @property
    def worse(self) -> list[Series]:
        """The series that have become worse, and have stayed so."""
        return [series for series in self.changed if series.worse]

    @property
    def headline(self) -> str:
        """What there is to know, in one line."""
        if not self.judged:
            return f"No series has {self.first} runs yet: nothing could be looked at"
        if not self.changed:
            return f"None of {counted(self.judged, 'series')} has changed"
        return f"{len(self.changed)} of {counted(self.judged, 'series')} changed, {len(self.worse)} for the worse"

    @property
    def objection(self) -> str:
        """Why a gate that is held against creep fails, in one line; empty where it passes."""
        if self.worse:
            return f"{counted(len(self.worse), 'series')} for the worse, first {self.worse[0].subject.name}"
        if self.without_last:
            return f"nothing to judge by in the last run: {self.without_last[0]}"
        if not self.judged_last:
            return f"no series of the last run has {self.first} runs yet"
        return ""


def history_view(
    runs: Iterable[Run], left_out: Iterable[str] = (), unusable: Iterable[str] = (), copies: int = 0
) -> History:
    """The history of runs.

    Args:
        runs: one or more, in any order.
        left_out: what was found in place of a record of a run that has ended.
        unusable: those of it that may be damaged records.
        copies: of records, that count no second time.
    """
    ordered = sorted(runs, key=lambda run: run.started)
    last = ordered[-1]
    found: dict[Subject, list[Run]] = {}
    for run in reversed(ordered):  # a title is that of the last run
        for subject in run.values:
            found.setdefault(subject, []).append(run)
    judged = sum(len(of) >= FIRST for of in found.values())
    series = [series_of(subject, of[::-1], LEVEL / max(judged, 1)) for subject, of in found.items()]
    groups = dict.fromkeys(subject.where for subject in found)
    return History(
        runs=len(ordered),
        ends=(ordered[0].name, last.name),
        changed=tuple(sorted((s for s in series if s.changes), key=lambda s: not s.worse)),
        groups=tuple(Group(g.title, tuple(s for s in series if s.subject.where == g)) for g in groups),
        judged=judged,
        judged_last=sum(s.judged and s.subject in last.values for s in series),
        without=tuple(line for run in ordered for line in _without(run)),
        without_last=tuple(_without(last)),
        left_out=tuple(left_out),
        unusable=tuple(unusable),
        copies=copies,
    )


def _without(run: Run) -> list[str]:
    return [f"{subject.name}, of the run of {run.name}: {why}" for subject, why in run.without.items()]
