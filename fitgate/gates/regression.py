"""Regressions: a metric has not fallen from its baseline, with a stated rate of false alarms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fitgate.errors import FitgateError
from fitgate.gates.baseline import Baseline
from fitgate.gates.errors import BaselineError
from fitgate.gates.evidence import Evidence
from fitgate.gates.gate import Contested, Gate, Need
from fitgate.gates.limit import Limit, check_profiles, declared_at, limit, on_profile, profiles_of
from fitgate.gates.losses import describe_losses
from fitgate.gates.missing import without_value
from fitgate.gates.perfect import perfect_output
from fitgate.gates.settings import ENOUGH_SEEDS
from fitgate.gates.soundness import check_baseline
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.metrics import Metric
from fitgate.runs import Evaluation, same_output
from fitgate.statistics import Change, mean_fall, p_value_of_gain
from fitgate.tasks import Task, TaskError, check_metric, is_better_higher


@dataclass(frozen=True)
class Comparison:
    """What came of comparing a model with its baseline.

    Attributes:
        before, now: the metric's mean over the seeds that were compared.
        change: from the one to the other, with its test; a worsening is positive.
        method: the test, in words.
        identical: whether the output is one of the baseline's to the last example.
        seeds: how many of the model's seeds were compared; seeds that all gave the same output count as one.
        deterministic: whether the baseline holds the one output that the model has, or all of its seeds gave the same.
        repeats: how many seeds gave the one output; 1 where others differ, or there is but one.
    """

    before: float
    now: float
    change: Change
    method: str
    identical: bool
    seeds: int
    deterministic: bool
    repeats: int = 1


@dataclass(frozen=True, init=False)
class NoRegression(Gate):
    """A metric has not become worse than its baseline: FAIL takes significance, and a fall that matters.

    A deterministic model passes at once if its output is the baseline's, and is otherwise tested on the same examples
    by the metric's own paired test: McNemar's for accuracy, DeLong's for ROC AUC, the paired bootstrap for others. It
    is deterministic if its author says so, or all of its seeds gave the same output, which counts as one. So is a
    single seed of a stochastic one tested, as a smoke test. Several seeds (`--fit-seeds`) are tested by Student's t on
    their metrics. All tests are one-sided; Holm's procedure holds the false alarms of all of a session's gates together
    to 1 %.

    The margin is the fall that the gate answers for: where its test would find a fall of that size with a probability
    of less than 80 %, it is INCONCLUSIVE. A significant fall of less than half of the margin is reported, and passes.

    Args:
        task: on which task.
        metric: the metric's name.
        margin: the fall, in the metric's unit, as 0.01 for one point of accuracy, for all profiles.
        perfect: whether output that equals the test labels may pass.
        profiles: or one margin for each profile, by its name; the gate does not apply to others.

    Raises:
        TaskError: if the metric is not one of the task's, or there is not just one way to know the margin.
    """

    metric: str
    margin: Limit

    def __init__(
        self,
        task: Task,
        metric: str,
        margin: float | None = None,
        *,
        perfect: bool = False,
        **profiles: float | None,
    ):
        check_metric(task, metric)
        size = limit(f"NoRegression({task.name}, {metric!r})", margin, profiles)
        fields = {"task": task, "metric": metric, "margin": size, "where": declared_at(), "perfect": perfect}
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
        return f"{self.metric}{'>baseline-' if is_better_higher(self.task, self.metric) else '<baseline+'}{margin:.10g}"

    def baselines(self, model: str) -> Sequence[Need]:
        """The model's own on the gate's task."""
        return (Need(model, self.task.name),)

    def check(self, profile: str, metrics: Mapping[str, Metric]) -> None:
        """Refuse a margin that no fall could reach, or that is no positive number, or for an unknown profile."""
        where = f"{self.where}: NoRegression on {self.metric} of {self.task.name}"
        check_profiles(where, self.margin, self.task)
        margin, (low, high) = on_profile(self.margin, profile), metrics[self.metric].range
        if margin is not None and not 0 < margin < high - low:
            raise TaskError(
                where,
                found=f"a margin of {margin:g}",
                expected=f"a positive number below {high - low:g}",
                next_step="correct the margin, which is in the metric's own unit: 0.01 is a point of a share",
            )

    def examine(self, model: str, evidence: Evidence) -> Contested:
        """Compare a model with its baseline; the verdict waits for the p-values of all of the session's gates."""
        task = self.task.name
        runs, baseline = evidence.runs_of(model, task), evidence.baselines.get((model, task))
        if leaked := perfect_output(self, self.metric, model, evidence):
            return _certain(leaked)
        repeats = len(runs) if same_output(runs) else 1
        runs = runs[:1] if repeats > 1 else runs  # no test of seeds that change nothing
        if baseline is None:
            return _certain(self._without_baseline(model, evidence))
        try:
            if isinstance(baseline, FitgateError):
                raise baseline
            check_baseline(baseline, model, task, runs, evidence.truths[task])
            if len(runs) > 1 and len(baseline.predictions) == 1:
                raise BaselineError(
                    f"the baseline of {model} on {task}",
                    found="one seed",
                    expected="several, of a model that heeds its seed",
                    next_step="declare stochastic=True, if its author has not, run pytest with --fit-seeds=20 "
                    "--fit-seed=2000, and bless that run",
                )
        except FitgateError as error:
            verdict = self.verdict(
                model, evidence, Outcome.FAIL, str(error), metric=self.metric, reason=Reason.BAD_BASELINE
            )
            return _certain(verdict)
        found = self._compare(baseline, runs, repeats, evidence)
        if found is None:
            metric = evidence.metric(self.metric, task)
            lacking = next((run for run in runs if run.metrics.get(self.metric) is None), None)
            if lacking is not None:
                return _certain(without_value(self, metric, model, evidence, lacking))
            message = f"The baseline of {model} on {task} has no {metric.title}: bless a run that has."
            verdict = self.verdict(
                model, evidence, Outcome.FAIL, message, metric=self.metric, reason=Reason.BAD_BASELINE
            )
            return _certain(verdict)

        def conclude(p_worse: float, p_better: float) -> Verdict:
            return self._conclude(model, baseline, found, p_worse, p_better, evidence)

        more = None if found.deterministic else evidence.settings.more_seeds(found.seeds)
        return Contested(found.change.p_value, p_value_of_gain(found.change), conclude, more)

    def _without_baseline(self, model: str, evidence: Evidence) -> Verdict:
        profile = evidence.truths[self.task.name].profile
        of_profile = f" for profile {profile}" if profile else ""
        option = f" --fit-profile={profile}" if profile else ""
        message = (
            f"There is no baseline of {model} on {self.task.name}{of_profile}. To make one, with seeds of its own: "
            f"pytest{option} --fit-models={model} --fit-tasks={self.task.name} --fit-seeds=20 --fit-seed=2000, "
            "then fitgate bless."
        )
        return self.verdict(
            model, evidence, Outcome.NO_BASELINE, message, metric=self.metric, reason=Reason.NO_BASELINE
        )

    def _compare(
        self, baseline: Baseline, runs: Sequence[Evaluation], repeats: int, evidence: Evidence
    ) -> Comparison | None:
        """A model, whose one run may stand for several that it repeats, against its baseline; None without a value."""
        metric, target = evidence.metric(self.metric, self.task.name), evidence.truths[self.task.name].target
        now = [metric.value(target, run.outputs) for run in runs]
        before = [metric.value(target, outputs) for outputs in baseline.outputs]
        if not np.isfinite([*now, *before]).all():
            return None
        if len(now) > 1:
            change = mean_fall(before, now, higher_is_better=metric.higher_is_better)
            method = f"Student's t, {len(now)} seeds against {len(before)}"
            return Comparison(float(np.mean(before)), float(np.mean(now)), change, method, False, len(now), False)
        # The baseline's seed of middling quality: the best or the worst would bias the comparison.
        i = int(np.argsort(before, kind="stable")[(len(before) - 1) // 2])
        outputs = metric.output(baseline.outputs[i]), metric.output(runs[0].outputs)
        paired = metric.paired_test.compute(target, *outputs)
        same = baseline.holds(runs[0].outputs)
        method, deterministic = metric.paired_test.describe(paired), len(before) == 1 or repeats > 1
        return Comparison(before[i], now[0], paired, method, same, 1, deterministic, repeats)

    def _conclude(
        self, model: str, baseline: Baseline, found: Comparison, p_worse: float, p_better: float, evidence: Evidence
    ) -> Verdict:
        metric, settings = evidence.metric(self.metric, self.task.name), evidence.settings
        truth, change, significance = evidence.truths[self.task.name], found.change, settings.significance_a_look
        margin = on_profile(self.margin, truth.profile)
        assert margin is not None, "a gate examines on a profile that it applies to"
        power = None if found.identical else change.power(margin, significance)
        outcome, reason = self._outcome(found, p_worse, margin, power, significance, settings.power)
        gained = p_better < significance and -change.size >= margin / 2 and not found.identical
        parts = [_measured(metric, found, p_worse), self._explain(metric, reason, found, margin, power)]
        if gained:
            parts.append("It has become better than its seeds explain: suspect a leak of test examples.")
            if settings.leaks == "fail":
                outcome, reason = Outcome.FAIL, Reason.GAIN
                parts.append("--gate-leaks=fail makes that a failure: bless this run if the gain is earned.")
        lost: list[int] = []
        if reason is Reason.FALL:
            lost, losses = describe_losses(
                baseline, evidence.runs_of(model, self.task.name), truth, evidence.environment
            )
            parts.append(losses)
        return self.verdict(
            model,
            evidence,
            outcome,
            " ".join(filter(None, parts)),
            metric=self.metric,
            reason=reason,
            value=found.now,
            threshold=found.before - margin if metric.higher_is_better else found.before + margin,
            n=len(truth.target),
            seeds=found.seeds,
            p_value=p_worse,
            margin=margin,
            power=power,
            lost=lost,
            gained=bool(gained),
        )

    def _outcome(
        self,
        found: Comparison,
        p_value: float,
        margin: float,
        power: float | None,
        significance: float,
        enough: float,
    ) -> tuple[Outcome, Reason]:
        if power is None:
            return Outcome.PASS, Reason.SAME_OUTPUT
        if p_value < significance:
            matters = found.change.size >= margin / 2
            return (Outcome.FAIL, Reason.FALL) if matters else (Outcome.PASS, Reason.SMALL_FALL)
        return (Outcome.PASS, Reason.NO_FALL) if power >= enough else (Outcome.INCONCLUSIVE, Reason.LOW_POWER)

    def _explain(self, metric: Metric, reason: Reason, found: Comparison, margin: float, power: float | None) -> str:
        size = metric.difference(margin, signed=False)
        if reason is Reason.SAME_OUTPUT:
            return "The output is the baseline's."
        if reason is Reason.FALL:
            return f"It has become worse; the gate answers for a {metric.worsening} of {size}."
        if reason is Reason.SMALL_FALL:
            return f"It has become worse, by less than half of the margin of {size}."
        sees = f"A {metric.worsening} of {size} would be found with a probability of {power:.0%}"
        if reason is Reason.NO_FALL:
            return f"{sees}."
        if found.deterministic:
            return f"{sees}, which is too little to decide: it takes more test examples, such as a larger profile."
        seeds = ENOUGH_SEEDS if found.seeds < ENOUGH_SEEDS else 2 * found.seeds
        return f"{sees}, which is too little to decide: run with --fit-seeds={seeds}."


def _certain(verdict: Verdict) -> Contested:
    """A verdict that no p-value changes; it counts among the session's tests as one that rejects nothing."""
    return Contested(1.0, 1.0, lambda p_worse, p_better: verdict)


def _measured(metric: Metric, found: Comparison, p_value: float) -> str:
    smoke = " (one seed: a smoke test)" if found.seeds == 1 and not found.deterministic else ""
    how = f" (deterministic: {found.repeats} seeds, same output)" if found.repeats > 1 else smoke
    return (
        f"{metric.title} {metric.shown(found.now)} against the baseline's {metric.shown(found.before)}{how}: "
        f"{metric.difference(found.now - found.before)}, by {found.method}, p = {p_value:.2g} after Holm's adjustment."
    )
