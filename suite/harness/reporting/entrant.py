"""An entrant of a comparison: a record by its machine's name, and how its times stand to another's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from suite.harness.evaluation import Evaluation
from suite.harness.record import Record
from suite.harness.tasks import DIGITS
from suite.harness.timing import Timing


class Entrant(NamedTuple):
    """A record, by the name that the comparison calls it."""

    name: str
    record: Record

    def timing(self, model: str, scenario: str) -> Timing | None:
        """A model's timing in a scenario."""
        return next((t for t in self.record.timings if (t.model, t.scenario) == (model, scenario)), None)

    def evaluation(self, model: str) -> Evaluation | None:
        """What a model made of the ten digits."""
        found = (e for e in self.record.evaluations if (e.model, e.task) == (model, DIGITS.name))
        return next(found, None)


class Ratio(NamedTuple):
    """A ratio of times with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio(first: Entrant, other: Entrant, model: str, scenario: str) -> Ratio | None:
    """The other's p50 of a model in a scenario over the first's; None where one has not timed it."""
    mine, theirs = first.timing(model, scenario), other.timing(model, scenario)
    if mine is None or theirs is None:
        return None
    value = theirs.p50 / mine.p50
    reach = math.hypot(_reach(mine, first.record.pace), _reach(theirs, other.record.pace))
    return Ratio(value, value * math.exp(-reach), value * math.exp(reach))


def geometric_mean(ratios: Sequence[Ratio]) -> Ratio:
    """The geometric mean of independent ratios."""
    centre = sum(math.log(r.value) for r in ratios) / len(ratios)
    reach = math.sqrt(sum((math.log(r.high / r.low) / 2) ** 2 for r in ratios)) / len(ratios)
    return Ratio(*(math.exp(centre + x) for x in (0, -reach, reach)))


def _reach(timing: Timing, pace: float) -> float:
    low, high = timing.p50_interval(pace)
    return math.log(high / low) / 2
