"""Breakage: how many examples broke since a baseline, and how sure that is: by seeds, or of one output each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fitgate.gates.baseline import Baseline
from fitgate.gates.comparison import OfSeeds, Terms
from fitgate.gates.evidence import Truth
from fitgate.gates.settings import JudgeSettings
from fitgate.gates.verdict import Outcome
from fitgate.metrics import Bound, Metric, right
from fitgate.runs import Evaluation, same_output
from fitgate.statistics import SeedsFall, breaks, normal_power, wilson_lower_bound

Array = NDArray[Any]
SEARCHED = 24  # halvings of a level, by which a bound is inverted
LEAST_LEVEL = 1e-9
MOST_EXAMPLES = 10**9  # that anybody is told to find


class Breakage(Protocol):
    """What broke, and how sure that is."""

    @property
    def value(self) -> float:
        """The share of examples that broke, beyond what another seed of the baseline breaks."""

    @property
    def words(self) -> str:
        """That, as the beginning of a sentence."""

    @property
    def method(self) -> str:
        """How it was tested."""

    @property
    def seeds(self) -> int:
        """How many of the model's were judged."""

    @property
    def p_worse(self) -> float:
        """That it is no more than is allowed."""

    def decide(self, level: float) -> Outcome:
        """What it comes to, with a test of that level."""

    def bound(self) -> float:
        """Its upper bound."""

    def power(self, level: float) -> float:
        """How often twice as much as is allowed fails."""

    def more_seeds(self, level: float) -> int | None:
        """How many seeds would tell more; None for no more."""

    def advice(self, level: float) -> str:
        """What would decide, in a sentence."""


def breakage(
    baseline: Baseline, runs: Sequence[Evaluation], truth: Truth, most: float, settings: JudgeSettings
) -> Breakage:
    """What broke since a baseline that a model's output differs from.

    Args:
        baseline: sound.
        runs: the model's.
        truth: of the task.
        most: the share that is allowed.
        settings: of judging.
    """
    before, now = (
        np.array([right(truth.target, one.predictions) for one in several])
        for several in (baseline.outputs, [run.outputs for run in runs])
    )
    repeats = len(runs) if same_output(runs) else 1
    if len(before) == 1:
        return BrokenOutput(before[0], now[0], truth, most, settings)
    rates = breaks(before, now[slice(1 if repeats > 1 else None)])
    n, looked_at = truth.counted, settings.last_look if settings.confirm else None
    fall = rates.fall(n, most, settings.seeds, settings.most_seeds, looked_at, by_one=repeats > 1)
    means = float(rates.before.mean()), float(rates.now.mean())
    seeds = rates.roots(rates.now, n).tolist()
    compared = OfSeeds(fall, *means, repeats, settings.most_seeds, seeds, settings.confirm)
    return BrokenSeeds(compared, n, most, settings.missed)


def of_baseline(
    baseline: Baseline, truth: Truth, most: float, settings: JudgeSettings
) -> tuple[SeedsFall, float, float]:
    """What is known of breaks before a model is trained, for its plan.

    Args:
        baseline: sound, of several seeds.
        truth: of the task.
        most: the share that is allowed.
        settings: of judging.

    Returns:
        A fall of the baseline's own seeds, whose unit is a root of a count; and by how much, in that unit, a model
        exceeds what is allowed that breaks nothing more, and one that breaks twice as much.
    """
    before = np.array([right(truth.target, one.predictions) for one in baseline.outputs])
    first = max(settings.seeds, 1)
    rates = breaks(before, before[:first])
    shares, n = float(rates.before.mean()), truth.counted
    fall = rates._replace(now=rates.before[:first]).fall(n, most, settings.seeds, settings.most_seeds)
    nothing, once, twice = (float(rates.roots(np.array(shares + times * most), n)) for times in (0, 1, 2))
    return fall, nothing - once, twice - once


def power_of_output(n: int, most: float, level: float) -> float:
    """How often twice as many breaks as are allowed fail, of one output each for n independent examples."""
    from scipy.stats import binom

    return float(binom.sf(binom.isf(level, n, most), n, 2 * most))


