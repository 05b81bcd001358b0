"""Robustness: a metric hardly falls where the test examples are disturbed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec

from fitgate.disturbances import Disturbance, DisturbanceError
from fitgate.gates.evidence import Evidence
from fitgate.gates.gate import Declaration, Gate, GateError
from fitgate.gates.limit import Limit, check_margin, check_profiles, declared_at, limit, on_profile, profiles_of
from fitgate.gates.missing import without_value
from fitgate.gates.perfect import perfect_output
from fitgate.gates.undergone import UnderDisturbance
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.metrics import Metric
from fitgate.statistics import unspread_bound
from fitgate.tasks import Task, TaskError, check_metric, is_better_higher

MOST_LEVELS = 20


@dataclass(frozen=True, init=False)
class Robust(Gate):
    """A metric falls by less than a margin where the test examples are disturbed, with confidence.

    The session's own estimator answers for the test split as it is and for the disturbed one, and both answers are
    compared on the same examples, by the metric's paired test. PASS takes a one-sided 99 % bound of the fall below the
    margin: a model that truly falls by the margin passes about once in a hundred test sets. FAIL takes a fall of the
    margin or more that is significant. What lies between is INCONCLUSIVE.

    Args:
        task: on which task; of one test split, not of folds.
        metric: the metric's name.
        margin: the fall that is too much, in the metric's unit, as 0.03 for three points of accuracy, for all profiles.
        under: what the examples suffer; see `fitgate.disturbances`.
        levels: at so many strengths, evenly from none to this one, the report draws the metric: each takes one
            prediction of the test split. The last decides.
        perfect: whether output that equals the test labels may pass.
        profiles: or one margin for each profile, by its name; the gate does not apply to others.

    Raises:
        TaskError: if the metric is not one of the task's, there is not just one way to know the margin, `under` is no
            disturbance, or `levels` no number from 1 to 20.
    """

    metric: str
    margin: Limit
    under: Disturbance
    levels: int

    def __init__(
        self,
        task: Task,
        metric: str,
        margin: float | None = None,
        *,
        under: Disturbance,
        levels: int = 4,
        perfect: bool = False,
        **profiles: float | None,
    ):
        check_metric(task, metric)
        what = f"Robust({task.name}, {metric!r})"
        if not isinstance(under, Disturbance):
            raise TaskError(
                what,
                found=f"under={under!r}",
                expected="a disturbance, such as shift(2)",
                next_step="make one by a function of fitgate.disturbances",
            )
        if not 1 <= levels <= MOST_LEVELS:
            raise TaskError(
                what, found=f"levels={levels}", expected=f"a number from 1 to {MOST_LEVELS}", next_step="correct it"
            )
        fields = {
            "task": task,
            "metric": metric,
            "margin": limit(what, margin, profiles),
            "under": under,
            "levels": levels,
            "where": declared_at(),
            "perfect": perfect,
        }
        for name, content in fields.items():
            object.__setattr__(self, name, content)

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it has numbers for; empty where one number is for all."""
        return profiles_of(self.margin)

    @property
    def disturbances(self) -> Sequence[Disturbance]:
        """At all of its levels, the last of which is the one that decides."""
        return (*(self.under.at(i / self.levels) for i in range(1, self.levels)), self.under)

    def rule(self, profile: str) -> str | None:
        """As `accuracy under shift(2)>clean-0.03`, or `log_loss under noise(0.1)<clean+0.1`."""
        margin = on_profile(self.margin, profile)
        if margin is None:
            return None
        relation = ">clean-" if is_better_higher(self.task, self.metric) else "<clean+"
        return f"{self.metric} under {self.under}{relation}{margin:.10g}"

    def check(self, profile: str, metrics: Mapping[str, Metric]) -> None:
        """Refuse a margin that no fall could reach, or that is no positive number, or for an unknown profile."""
        where = f"{self.where}: Robust on {self.metric} of {self.task.name}"
        check_profiles(where, self.margin, self.task)
        check_margin(where, self.margin, profile, metrics[self.metric])

    def examine(self, model: str, evidence: Evidence) -> Verdict:
        """Compare what a model's estimator made of the test split as it is and disturbed."""
        task, settings = self.task.name, evidence.settings
        if leaked := perfect_output(self, self.metric, model, evidence):
            return leaked
        evaluations = evidence.under(model, task, self.under)
        truth, metric = evidence.truths[task], evidence.metric(self.metric, task)
        margin = on_profile(self.margin, truth.profile)
        assert margin is not None, "a gate examines on a profile that it applies to"
        outputs = []
        for evaluation in evaluations:
            output = metric.output(evaluation.outputs)
            if evaluation.metrics.get(self.metric) is None or output is None:
                return without_value(self, metric, model, evidence, evaluation)
            outputs.append(output)
        test, (low, high) = metric.paired_test, metric.range
        change = test.compute(truth.target, *outputs)
        # What never happened in so few examples may happen all the same, whatever a bootstrap says.
        least = unspread_bound(0.0, high - low, truth.n, settings.confidence)
        bound = max(change.upper_bound(settings.confidence), least)
        if bound < margin:
            outcome, reason = Outcome.PASS, Reason.WITHSTANDS
        elif change.size >= margin and change.p_value < settings.significance:
            outcome, reason = Outcome.FAIL, Reason.FRAGILE
        else:
            outcome, reason = Outcome.INCONCLUSIVE, Reason.LOW_POWER
        found = UnderDisturbance(
            metric, self.under, evaluations, change.size, bound, margin, truth.n, settings.confidence
        )
        return self.verdict(
            model,
            evidence,
            outcome,
            found.message(outcome, change.p_value),
            metric=self.metric,
            reason=reason,
            value=found.now,
            threshold=found.worse(margin),
            bound=found.worse(bound),
            bound_of="value",
            n=truth.n,
            p_value=change.p_value,
            margin=margin,
            details=found.details(test.describe(change), change.p_value, settings.significance),
            under=str(self.under),
        )

    @classmethod
    def restored(cls, declaration: Declaration, task: Task) -> Self:
        """The gate that a record kept.

        Raises:
            GateError: if the record has other parameters than this kind of gate, or no such disturbance.
        """
        gate = super().restored(declaration, task)
        try:
            object.__setattr__(gate, "under", msgspec.convert(gate.under, Disturbance))
        except (msgspec.ValidationError, DisturbanceError) as error:
            raise GateError(
                declaration.named,
                found=f"no disturbance ({error})",
                expected="one of fitgate.disturbances",
                next_step="restore the record, or repeat the run",
            ) from error
        return gate
