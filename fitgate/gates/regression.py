"""The regression gate: whether a model has become worse than its baseline, with a stated rate of false alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitgate.gates.baseline import Array, Baseline, BaselineError
from fitgate.gates.gates import SIGNIFICANCE, Evidence, Outcome, Verdict, check_metric, untold
from fitgate.machine import changes, environment
from fitgate.metrics import METRICS, indicators, right
from fitgate.runs.evaluation import Evaluation
from fitgate.runs.training import ModelFailed
from fitgate.statistics import Fall, McNemar, f1_fall, holm, mean_fall, paired_auc
from fitgate.tasks import Task

POWER = 0.8  # the least with which a test must see the margin, to be believed when it sees nothing
ENOUGH_SEEDS = 5
SHOWN_CLASSES = 3
SHOWN_EXAMPLES = 10


@dataclass(frozen=True)
class Comparison:
    """What came of comparing a model with its baseline.

    Attributes:
        before, now: the metric's mean over the seeds that were compared.
        fall: from the one to the other, with its test.
        how: the test, in words.
        identical: whether the predictions are the baseline's to the last example.
        seeds: how many of the model's seeds were compared.
        deterministic: whether the baseline holds the one output that the model has.
    """

    before: float
    now: float
    fall: Fall | McNemar
    how: str
    identical: bool
    seeds: int
    deterministic: bool


@dataclass(frozen=True)
class NoRegression:
    """A metric has not fallen from its baseline: FAIL takes significance, and a fall that matters.

    A deterministic model passes at once if its predictions are the baseline's, and is otherwise tested on the same
    examples: McNemar's for accuracy, DeLong's for ROC AUC, the paired bootstrap for F1. So is a single seed of a
    stochastic one, as a smoke test. Several seeds (`--seeds`) are tested by Student's t on their metrics. All tests are
    one-sided; Holm's procedure holds the false alarms of all of a run's gates together to 1 %.

    The margin is the fall that the gate answers for: where its test would see a fall of that size with a power of less
    than 80 %, it says INCONCLUSIVE. A significant fall of less than half of it is told, and passes.

    Args:
        task: on which task.
        metric: the metric's name.
        quick, full: the margin on that profile, as 0.01 for one point; None where the gate does not apply. Other data
            has no baselines.

    Raises:
        ModelError: if the metric is not one of the task's.
    """

    task: Task
    metric: str = "accuracy"
    quick: float | None = 0.01
    full: float | None = 0.0015

    def __post_init__(self) -> None:
        check_metric(self.task, self.metric)

    def margin(self, profile: str) -> float | None:
        """The margin on a profile, if it has one."""
        return {"quick": self.quick, "full": self.full}.get(profile)

    def rule(self, profile: str) -> str | None:
        """As `accuracy>baseline-0.01`."""
        margin = self.margin(profile)
        return None if margin is None else f"{self.metric}>baseline-{margin:g}"

    def judge(self, model: str, evidence: Evidence) -> Verdict:
        """Judge a model by its evaluations and its baseline."""
        gate, margin = str(self.rule(evidence.profile)), self.margin(evidence.profile)
        assert margin is not None, "a gate is judged on a profile that it applies to"
        try:
            found = self.compare(model, evidence)
        except BaselineError as error:
            return Verdict(model, self.task.name, gate, Outcome.FAIL, str(error))
        if found is None:
            message = (
                f"there is no baseline of {model} on {self.task.name} for profile {evidence.profile}. To make one: "
                f"pytest --profile {evidence.profile} --models {model} --seeds 20, then python -m suite bless RECORD"
            )
            return Verdict(model, self.task.name, gate, Outcome.NO_BASELINE, message)
        if math.isnan(found.now):
            return untold(model, self.task, gate, self.metric)
        adjusted, of_gain = self._adjusted(model, found, evidence)
        gained = of_gain < SIGNIFICANCE and -found.fall.size >= margin / 2 and not found.identical
        outcome, conclusion = self._conclude(found, adjusted, margin)
        if gained:
            conclusion += " It has become better than its seeds explain: a leak until shown otherwise."
        message = f"{self._told(found, adjusted)} {conclusion}"
        lost: list[int] = []
        if outcome is Outcome.FAIL:
            lost, where = self._lost(model, evidence)
            message += f" {where}"
        return Verdict(
            model=model,
            task=self.task.name,
            gate=gate,
            outcome=outcome,
            message=message,
            value=found.now,
            threshold=found.before - margin,
            lost=lost,
            gained=gained,
        )

    def compare(self, model: str, evidence: Evidence) -> Comparison | None:
        """A model against its baseline; None where it has none.

        Raises:
            BaselineError: if the baseline is damaged, or of something else than this model on this data.
        """
        baseline = evidence.baseline_of(model, self.task)
        if baseline is None:
            return None
        target, runs = evidence.target(self.task), evidence.runs_of(model, self.task)
        _check(baseline, runs, evidence, model, self.task)
        now = [self._value(target, run.predictions, run.scores) for run in runs]
        ranks = baseline.ranks if baseline.ranks is not None else [None] * len(baseline.predictions)
        before = [self._value(target, *output) for output in zip(baseline.predictions, ranks, strict=True)]
        deterministic = len(before) == 1
        if not np.isfinite(now).all():
            return Comparison(float(np.mean(before)), math.nan, Fall(0, 0, 1, 0), "", False, len(now), deterministic)
        if len(now) > 1 and not deterministic:
            how = f"Student's t, {len(now)} seeds against {len(before)}"
            means = float(np.mean(before)), float(np.mean(now))
            return Comparison(*means, mean_fall(before, now), how, False, len(now), False)
        # The baseline's seed of middling quality: the best or the worst would bias the comparison.
        i = int(np.argsort(before, kind="stable")[(len(before) - 1) // 2])
        same = baseline.holds(runs[0].predictions, runs[0].scores)
        fall, how = self._paired(target, baseline, i, runs[0])
        return Comparison(before[i], now[0], fall, how, same, 1, deterministic)

    def _lost(self, model: str, evidence: Evidence) -> tuple[list[int], str]:
        """The examples that were lost most clearly, and in words which classes they are of and what else changed."""
        baseline = evidence.baseline_of(model, self.task)
        assert baseline is not None, "a model that has fallen had a baseline"
        target = evidence.target(self.task)
        then, now = (
            np.mean([right(target, predictions) for predictions in several], axis=0)
            for several in (baseline.predictions, [run.predictions for run in evidence.runs_of(model, self.task)])
        )
        lost = np.argsort(now - then, kind="stable")
        lost = lost[(now < then)[lost]]
        labels = evidence.labels
        falls = {int(c): float((then - now)[labels == c].mean()) for c in np.unique(labels)}
        worst = sorted((c for c in falls if falls[c] > 0), key=lambda c: -falls[c])[:SHOWN_CLASSES]
        classes = ", ".join(f"{c} by {100 * falls[c]:.2f} points" for c in worst)
        changed = changes(baseline.about.environment, environment())
        told = [f"Right answers fell most for the digits {classes}." if worst else ""]
        if len(lost):
            told.append(f"Lost most clearly: test images {', '.join(map(str, lost[:SHOWN_EXAMPLES]))}.")
        told.append(f"Since the baseline changed: {'; '.join(changed)}." if changed else "The environment is the same.")
        return [int(i) for i in lost[:SHOWN_EXAMPLES]], " ".join(filter(None, told))

    def _value(self, target: Array, predictions: Array, scores: Array | None) -> float:
        return METRICS[self.metric].value(target, predictions, scores)

    def _paired(self, target: Array, baseline: Baseline, i: int, run: Evaluation) -> tuple[Fall | McNemar, str]:
        before = baseline.predictions[i]
        if self.metric == "accuracy":
            change = McNemar.between(right(target, before), right(target, run.predictions))
            return change, f"McNemar's mid-p, {change.losses} lost and {change.gains} gained"
        if self.metric == "roc_auc":
            assert baseline.ranks is not None, "a task that ranks has ranks in its baseline"
            assert run.scores is not None, "a ROC AUC comes from scores"
            test = paired_auc(target, baseline.ranks[i], run.scores)
            return Fall(test.difference, test.standard_error, test.p_value, math.inf), "DeLong's paired test"
        truth, then, now = indicators(target, before, run.predictions)
        return f1_fall(truth, then, now), "the paired bootstrap"

    def _adjusted(self, model: str, own: Comparison, evidence: Evidence) -> tuple[float, float]:
        """The p-values of a fall and of a gain, each adjusted for all regression gates of the run."""
        falls, gains = [own.fall.p_value], [1 - own.fall.p_value]
        for name, gate in evidence.regression_gates:
            if isinstance(gate, NoRegression) and (name, gate) != (model, self):
                try:
                    found = gate.compare(name, evidence)
                except (ModelFailed, BaselineError, LookupError):
                    found = None  # that gate fails by itself
                falls.append(1.0 if found is None else found.fall.p_value)
                gains.append(1.0 if found is None else 1 - found.fall.p_value)
        return float(holm(falls)[0]), float(holm(gains)[0])

    def _conclude(self, found: Comparison, p_value: float, margin: float) -> tuple[Outcome, str]:
        fall, points = found.fall, f"{100 * margin:g} points"
        if found.identical:
            return Outcome.PASS, "The predictions are the baseline's."
        if p_value < SIGNIFICANCE and fall.size >= margin / 2:
            return Outcome.FAIL, f"It has become worse; the gate answers for {points}."
        if p_value < SIGNIFICANCE:
            return Outcome.PASS, f"It has become worse, by less than half of the margin of {points}."
        power = fall.power(margin, SIGNIFICANCE)
        sees = f"A fall of {points} would be seen with a power of {power:.0%}"
        if power < POWER:
            needed = (
                f"run with --seeds {ENOUGH_SEEDS if found.seeds < ENOUGH_SEEDS else 2 * found.seeds}"
                if not found.deterministic
                else "it takes more test examples, such as --profile full"
            )
            return Outcome.INCONCLUSIVE, f"{sees}, which is too little to tell: {needed}."
        return Outcome.PASS, f"{sees}."

    def _told(self, found: Comparison, p_value: float) -> str:
        label = METRICS[self.metric].label
        smoke = " (one seed: a smoke test)" if found.seeds == 1 and not found.deterministic else ""
        return (
            f"{label} {found.now:.4f} against the baseline's {found.before:.4f}{smoke}: "
            f"{0.0 - 100 * found.fall.size:+.2f} points, by {found.how}, p = {p_value:.2g} after Holm's adjustment."
        )


def _check(baseline: Baseline, runs: Sequence[Evaluation], evidence: Evidence, model: str, task: Task) -> None:
    """That a baseline is of this model, task and data."""
    about = baseline.about
    found = (about.profile, about.model, about.task, about.data_digest)
    expected = (evidence.profile, model, task.name, evidence.data_digest)
    for what, a, b in zip(("profile", "model", "task", "data"), found, expected, strict=True):
        if a != b:
            raise BaselineError(
                f"the baseline of {model} on {task.name} is of {what} {a}, expected {b}; restore the file, or bless a "
                "run again."
            )
    shape = runs[0].predictions.shape
    if baseline.predictions.shape[1:] != shape:
        raise BaselineError(
            f"the baseline of {model} on {task.name} has predictions of shape {baseline.predictions.shape[1:]}, "
            f"expected {shape}; bless a run again."
        )
