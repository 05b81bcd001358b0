"""Gaps: how far a metric's best slice lies above its worst."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import NormalDist
from typing import NamedTuple

from fitgate.data import By, slicing_name
from fitgate.gates.evidence import Evidence
from fitgate.gates.gate import Gate
from fitgate.gates.limit import Limit, check_profiles, declared_at, limit, on_profile, profiles_of
from fitgate.gates.missing import without_value
from fitgate.gates.perfect import perfect_output
from fitgate.gates.slices import Slice, by_in_rule, named, slices_by, value_on
from fitgate.gates.verdict import Outcome, Reason, SliceVerdict, Verdict
from fitgate.metrics import Metric
from fitgate.tasks import Task, TaskError, check_metric
from fitgate.text import counted


class Bounded(NamedTuple):
    """A metric of a slice, with its distances to bounds.

    Attributes:
        of: the slice.
        value: of the metric.
        worse, better: how far its one-sided bounds lie off at the gate's confidence, to either side.
    """

    of: Slice
    value: float
    worse: float
    better: float


@dataclass(frozen=True, init=False)
class Gap(Gate):
    """A metric differs between slices by no more than so much, with confidence.

    PASS takes an upper 99 % confidence bound of the difference, of every two slices, to be at most what is allowed: a
    model of which any two slices differ by more passes about once in a hundred test sets (R. L. Berger, "Multiparameter
    hypothesis testing and acceptance sampling", Technometrics 24, 1982). FAIL takes two slices of which the lower bound
    is above it, at that confidence for all pairs together (Bonferroni). What lies between is INCONCLUSIVE, and so is a
    slice of fewer than 20 examples, or one in which the metric is not defined.

    The bound of a difference is made of those of its two parts by the squares of their distances: G. Y. Zou, A. Donner,
    "Construction of confidence limits about effect measures: a general approach", Statistics in Medicine 27 (2008); of
    Wilson's bounds it is R. G. Newcombe's method. Slices are taken for independent; where a group of dependent examples
    lies in both, that is on the safe side if they are right and wrong together.

    Args:
        task: on which task.
        metric: the metric's name.
        by: the column whose values are slices of the examples, or a function from X to a name for each example; what
            has no value is a slice of its own.
        at_most: the difference, in the metric's unit, for all profiles.
        perfect: whether output that equals the test labels may pass.
        profiles: or one number for each profile, by its name; the gate does not apply to others.

    Raises:
        TaskError: if the metric is not one of the task's, or there is not just one way to know the number.
    """

    metric: str
    by: By
    at_most: Limit

    def __init__(
        self,
        task: Task,
        metric: str,
        *,
        by: By,
        at_most: float | None = None,
        perfect: bool = False,
        **profiles: float | None,
    ):
        check_metric(task, metric)
        most = limit(f"Gap({task.name}, {metric!r})", at_most, profiles)
        fields = {"task": task, "metric": metric, "by": by, "at_most": most}
        for name, content in {**fields, "where": declared_at(), "perfect": perfect}.items():
            object.__setattr__(self, name, content)

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it has numbers for; empty where one number is for all."""
        return profiles_of(self.at_most)

    @property
    def slicings(self) -> Sequence[By]:
        """The one."""
        return (self.by,)

    def rule(self, profile: str) -> str | None:
        """As `recall gap<=0.05 by country`."""
        most = on_profile(self.at_most, profile)
        return None if most is None else f"{self.metric} gap<={most:.10g}{by_in_rule(self.by)}"

    def check(self, profile: str, metrics: Mapping[str, Metric]) -> None:
        """Refuse a number that no two slices could differ by, or for a profile that there is not."""
        where = f"{self.where}: Gap on {self.metric} of {self.task.name}"
        check_profiles(where, self.at_most, self.task)
        most, (low, high) = on_profile(self.at_most, profile), metrics[self.metric].range
        if most is not None and not 0 < most < high - low:
            raise TaskError(
                where,
                found=f"{most:g}",
                expected=f"a positive number below {high - low:g}",
                next_step="correct it: it is in the metric's own unit, and 0.05 is five points of a share",
            )

    def examine(self, model: str, evidence: Evidence) -> Verdict:
        """Judge a model by its evaluation, slice by slice."""
        evaluation = evidence.evaluation_of(model, self.task.name)
        truth, metric = evidence.truths[self.task.name], evidence.metrics[self.metric]
        if leaked := perfect_output(self, self.metric, model, evidence):
            return leaked
        if evaluation.metrics.get(self.metric) is None or metric.output(evaluation.outputs) is None:
            return without_value(self, metric, model, evidence, evaluation)
        slices = slices_by(self, self.by, model, evidence)
        if isinstance(slices, Verdict):
            return slices
        most = on_profile(self.at_most, truth.profile)
        assert most is not None, "a gate examines on a profile that it applies to"
        confidence = evidence.settings.confidence
        bounded: list[Bounded] = []
        unjudged: list[SliceVerdict] = []
        for one in slices:
            found = _bounded(one, metric, confidence)
            if isinstance(found, Bounded):
                bounded.append(found)
            else:
                unjudged.append(found)
        return self._concluded(model, metric, most, bounded, unjudged, evidence)

    def _concluded(
        self,
        model: str,
        metric: Metric,
        most: float,
        bounded: Sequence[Bounded],
        unjudged: Sequence[SliceVerdict],
        evidence: Evidence,
    ) -> Verdict:
        truth, name = evidence.truths[self.task.name], slicing_name(self.by)
        about = {"metric": self.metric, "threshold": most, "n": truth.n}
        if len(bounded) < 2:
            message = (
                f"There are no two slices by {name} to compare: {named(unjudged)} can't be judged "
                f"({unjudged[0].sure}). Test on more examples of them, or put rare slices together by a function."
                if unjudged
                else f"All examples are of one slice by {name}, and there is no difference to bound. Slice otherwise."
            )
            verdicts = [*unjudged, *(_shown(one, metric, Outcome.INCONCLUSIVE) for one in bounded)]
            said = {"reason": Reason.UNSURE, "slices": verdicts}
            return self.verdict(model, evidence, Outcome.INCONCLUSIVE, message, **said, **about)
        farther = _farther(evidence.settings.confidence, len(bounded) * (len(bounded) - 1))
        pairs = [(_reach(first, second, metric, farther), first, second) for first, second in permutations(bounded, 2)]
        upper, best, worst = max(pairs, key=lambda pair: pair[0][1])
        surely = [pair for pair in pairs if pair[0][2] > most]
        outcome, reason = Outcome.INCONCLUSIVE, Reason.UNSURE
        if surely:
            outcome, reason = Outcome.FAIL, Reason.BEYOND
            upper, best, worst = max(surely, key=lambda pair: pair[0][2])
        elif upper[1] <= most and not unjudged:
            outcome, reason = Outcome.PASS, Reason.WITHIN
        named_pair = {best.of.name, worst.of.name}
        verdicts = [_shown(one, metric, outcome) for one in (worst, best)]
        others = sorted((one for one in bounded if one.of.name not in named_pair), key=lambda one: one.value)
        verdicts += [*unjudged, *(_shown(one, metric, Outcome.PASS) for one in others)]
        shown = (
            f"{best.of.name} has {metric.title} {metric.shown(best.value)}, and {worst.of.name} "
            f"{metric.shown(worst.value)}, of {counted(len(verdicts), 'slice')} by {name}"
        )
        return self.verdict(
            model,
            evidence,
            outcome,
            _message(metric, shown, upper, most, outcome, evidence.settings.confidence, unjudged),
            reason=reason,
            value=upper[0],
            bound=upper[2] if surely else upper[1],
            bound_of="least" if surely else "most",
            details=_details(metric, bounded, most, evidence.settings.confidence),
            slices=verdicts,
            **about,
        )


Reach = tuple[float, float, float]  # a difference, its upper bound, and its lower bound for all pairs


def _bounded(one: Slice, metric: Metric, confidence: float) -> Bounded | SliceVerdict:
    outputs = one.runs[0].outputs
    value = None if one.too_few else value_on(metric, one.truth, outputs)
    if value is None:
        return one.unjudged(one.too_few or f"no {metric.title} there")
    own, read = one.truth.own(metric), metric.output(outputs)
    assert read is not None, "it has a value"
    ends = own.both_bounds(one.truth.target, read, confidence)
    return Bounded(one, value, *(abs(value - end) for end in ends))


def _farther(confidence: float, pairs: int) -> float:
    """How many times as far off bounds lie that hold for so many pairs together; they are taken for normal."""
    normal = NormalDist()
    return normal.inv_cdf(1 - (1 - confidence) / pairs) / normal.inv_cdf(confidence)


def _reach(first: Bounded, second: Bounded, metric: Metric, farther: float) -> Reach:
    """By how much the first leads the second, with its bounds."""
    lead = metric.lead(first.value, second.value)
    return lead, lead + math.hypot(first.better, second.worse), lead - farther * math.hypot(first.worse, second.better)


def _shown(one: Bounded, metric: Metric, outcome: Outcome) -> SliceVerdict:
    worst = one.value - one.worse if metric.higher_is_better else one.value + one.worse
    sure = f"{'at least' if metric.higher_is_better else 'at most'} {metric.shown(worst)}"
    return SliceVerdict(one.of.name, outcome, one.of.truth.n, one.value, sure=sure)


def _message(
    metric: Metric,
    shown: str,
    reach: Reach,
    most: float,
    outcome: Outcome,
    confidence: float,
    unjudged: Sequence[SliceVerdict],
) -> str:
    value, upper, lower = (metric.difference(one).lstrip("+") for one in reach)
    allowed = metric.difference(most, signed=False)
    if outcome is Outcome.FAIL:
        return (
            f"{shown}: they differ by {value}. With {confidence:.0%} confidence it is at least {lower}, and the gate "
            f"allows {allowed}. Mend the model for the worse one, or allow more."
        )
    sure = f"With {confidence:.0%} confidence the difference is at most {upper}"
    if outcome is Outcome.PASS:
        return f"{shown}: no two differ by more. {sure}, and the gate allows {allowed}."
    few = f" Not judged: {named(unjudged)} ({unjudged[0].sure})." if unjudged else ""
    then = "Test on more examples of them, or put rare slices together by a function."
    return f"{shown}. {sure}, and the gate allows {allowed}.{few} {then}"


def _details(metric: Metric, bounded: Sequence[Bounded], most: float, confidence: float) -> str:
    missed = 1 - confidence
    return (
        f"{metric.title} of {len(bounded)} slices, each two of which are compared. A model with two slices that truly "
        f"differ by {metric.difference(most, signed=False)} or more passes about {missed:.0%} of test sets; one "
        f"without such fails {missed:.0%} at most."
    )
