"""Gates: rules on metrics, and the verdicts they reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Protocol

import msgspec

from fitgate.data import Dataset
from fitgate.gates.baseline import Baseline
from fitgate.metrics import METRICS
from fitgate.model import ModelError, Rule
from fitgate.runs.evaluation import Array, Evaluation
from fitgate.runs.training import ModelFailed
from fitgate.statistics import paired_auc, passing_count, power_to_pass
from fitgate.tasks import Task

CONFIDENCE = 0.99
SIGNIFICANCE = 0.01


class Outcome(StrEnum):
    """What a gate says."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NO_BASELINE = "NO BASELINE"


class Verdict(msgspec.Struct, frozen=True, tag=True):
    """A gate's judgement of a model.

    Attributes:
        model, task: names.
        gate: the rule, as `accuracy>=0.95`.
        outcome: PASS, FAIL, INCONCLUSIVE or NO BASELINE.
        message: why, with value, bound, number of examples, error rates.
        value: the model's metric; None where there is none.
        threshold: what the rule asks: a floor, or the rival's value.
        bound: one-sided 99 % lower confidence bound, of the value or of its lead over the rival.
        lost: places in the test split of examples that it used to get right, those that tell most, worst first.
        gained: whether it has become better than chance explains, which a leak of test examples does too.
    """

    model: str
    task: str
    gate: str
    outcome: Outcome
    message: str
    value: float | None = None
    threshold: float | None = None
    bound: float | None = None
    lost: list[int] = []
    gained: bool = False

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASS


class Evidence:
    """What a gate may look at: the test split, and every model's evaluations and baseline, by its name and a task.

    Args:
        dataset: the data.
        evaluation_of: the evaluation of a model on a task; raises `LookupError` if there is no such model.
        runs_of: its evaluations with several seeds, or that one alone.
        baseline_of: its baseline; None where it has none.
        regression_gates: all gates of the session that compare with baselines, each with its model's name.
    """

    def __init__(
        self,
        dataset: Dataset,
        evaluation_of: Callable[[str, Task], Evaluation],
        runs_of: Callable[[str, Task], Sequence[Evaluation]] | None = None,
        baseline_of: Callable[[str, Task], Baseline | None] = lambda model, task: None,
        regression_gates: Sequence[tuple[str, Rule]] = (),
    ):
        self.profile = dataset.profile
        self.data_digest = dataset.digest
        self.labels = dataset.test.labels
        self.evaluation_of = evaluation_of
        self.runs_of = runs_of or (lambda model, task: [evaluation_of(model, task)])
        self.baseline_of = baseline_of
        self.regression_gates = regression_gates

    def target(self, task: Task) -> Array:
        """The truth of the test split, as a task asks for it."""
        return task.target(self.labels)


class Gate(Rule, Protocol):
    """A rule that can judge."""

    def judge(self, model: str, evidence: Evidence) -> Verdict:
        """Judge a model by its evaluation, on a profile that the rule applies to."""


@dataclass(frozen=True)
class Floor:
    """A metric is at least so much, with confidence: its one-sided 99 % lower bound clears the floor.

    A model truly at the floor passes about once in a hundred test sets, and a worse one less often. So that a clean
    model fails less than once in a thousand seeds, set the floor so low that the bound clears it by three standard
    deviations: `python -m suite floors` says where that is.

    Args:
        task: on which task.
        metric: the metric's name.
        quick, full: the floor on that profile; None where the gate does not apply. Other data has no floors.

    Raises:
        ModelError: if the metric is not one of the task's.
    """

    task: Task
    metric: str
    quick: float | None = None
    full: float | None = None

    def __post_init__(self) -> None:
        check_metric(self.task, self.metric)

    def floor(self, profile: str) -> float | None:
        """The floor on a profile, if it has one."""
        return {"quick": self.quick, "full": self.full}.get(profile)

    def rule(self, profile: str) -> str | None:
        """As `accuracy>=0.95`."""
        floor = self.floor(profile)
        return None if floor is None else f"{self.metric}>={floor:g}"

    def judge(self, model: str, evidence: Evidence) -> Verdict:
        """Judge a model by its evaluation."""
        floor, metric = self.floor(evidence.profile), METRICS[self.metric]
        assert floor is not None, "a gate is judged on a profile that it applies to"
        evaluation = evidence.evaluation_of(model, self.task)
        value = evaluation.metrics.get(self.metric)
        gate = str(self.rule(evidence.profile))
        if value is None:
            return untold(model, self.task, gate, self.metric)
        target = evidence.target(self.task)
        output = metric.output(evaluation.predictions, evaluation.scores)
        assert output is not None, "a metric with a value has an output"
        bound = float(metric.lower_bound(target, output, CONFIDENCE))
        cleared = bound >= floor
        message = (
            f"{metric.label} {value:.4f} on n={evaluation.n:,}; {metric.bound_name} {CONFIDENCE:.0%} lower bound "
            f"{bound:.4f} {'clears' if cleared else 'does not clear'} {floor:g} "
            f"(by {100 * (bound - floor):+.2f} points). {_rates(self.metric, floor, value, bound, evaluation.n)}"
        )
        if not cleared and value >= floor:
            message += " The value itself is above the floor, but not by enough to tell on so few examples."
        outcome = Outcome.PASS if cleared else Outcome.FAIL
        return Verdict(model, self.task.name, gate, outcome, message, value, floor, bound)


