"""Regressions: a metric has not fallen from its baseline, with a stated rate of false alarms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from fitgate.data import By
from fitgate.gates.baseline import Baseline
from fitgate.gates.comparison import Comparison, Terms, compare
from fitgate.gates.evidence import Evidence
from fitgate.gates.flips import flips_in_words, flips_of
from fitgate.gates.gate import Adjusted, Contested, Gate, Need
from fitgate.gates.holding import baseline_of, same_as, unchanged, unusable
from fitgate.gates.limit import Limit, check_margin, check_profiles, declared_at, limit, on_profile, profiles_of
from fitgate.gates.losses import describe_losses
from fitgate.gates.missing import without_value
from fitgate.gates.perfect import perfect_output
from fitgate.gates.sliced_regression import regression_of_slices
from fitgate.gates.slices import by_in_rule
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.gates.wording import explain, measured, other_environment, summary, what_to_do
from fitgate.metrics import Metric
from fitgate.runs import same_output
from fitgate.tasks import Task, check_metric, is_better_higher


@dataclass(frozen=True, init=False)
class NoRegression(Gate):
    """A metric has not become worse than its baseline: FAIL where it has for sure, PASS where it has not for sure.

    A model passes at once if it gives the baseline's output with the baseline's seed. Else a stochastic model's seeds
    are tested against the baseline's by Student's t, with the spread of the baseline's alone; so are their mistakes on
    what the baseline's seeds know, where these are 20 or more and the metric reads answers that are right or wrong. A
    seed that has collapsed fails by itself. There is a look after each seed, up to `--gate-budget`. A deterministic
    model is tested on the same examples by the metric's own paired test: McNemar's for accuracy, DeLong's for ROC AUC,
    the paired bootstrap for others; over folds, by the corrected resampled t-test. It is deterministic if its author
    says so, or all of its seeds gave the same output.

    The margin is the fall that the gate answers for. FAIL takes a fall that is significant, and at least half of the
    margin; Holm's procedure holds the false alarms of all of a session's gates together to 1 %. PASS takes an upper
    bound of the fall below the margin: a model that has fallen by just the margin passes at most one time in ten. What
    lies between is INCONCLUSIVE.

    By slices, none of them is to have become worse; see `fitgate.gates.sliced_regression`. A slice that is undecided,
    or has fewer than 20 examples, makes the gate INCONCLUSIVE.

    Args:
        task: on which task.
        metric: the metric's name.
        margin: the fall, in the metric's unit, as 0.01 for one point of accuracy, for all profiles.
        by: the column whose values are slices of the examples, or a function from X to a name for each example; what
            has no value is a slice of its own. None for all examples together.
        perfect: whether output that equals the test labels may pass.
        profiles: or one margin for each profile, by its name; the gate does not apply to others.

    Raises:
        TaskError: if the metric is not one of the task's, or there is not just one way to know the margin.
    """

    metric: str
    margin: Limit
    by: By | None = field(default=None, kw_only=True)

    def __init__(
        self,
        task: Task,
        metric: str,
        margin: float | None = None,
        *,
        by: By | None = None,
        perfect: bool = False,
        **profiles: float | None,
    ):
        check_metric(task, metric)
        size = limit(f"NoRegression({task.name}, {metric!r})", margin, profiles)
        fields = {"task": task, "metric": metric, "margin": size, "by": by, "where": declared_at(), "perfect": perfect}
        for name, content in fields.items():
            object.__setattr__(self, name, content)

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it has numbers for; empty where one number is for all."""
        return profiles_of(self.margin)

    def rule(self, profile: str) -> str | None:
        """As `accuracy>baseline-0.01`, or `log_loss<baseline+0.01`."""
        margin = on_profile(self.margin, profile)
        if margin is None:
            return None
        side = ">baseline-" if is_better_higher(self.task, self.metric) else "<baseline+"
        return f"{self.metric}{side}{margin:.10g}{by_in_rule(self.by)}"

    @property
    def slicings(self) -> Sequence[By]:
        """The one, if it looks at slices."""
        return () if self.by is None else (self.by,)

    def baselines(self, model: str) -> Sequence[Need]:
        """The model's own on the gate's task."""
        return (Need(model, self.task.name),)

    def check(self, profile: str, metrics: Mapping[str, Metric]) -> None:
        """Refuse a margin that no fall could reach, or that is no positive number, or for an unknown profile."""
        where = f"{self.where}: NoRegression on {self.metric} of {self.task.name}"
        check_profiles(where, self.margin, self.task)
        check_margin(where, self.margin, profile, metrics[self.metric])

    def examine(self, model: str, evidence: Evidence) -> Verdict | Contested:
        """Compare a model with its baseline; where its output is another, p-values of all gates decide together."""
        task, runs = self.task.name, evidence.runs_of(model, self.task.name)
        if leaked := perfect_output(self, self.metric, model, evidence):
            return leaked
        baseline = baseline_of(self, self.metric, model, evidence)
        if isinstance(baseline, Verdict):
            return baseline
        metric, target = evidence.metric(self.metric, task), evidence.truths[task].target
        repeats = len(runs) if same_output(runs) else 1
        values = [metric.value(target, run.outputs) for run in runs]
        lacking = next((run for run, value in zip(runs, values, strict=True) if not math.isfinite(value)), None)
        if lacking is not None:
            return without_value(self, metric, model, evidence, lacking)
        if same_as(baseline, model, evidence):
            return self._same(model, metric, values, evidence)
        if self.by is not None:
            margin = self.margin_on(evidence.truths[task].profile)
            return regression_of_slices(self, evidence.metrics[self.metric], margin, self.by, model, baseline, evidence)
        alone = slice(1 if repeats > 1 else None)
        found = compare(baseline, runs[alone], values[alone], repeats, metric, evidence)
        if found is None:
            lacks = f"The baseline of {model} on {task} has no {metric.title}: bless a run that has."
            return unusable(self, self.metric, model, evidence, lacks)

        def conclude(worse: Adjusted, better: Adjusted) -> Verdict:
            return self._conclude(model, baseline, found, worse, better, evidence)

        def more(verdict: Verdict) -> int | None:
            if verdict.level is None or verdict.margin is None:  # the gate itself is broken
                return None
            return found.more_seeds(Terms(verdict.margin, verdict.level, evidence.settings.missed))

        return Contested(found.p_worse, found.p_better, conclude, more)

    def _same(self, model: str, metric: Metric, values: Sequence[float], evidence: Evidence) -> Verdict:
        margin, value = self.margin_on(evidence.truths[self.task.name].profile), float(np.mean(values))
        threshold = value - margin if metric.higher_is_better else value + margin
        numbers = {"metric": self.metric, "value": value, "threshold": threshold, "margin": margin}
        return unchanged(self, model, evidence, f"{metric.title} {metric.shown(value)}", **numbers)

    def _conclude(
        self,
        model: str,
        baseline: Baseline,
        found: Comparison,
        worse: Adjusted,
        better: Adjusted,
        evidence: Evidence,
    ) -> Verdict:
        task, settings = self.task.name, evidence.settings
        metric, truth = evidence.metric(self.metric, task), evidence.truths[task]
        terms = Terms(self.margin_on(truth.profile), worse.level, settings.missed)
        outcome, reason = found.decide(terms)
        gained = found.gained(terms._replace(level=better.level))
        power = found.power(terms)
        details = [measured(metric, found, worse.p_value), explain(metric, reason, found, terms, power)]
        lost: list[int] = []
        changed = baseline.changes(evidence.environment, evidence.executions.get((model, task), ""))
        environment = ""
        if reason in (Reason.FALL, Reason.COLLAPSE):
            lost, losses = describe_losses(baseline, evidence.runs_of(model, task), truth, changed)
            details.append(losses)
        elif changed and self._same_seeds(model, baseline, evidence):
            environment = other_environment(changed, len(baseline.others))
            details.append(environment)
        flips = flips_of(baseline, evidence.runs_of(model, task), truth)
        details.append(flips_in_words(flips, truth))
        then = what_to_do([int(truth.examples[i]) for i in lost], changed)
        parts = [summary(metric, reason, found, terms, worse.p_value, then)]
        if outcome is Outcome.INCONCLUSIVE and environment:
            parts.append(environment)
        if gained:
            parts.append("It has become better than its seeds explain: suspect a leak of test examples.")
            if settings.leaks == "fail":
                outcome, reason = Outcome.FAIL, Reason.GAIN
                parts.append("--gate-leaks=fail makes that a failure: bless this run if the gain is earned.")
        return self.verdict(
            model,
            evidence,
            outcome,
            " ".join(parts),
            metric=self.metric,
            reason=reason,
            value=found.now,
            threshold=found.before - terms.margin if metric.higher_is_better else found.before + terms.margin,
            n=truth.n,
            seeds=found.seeds,
            p_value=worse.p_value,
            margin=terms.margin,
            power=power,
            level=worse.level,
            lost=lost,
            gained=bool(gained),
            details=" ".join(filter(None, details)),
            flips=flips,
        )

    def _same_seeds(self, model: str, baseline: Baseline, evidence: Evidence) -> bool:
        """Whether the same code in the same environment would have given the baseline's output."""
        own = baseline.about.seeds
        return len(own) == 1 or not set(own).isdisjoint(evidence.seeds.get((model, self.task.name), ()))

    def margin_on(self, profile: str) -> float:
        """The margin on a profile that the gate applies to."""
        margin = on_profile(self.margin, profile)
        assert margin is not None, "a gate examines on a profile that it applies to"
        return margin
