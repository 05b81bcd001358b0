"""Ratios of times to the first machine's, of each model and engine, and over all that may be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from fitgate.latency.timing import MULTI, OFFLINE, SINGLE, between_runs
from fitgate.report.view.differences import difference
from fitgate.report.view.machine import Machine, Served
from fitgate.report.view.measured import Measured
from fitgate.statistics import mean_interval

SCENARIOS = (SINGLE.name, MULTI.name, OFFLINE.name)
SURE = 0.95


@dataclass(frozen=True)
class RatioRow:
    """A machine's times over the first one's; None in a scenario that one of them was not timed in.

    Attributes:
        model, engine, machine: names.
        ratios: with their 95 % intervals, one a scenario of `SCENARIOS`.
        why: they don't compare, in words; empty where they do.
    """

    model: str
    engine: str
    machine: str
    ratios: tuple[Measured | None, ...]
    why: str


@dataclass(frozen=True)
class Headline:
    """A machine's times over the first one's, as a geometric mean over all that compare.

    Attributes:
        machine: its name.
        ratios: by the scenario's name, each with how many it is over.
        left_out: models and engines that both machines timed, and whose times don't compare.
    """

    machine: str
    ratios: tuple[tuple[str, Measured, int], ...]
    left_out: tuple[str, ...]


def ratio(first: Machine, other: Machine, several: Sequence[Served], scenario: str) -> Measured | None:
    """The other's typical query over the first's with its 95 % interval, a geometric mean over several.

    None if one of the machines has not timed them; no interval where a side was timed in one process alone.
    """
    both = _level(first, several, scenario), _level(other, several, scenario)
    if both[0] is None or both[1] is None:
        return None
    (mine, my_reach), (theirs, their_reach) = both[0], both[1]
    value = math.exp(theirs - mine)
    if my_reach is None or their_reach is None:
        return Measured(value)
    reach = math.hypot(my_reach, their_reach)
    return Measured(value, value * math.exp(-reach), value * math.exp(reach))


def ratio_rows(machines: Sequence[Machine]) -> tuple[RatioRow, ...]:
    """A row for each model, engine and machine but the first, where both were timed."""
    first, *others = machines
    rows = []
    for of in first.served:
        for other in others:
            ratios = tuple(ratio(first, other, [of], scenario) for scenario in SCENARIOS)
            if any(ratios):
                rows.append(RatioRow(of.model, of.engine, other.name, ratios, incomparable(first, other, of)))
    return tuple(rows)


def headline(first: Machine, other: Machine) -> Headline:
    """What the other machine's times are of the first one's."""
    both = [of for of in first.served if of in other.served]
    sound = [of for of in both if not incomparable(first, other, of)]
    found = []
    for scenario in SCENARIOS:
        timed = [of for of in sound if first.timings(of, scenario) and other.timings(of, scenario)]
        if (value := ratio(first, other, timed, scenario)) is not None:
            found.append((scenario, value, len(timed)))
    return Headline(other.name, tuple(found), tuple(str(of) for of in both if of not in sound))


def incomparable(first: Machine, other: Machine, of: Served) -> str:
    """Why times on two machines don't compare, in words; empty where they do."""
    for machine in (first, other):
        if machine.doubts(of):
            return f"not believed on {machine.name}"
    return "computes something else" if computes_otherwise(first, other, of) else ""


def computes_otherwise(first: Machine, other: Machine, of: Served) -> bool:
    """Whether a model, or the estimator that an engine's was made from, gives significantly other answers."""
    differs = difference(first, other, of.model)
    return differs is not None and differs.significant


def _level(machine: Machine, several: Sequence[Served], scenario: str) -> tuple[float, float | None] | None:
    """The mean logarithm of typical queries, and how far its 95 % interval reaches to each side, if it has one.

    Over runs if there are several; else over processes of the one.
    """
    timings = [machine.timings(of, scenario) for of in several]
    if not timings or not all(timings):
        return None
    runs = [mean(math.log(t.typical) for t in run) for run in zip(*timings, strict=True)]
    if len(runs) > 1:
        return mean(runs), _reach(runs)
    levels = [list(map(math.log, t.levels)) for (t,) in timings]
    if min(map(len, levels)) < 2:
        return runs[0], None
    return runs[0], math.hypot(math.hypot(*map(_reach, levels)) / len(levels), between_runs(SURE))


def _reach(values: Sequence[float]) -> float:
    low, high = mean_interval(values, SURE)
    return (high - low) / 2