@dataclass(frozen=True)
class Above:
    """A metric is higher than a rival model's on the same examples, significantly: p < 0.01, one-sided.

    Args:
        task: on which task.
        metric: the metric's name; `roc_auc`, by DeLong's paired test.
        rival: the other model's name.

    Raises:
        ModelError: if the metric is not one of the task's, or has no paired test.
    """

    task: Task
    metric: str
    rival: str

    def __post_init__(self) -> None:
        check_metric(self.task, self.metric)
        if self.metric != "roc_auc":
            raise ModelError(f"Above({self.task.name}, {self.metric!r}): expected 'roc_auc', which has a paired test")

    def rule(self, profile: str) -> str | None:
        """As `roc_auc>sgd`; a relation holds on any data."""
        return f"{self.metric}>{self.rival}"

    def judge(self, model: str, evidence: Evidence) -> Verdict:
        """Judge a model by its evaluation and its rival's."""
        gate, label = str(self.rule(evidence.profile)), METRICS[self.metric].label
        mine = evidence.evaluation_of(model, self.task)
        try:
            theirs = evidence.evaluation_of(self.rival, self.task)
        except (LookupError, ModelFailed) as error:
            message = f"rival {self.rival} was not evaluated: {error}"
            return Verdict(model, self.task.name, gate, Outcome.FAIL, message)
        for name, evaluation in ((model, mine), (self.rival, theirs)):
            if evaluation.metrics.get(self.metric) is None:
                return untold(name, self.task, gate, self.metric, judged=model)
        assert mine.scores is not None, "a ROC AUC comes from scores"
        assert theirs.scores is not None, "a ROC AUC comes from scores"
        test = paired_auc(evidence.target(self.task), mine.scores, theirs.scores)
        low, high = test.interval(CONFIDENCE)
        bound = test.difference - NormalDist().inv_cdf(CONFIDENCE) * test.standard_error
        passed = test.p_value < SIGNIFICANCE
        power = NormalDist().cdf(bound / test.standard_error) if test.standard_error else float(passed)
        message = (
            f"{label} {test.first:.4f} against {self.rival}'s {test.second:.4f} on the same {mine.n:,} examples: "
            f"difference {test.difference:+.4f}, {CONFIDENCE:.0%} interval [{low:+.4f}, {high:+.4f}], DeLong "
            f"p = {test.p_value:.2g}, {'' if passed else 'not '}below {SIGNIFICANCE:g}. "
            f"A model no better passes about {SIGNIFICANCE:.0%} of test sets, one with this lead about {power:.1%}."
        )
        outcome = Outcome.PASS if passed else Outcome.FAIL
        return Verdict(model, self.task.name, gate, outcome, message, test.first, test.second, bound)


def check_metric(task: Task, metric: str) -> None:
    """Raise `ModelError` if a metric is not one of the task's."""
    if metric not in task.metrics:
        raise ModelError(f"a gate on {metric!r}: task {task.name} has {', '.join(task.metrics)}")


def untold(name: str, task: Task, gate: str, metric: str, judged: str | None = None) -> Verdict:
    """The verdict on a model whose metric is missing or NaN, or on another that is judged by it."""
    message = f"{name} has no {METRICS[metric].label} on {task.name}: its predictions or scores are missing or NaN"
    return Verdict(judged or name, task.name, gate, Outcome.FAIL, message)


def _rates(metric: str, floor: float, value: float, bound: float, n: int) -> str:
    """How often a model passes that is truly at the floor, or truly as good as this one looks."""
    if metric != "accuracy":
        z = NormalDist().inv_cdf(CONFIDENCE)
        error = (value - bound) / z
        power = NormalDist().cdf((value - floor) / error - z) if error > 0 else float(value >= floor)
        return (
            f"A model truly at {floor:g} passes about {1 - CONFIDENCE:.0%} of test sets, one truly at {value:.4f} "
            f"about {power:.1%}."
        )
    needed = passing_count(floor, n, CONFIDENCE)
    false_pass, power = (power_to_pass(share, floor, n, CONFIDENCE) for share in (floor, value))
    return (
        f"It takes {needed:,} of {n:,} right: a model truly at {floor:g} passes {false_pass:.1%} of test sets, one "
        f"truly at {value:.4f} {power:.1%}."
    )
