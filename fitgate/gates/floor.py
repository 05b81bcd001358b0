"""Floors: a metric is good enough, with confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fitgate.data import By
from fitgate.gates.evidence import Evidence
from fitgate.gates.gate import Gate
from fitgate.gates.limit import Limit, check_profiles, declared_at, limit, on_profile, profiles_of
from fitgate.gates.missing import without_value
from fitgate.gates.perfect import perfect_output
from fitgate.gates.sliced_floor import floor_of_slices
from fitgate.gates.slices import by_in_rule
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.metrics import Metric, Rates
from fitgate.tasks import Task, TaskError, check_metric, is_better_higher


@dataclass(frozen=True, init=False)
class Floor(Gate):
    """A metric is at least so good, with confidence: its one-sided 99 % bound clears the floor.

    A model truly at the floor passes about once in a hundred test sets, and a worse one less often. So that a clean
    model hardly ever fails, set the floor well below what its seeds reach: `fitgate floors` says where that is. Of a
    metric for which lower is better, such as a log-loss, the floor is the most that it may be.

    By slices, each of them is to clear the floor; see `fitgate.gates.sliced_floor`. One that neither clears it nor
    surely misses it, or has fewer than 20 examples, makes the gate INCONCLUSIVE.

    Args:
        task: on which task.
        metric: the metric's name.
        value: the floor, for all profiles.
        by: the column whose values are slices of the examples, or a function from X to a name for each example; what
            has no value is a slice of its own. None for all examples together.
        perfect: whether output that equals the test labels may pass.
        profiles: or one floor for each profile, by its name; the gate does not apply to others.

    Raises:
        TaskError: if the metric is not one of the task's, or there is not just one way to know the floor.
    """

    metric: str
    value: Limit
    by: By | None = field(default=None, kw_only=True)

    def __init__(
        self,
        task: Task,
        metric: str,
        value: float | None = None,
        /,
        *,
        by: By | None = None,
        perfect: bool = False,
        **profiles: float | None,
    ):
        check_metric(task, metric)
        floor = limit(f"Floor({task.name}, {metric!r})", value, profiles)
        fields = {"task": task, "metric": metric, "value": floor, "by": by, "where": declared_at(), "perfect": perfect}
        for name, content in fields.items():
            object.__setattr__(self, name, content)

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it has numbers for; empty where one number is for all."""
        return profiles_of(self.value)

    def rule(self, profile: str) -> str | None:
        """As `accuracy>=0.95`, or `log_loss<=0.3`."""
        floor = on_profile(self.value, profile)
        if floor is None:
            return None
        side = ">=" if is_better_higher(self.task, self.metric) else "<="
        return f"{self.metric}{side}{floor:.10g}{by_in_rule(self.by)}"

    @property
    def slicings(self) -> Sequence[By]:
        """The one, if it looks at slices."""
        return () if self.by is None else (self.by,)

    def check(self, profile: str, metrics: Mapping[str, Metric]) -> None:
        """Refuse a floor outside the metric's range, or for a profile that there is not."""
        check_profiles(f"{self.where}: Floor on {self.metric} of {self.task.name}", self.value, self.task)
        floor, (low, high) = on_profile(self.value, profile), metrics[self.metric].range
        if floor is not None and not low <= floor <= high:
            raise TaskError(
                f"{self.where}: Floor on {self.metric} of {self.task.name}",
                found=f"{floor:g}",
                expected=f"a number from {low:g} to {high:g}",
                next_step="correct the floor",
            )

    def examine(self, model: str, evidence: Evidence) -> Verdict:
        """Judge a model by its evaluation."""
        evaluation = evidence.evaluation_of(model, self.task.name)  # first: without one the target may be missing, too
        truth, metric = evidence.truths[self.task.name], evidence.metric(self.metric, self.task.name)
        floor, confidence = on_profile(self.value, truth.profile), evidence.settings.confidence
        assert floor is not None, "a gate examines on a profile that it applies to"
        if leaked := perfect_output(self, self.metric, model, evidence):
            return leaked
        value, output = evaluation.metrics.get(self.metric), metric.output(evaluation.outputs)
        if value is None or output is None:
            return without_value(self, metric, model, evidence, evaluation)
        if self.by is not None:
            return floor_of_slices(self, evidence.metrics[self.metric], floor, self.by, evaluation, evidence)
        method = metric.confidence_bound
        bound = float(method.compute(truth.target, output, confidence))
        cleared = metric.lead(bound, floor) >= 0
        side = "lower" if metric.higher_is_better else "upper"
        rates = metric.rates(floor, value, bound, truth.n, confidence)
        details = (
            f"{metric.title} {metric.shown(value)} on n={truth.n:,}; {method.name} {confidence:.0%} {side} bound "
            f"{metric.shown(bound)} {'clears' if cleared else 'does not clear'} {floor:g} "
            f"(by {metric.difference(metric.lead(bound, floor))}). "
            f"{_rates_in_words(rates, floor, metric.shown(value), truth.n)}"
        )
        outcome, reason = (Outcome.PASS, Reason.BOUND_CLEARS) if cleared else (Outcome.FAIL, Reason.BOUND_MISSES)
        message = _message(metric, value, floor, bound, confidence, truth.n, rates.needed)
        numbers = {"value": value, "threshold": floor, "bound": bound, "bound_of": "value", "n": truth.n}
        said = {"metric": self.metric, "reason": reason, "details": details}
        return self.verdict(model, evidence, outcome, message, **said, **numbers)


def _message(
    metric: Metric, value: float, floor: float, bound: float, confidence: float, n: int, needed: int | None
) -> str:
    """What a floor found, how sure that is, and what to do where it is not cleared.

    Args:
        metric: that is judged.
        value, floor, bound: in its unit.
        confidence: of the bound.
        n: test examples.
        needed: how many of them must be right; None where that is not known.
    """
    named = f"{metric.title} {metric.shown(value)}"
    side = "at least" if metric.higher_is_better else "at most"
    sure = f"ith {confidence:.0%} confidence it is {side} {metric.shown(bound)}"
    if metric.lead(bound, floor) >= 0:
        return f"{named} clears the floor of {floor:g}: w{sure}."
    if needed is not None and needed > n:
        found, then = "misses", f"No model can pass on {n:,} examples: test on more, or move the floor"
    elif metric.lead(value, floor) >= 0:
        found, then = "reaches", "Test it on more examples, or move the floor to what its seeds hold (fitgate floors)"
    else:
        found, then = "misses", "Mend the model, or move the floor to what its seeds hold (fitgate floors)"
    unsure = ", but not by enough to be sure" if found == "reaches" else ""
    return f"{named} {found} the floor of {floor:g}{unsure}. W{sure}, on {n:,} examples. {then}."


def _rates_in_words(rates: Rates, floor: float, value: str, n: int) -> str:
    """How often the floor lets a model pass, in words."""
    if rates.needed is not None and rates.needed > n:
        return f"No model can pass on so few: all of {n:,} right would not clear it."
    if rates.needed is None:
        return (
            f"A model truly at {floor:g} passes about {rates.at_floor:.0%} of test sets, one truly at {value} "
            f"about {rates.at_value:.1%}."
        )
    return (
        f"It takes {rates.needed:,} of {n:,} right: a model truly at {floor:g} passes {rates.at_floor:.1%} of test "
        f"sets, one truly at {value} {rates.at_value:.1%}."
    )
