"""What a metric came to under a disturbance, in words: for the verdict of a robustness gate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fitgate.disturbances import Disturbance
from fitgate.gates.verdict import Outcome
from fitgate.gates.wording import chance
from fitgate.metrics import Metric
from fitgate.runs import Evaluation

MOST_NEEDED = 1_000  # times the test examples, beyond which their number is no advice


@dataclass(frozen=True)
class UnderDisturbance:
    """A metric of the test split as it is and disturbed, and what is asked of it.

    Attributes:
        metric: that is judged.
        under: the disturbance.
        evaluations: of the test split as it is, and disturbed.
        size: of the fall; negative where the metric became better.
        bound: of the fall, on its upper side.
        margin: that it is held to.
        n: test examples.
        confidence: of the bound.
    """

    metric: Metric
    under: Disturbance
    evaluations: tuple[Evaluation, Evaluation]
    size: float
    bound: float
    margin: float
    n: int
    confidence: float

    @property
    def before(self) -> float:
        """The metric of the test split as it is."""
        return float(self.evaluations[0].metrics[self.metric.name] or 0.0)

    @property
    def now(self) -> float:
        """That of the disturbed one."""
        return float(self.evaluations[1].metrics[self.metric.name] or 0.0)

    def worse(self, fall: float) -> float:
        """The value that a fall from the clean one comes to."""
        return self.before - fall if self.metric.higher_is_better else self.before + fall

    def message(self, outcome: Outcome, p_value: float) -> str:
        """What was found, how sure that is, and what to do where it is not a PASS."""
        metric = self.metric
        moved = f"Under {self.under}, {metric.title} is {metric.shown(self.now)} instead of {metric.shown(self.before)}"
        most, allowed = self._of(self.bound), metric.difference(self.margin, signed=False)
        surely = f"ith {self.confidence:.0%} confidence the {metric.worsening} is at most {most}"
        if outcome is Outcome.PASS:
            return f"{moved}: w{surely}, less than the margin of {allowed}."
        if outcome is Outcome.FAIL:
            return (
                f"{moved}, a {metric.worsening} of {self._of(self.size)} where the gate allows {allowed}. Chance alone "
                f"does this in {chance(p_value)} of test sets. Fit the model to such examples, or move the margin."
            )
        return f"{moved}: too little to decide. W{surely}, and the margin is {allowed}. {self._advice}"

    def details(self, method: str, p_value: float, significance: float) -> str:
        """The statistics, and how often the gate errs."""
        metric = self.metric
        return (
            f"{metric.title} {metric.shown(self.before)} on n={self.n:,} as they are, and {metric.shown(self.now)} "
            f"under {self.under} ({self.under.unit}): a {metric.worsening} of {self._of(self.size)}, by {method}, "
            f"p = {p_value:.2g}; its upper {self.confidence:.0%} bound is {self._of(self.bound)}. A model that truly "
            f"has a {metric.worsening} of the margin passes about {1 - self.confidence:.0%} of test sets, one that has "
            f"none fails at most {significance:.0%}."
        )

    def _of(self, size: float) -> str:
        return self.metric.difference(size).removeprefix("+")

    @property
    def _advice(self) -> str:
        if self.size >= self.margin:
            return "Test it on more examples."
        needed = self.n * ((self.bound - self.size) / (self.margin - self.size)) ** 2
        if needed > MOST_NEEDED * self.n:
            return "It takes a larger margin."
        return f"If the {self.metric.worsening} stays as it is, about {math.ceil(needed):,} test examples decide."