def examples_to_see(most: float, level: float, missed: float) -> int:
    """About how many independent examples it takes to see twice as many breaks as are allowed.

    Args:
        most: the share that is allowed.
        level: of the test.
        missed: how often it may fail to.
    """
    low, high = 1, MOST_EXAMPLES
    while high - low > max(low // 100, 1):
        n = (low + high) // 2
        low, high = (low, n) if power_of_output(n, most, level) >= 1 - missed else (n, high)
    return high


@dataclass(frozen=True, eq=False)
class BrokenSeeds:
    """By seeds: what they break beyond what seeds of the baseline break.

    Attributes:
        of: the seeds compared, by `Breaks.fall`: what exceeds what is allowed is a fall.
        n: how many independent examples there are.
        most: what is allowed.
        missed: how often the bound may err.
    """

    of: OfSeeds
    n: int
    most: float
    missed: float

    @property
    def value(self) -> float:
        """The share of examples, beyond what a seed of the baseline breaks."""
        return self.of.now - self.of.before

    @property
    def words(self) -> str:
        """What broke, as the beginning of a sentence."""
        return (
            f"{self.of.now:.2%} of the examples broke in a seed, on average: all of the baseline's get them right. "
            f"In one of its own {self.of.before:.2%} do, so that is {self.value:.2%} more"
        )

    @property
    def method(self) -> str:
        """How it was tested."""
        return self.of.method

    @property
    def seeds(self) -> int:
        """How many of the model's were judged."""
        return self.of.seeds

    @property
    def p_worse(self) -> float:
        """That it is no more than is allowed."""
        return self.of.p_worse

    def decide(self, level: float) -> Outcome:
        """What it comes to, with a test of that level."""
        return self.of.decide(self._terms(level))[0]

    def bound(self) -> float:
        """Its upper bound."""
        allowed = float(np.asarray(self.of.fall.before, np.float64).mean())  # as a root
        root = allowed + self.of.bound(self._terms(0.5))
        return (max(root, 0.0) ** 2 - 3 / 8) / self.n - self.of.before

    def power(self, level: float) -> float:
        """How often twice as much as is allowed fails."""
        once, twice = (math.sqrt(self.n * (self.of.before + times * self.most) + 3 / 8) for times in (1, 2))
        return self.of.fall.operation(0.0, twice - once, level, self.missed).fails

    def more_seeds(self, level: float) -> int | None:
        """How many seeds would tell more; None for no more."""
        return self.of.more_seeds(self._terms(level))

    def advice(self, level: float) -> str:
        """What would decide, in a sentence."""
        told = self.of.advice(self._terms(level))
        return f"{told[0].upper()}{told[1:]}."

    def _terms(self, level: float) -> Terms:
        return Terms(0.0, level, self.missed)


def _upper(known: Array, is_right: Array, confidence: float) -> float:
    return 1 - wilson_lower_bound(int((~known | is_right).sum()), len(known), confidence)


def _lower(known: Array, is_right: Array, confidence: float) -> float:
    return wilson_lower_bound(int((known & ~is_right).sum()), len(known), confidence)


BROKEN = Metric(
    "broken",
    compute=lambda known, is_right: float((known & ~is_right).mean()),
    higher_is_better=False,
    bound=Bound("Wilson", _upper, better=_lower),
)


@dataclass(frozen=True, eq=False)
class BrokenOutput:
    """By one output each: which examples the baseline got right, and the model gets wrong.

    Attributes:
        before, now: which outputs are right, `(n,)`.
        truth: of them.
        most: what is allowed.
        settings: of judging.
    """

    before: Array
    now: Array
    truth: Truth
    most: float
    settings: JudgeSettings
    seeds: int = 1

    @property
    def _metric(self) -> Metric:
        return self.truth.own(BROKEN)

    @property
    def value(self) -> float:
        """The share of examples, beyond what a seed of the baseline breaks."""
        return float(self._metric.compute(self.before, self.now))

    @property
    def words(self) -> str:
        """What broke, as the beginning of a sentence."""
        count = int((self.before & ~self.now).sum())
        return f"{count:,} of {len(self.now):,} answers broke ({self.value:.2%}): they were right in the baseline"

    @property
    def method(self) -> str:
        """How it was tested."""
        independent = self.truth.folds is None and self.truth.groups is None
        return f"By {'the binomial distribution' if independent else f'{self._metric.confidence_bound.name}'}"

    @cached_property
    def p_worse(self) -> float:
        """Of independent examples exact; else the level at which the lower bound is just what is allowed."""
        if self.truth.folds is None and self.truth.groups is None:
            from scipy.stats import binom

            return float(binom.sf(int((self.before & ~self.now).sum()) - 1, len(self.now), self.most))
        if self.value <= self.most:
            return 1.0
        low, high = math.log(LEAST_LEVEL), math.log(0.5)
        for _ in range(SEARCHED):
            middle = (low + high) / 2
            clears = self._metric.both_bounds(self.before, self.now, 1 - math.exp(middle))[1] > self.most
            low, high = (low, middle) if clears else (middle, high)
        return math.exp(high)

    def decide(self, level: float) -> Outcome:
        """What it comes to, with a test of that level."""
        if self.p_worse < level:
            return Outcome.FAIL
        return Outcome.PASS if self.bound() <= self.most else Outcome.INCONCLUSIVE

    def bound(self) -> float:
        """Its upper bound."""
        return float(self._metric.confidence_bound.compute(self.before, self.now, 1 - self.settings.missed))

    def power(self, level: float) -> float:
        """How often twice as much as is allowed fails."""
        error = (self.bound() - self.value) / NormalDist().inv_cdf(1 - self.settings.missed)
        return normal_power(self.most, error, level)

    def more_seeds(self, level: float) -> None:
        """None: seeds tell nothing."""

    def advice(self, level: float) -> str:
        """What would decide, in a sentence."""
        return "It takes more test examples, or an allowance farther from what broke."
