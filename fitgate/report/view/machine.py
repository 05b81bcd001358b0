"""A machine of a comparison: its records, by its name, and how its times stand to another's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from statistics import mean, median
from typing import NamedTuple

import msgspec

from fitgate.latency.timing import Timing
from fitgate.record import Record
from fitgate.runs import Evaluation
from fitgate.statistics import mean_interval


class Machine(NamedTuple):
    """A machine, by the name that the comparison calls it, and the records of one run there, or of its repeats."""

    name: str
    records: Sequence[Record]

    @property
    def record(self) -> Record:
        """The first one, for all that repeats have in common."""
        return self.records[0]

    @property
    def models(self) -> list[str]:
        """The models that it has timings of."""
        return list(dict.fromkeys(timing.model for timing in self.record.native_timings))

    def timings(self, model: str, scenario: str) -> list[Timing]:
        """A model's timings in a scenario, one a record; empty if one has none."""
        found = [t for r in self.records for t in r.native_timings if (t.model, t.scenario) == (model, scenario)]
        return found if len(found) == len(self.records) else []

    def pooled(self, model: str, scenario: str) -> Timing | None:
        """All queries of a model's timings in a scenario together; at the median rate."""
        timings = self.timings(model, scenario)
        if not timings:
            return None
        rates = [t.rate for t in timings if t.rate is not None]
        seconds = list(chain.from_iterable(t.seconds for t in timings))
        processes = list(chain.from_iterable(t.processes for t in timings))
        rate = median(rates) if rates else None
        return msgspec.structs.replace(timings[0], seconds=seconds, processes=processes, rate=rate)

    def typical(self, model: str, scenario: str) -> float | None:
        """A model's typical query in seconds, a geometric mean over records."""
        timings = self.timings(model, scenario)
        return math.exp(mean(math.log(t.typical) for t in timings)) if timings else None

    def task(self, model: str) -> str:
        """The task on which a model was timed; empty where it was not."""
        return next((t.task for t in self.record.native_timings if t.model == model), "")

    def evaluation(self, model: str) -> Evaluation | None:
        """What a model gave for the test split of the task on which it was timed."""
        subject = (model, self.task(model))
        return next((e for e in self.record.evaluations if (e.model, e.task) == subject), None)


class Ratio(NamedTuple):
    """A ratio of times with its 95 % interval; None where a side was timed in one process alone."""

    value: float
    interval: tuple[float, float] | None


def ratio(first: Machine, other: Machine, models: Sequence[str], scenario: str) -> Ratio | None:
    """The other's typical query over the first's, a geometric mean over models; None if one has not timed them."""
    both = _level(first, models, scenario), _level(other, models, scenario)
    if both[0] is None or both[1] is None:
        return None
    (mine, my_reach), (theirs, their_reach) = both[0], both[1]
    value = math.exp(theirs - mine)
    if my_reach is None or their_reach is None:
        return Ratio(value, None)
    reach = math.hypot(my_reach, their_reach)
    return Ratio(value, (value * math.exp(-reach), value * math.exp(reach)))


def _level(machine: Machine, models: Sequence[str], scenario: str) -> tuple[float, float | None] | None:
    """The mean logarithm of models' typical queries, and how far its 95 % interval reaches to each side, if it has one.

    Over runs if there are several; else over processes of the one.
    """
    timings = [machine.timings(model, scenario) for model in models]
    if not timings or not all(timings):
        return None
    runs = [mean(math.log(t.typical) for t in run) for run in zip(*timings, strict=True)]
    if len(runs) > 1:
        return mean(runs), _reach(runs)
    levels = [list(map(math.log, t.levels)) for (t,) in timings]
    if min(map(len, levels)) < 2:
        return runs[0], None
    return runs[0], math.hypot(*map(_reach, levels)) / len(levels)


def _reach(values: Sequence[float]) -> float:
    low, high = mean_interval(values)
    return (high - low) / 2
