"""Comparisons of a model with its baseline: by the seeds of both, or on the examples of one output each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from fitgate.gates.baseline import Baseline
from fitgate.gates.evidence import Evidence
from fitgate.gates.knowing import knows, lapses_of
from fitgate.gates.settings import COLLAPSED_AT, CONFIRMED_AT, CONFIRMING
from fitgate.gates.verdict import Outcome, Reason
from fitgate.metrics import Metric
from fitgate.runs import Evaluation
from fitgate.statistics import Change, Lapses, SeedsFall, examples_to_decide, p_value_of_gain
from fitgate.text import counted


class Confirmation(NamedTuple):
    """What fresh seeds say of a fall that others showed.

    Attributes:
        missing: how many of them are not trained yet.
        p_value: of those that are, one-sided; 1 of none.
    """

    missing: int
    p_value: float

    @property
    def seen(self) -> bool:
        """Whether they see it, too."""
        return not self.missing and self.p_value < CONFIRMED_AT


class Terms(NamedTuple):
    """What a comparison is decided by.

    Attributes:
        margin: the fall that the gate answers for, in the metric's unit.
        level: of the test, among those of the session.
        missed: how often a model that has fallen by the margin may pass.
    """

    margin: float
    level: float
    missed: float


@dataclass(frozen=True, eq=False)
class OfSeeds:
    """By the seeds of both, with the baseline's spread.

    Attributes:
        fall: of the metric's mean.
        before, now: means, in the metric's unit.
        repeats: how many seeds gave the one output; 1 where others differ, or there is but one.
        most: up to how many seeds the model may have at the last look.
        values: of the metric, of all of the model's seeds in their order: of the looks, and fresh ones.
        confirm: whether a fall is to be confirmed by fresh seeds.
        lapses: of all of these seeds; None where they are not tested.
    """

    fall: SeedsFall
    before: float
    now: float
    repeats: int
    most: int
    values: Sequence[float] = ()
    confirm: bool = False
    lapses: Lapses | None = None

    @property
    def seeds(self) -> int:
        """How many of the model's were compared."""
        return len(self.values)

    @property
    def method(self) -> str:
        """The test, in words."""
        count = self.fall.looks.first + len(self.fall.falls) - 1
        seeds = counted(count, "seed")
        known = self.fall.p_lapses.min() < min(self.fall.p_mean.min(), self.fall.p_lowest)
        what = " of the mistakes on what the baseline's seeds know" if known else ""
        return f"Student's t{what}, {seeds} against {self.fall.looks.baseline} and their spread"

    @property
    def p_worse(self) -> float:
        """That the model is no worse."""
        return self.fall.p_worse

    @property
    def p_better(self) -> float:
        """That it is no better."""
        return min(1.0, float(self.fall.p_better_at.min()))

    def more_seeds(self, terms: Terms) -> int | None:
        """How many seeds would tell more; None where there may be no more."""
        outcome, reason = self.decide(terms)
        if self.repeats > 1:
            return None
        if reason is Reason.FALL and (found := self.confirmation(terms)) is not None:
            return self.seeds + found.missing if found.missing else None
        undecided = outcome is Outcome.INCONCLUSIVE and reason is not Reason.UNCONFIRMED
        return self.seeds + 1 if undecided and self.seeds < self.most else None

    def confirmation(self, terms: Terms) -> Confirmation | None:
        """What fresh seeds say of a fall that failed at a look; None where none did, or none are asked."""
        first = self.fall.failed_at(terms.level, terms.margin / 2)
        if not self.confirm or self.repeats > 1 or first is None:
            return None
        fresh, lost = self.values[first : first + CONFIRMING], self.lapses
        if lost is not None:
            lost = lost._replace(now=lost.now[first : first + CONFIRMING])
        return Confirmation(CONFIRMING - len(fresh), self.fall.p_fresh(fresh, lost) if fresh else 1.0)

    def decide(self, terms: Terms) -> tuple[Outcome, Reason]:
        """FAIL where a significant fall matters, PASS where it is surely less than the margin, else INCONCLUSIVE.

        A fall that is not confirmed yet is a FAIL until it is refuted.
        """
        fall, (margin, level, missed) = self.fall, terms
        collapsed = fall.collapsed(level * (COLLAPSED_AT if self.confirm else 1), margin)  # no fresh seed confirms it
        if fall.fails(level, margin / 2):
            found = self.confirmation(terms)
            if found is None or found.missing or found.seen:
                return Outcome.FAIL, Reason.FALL
            if not collapsed:
                return Outcome.INCONCLUSIVE, Reason.UNCONFIRMED
        if collapsed:
            return Outcome.FAIL, Reason.COLLAPSE
        if (fall.bounds(missed) < margin).any():
            return Outcome.PASS, Reason.SMALL_FALL if fall.fails(level, 0.0) else Reason.NO_FALL
        return Outcome.INCONCLUSIVE, Reason.LOW_POWER

    def gained(self, terms: Terms) -> bool:
        """Whether a significant gain is of at least half of the margin."""
        return self.fall.gains(terms.level, terms.margin / 2)

    def bound(self, terms: Terms) -> float:
        """The upper bound of the fall, in the metric's unit."""
        return float(self.fall.bounds(terms.missed).min())

    def power(self, terms: Terms) -> float:
        """How often a fall of the margin's size comes to FAIL."""
        if self.confirm:
            return self.fall.power_confirmed(*terms, CONFIRMING, CONFIRMED_AT)
        return min(1.0, self.fall.operation(terms.margin, terms.margin, terms.level, terms.missed).fails)

    def advice(self, terms: Terms) -> str:
        """What it would take to decide, in words."""
        if self.repeats > 1:
            return "its seeds all give one output, and no seed tells more: a larger baseline or margin would"
        if (needed := self.fall.to_decide(*terms)) is None:
            return "it takes a larger margin, or more seeds than can be trained"
        baseline, seeds = needed
        if baseline <= self.fall.looks.baseline:
            return f"about {counted(seeds, 'seed')} would decide (--gate-budget={seeds})"
        own = f", and --gate-budget={seeds}" if seeds > self.most else ""
        return f"a baseline of about {baseline} seeds would decide{own}"


@dataclass(frozen=True, eq=False)
class OfExamples:
    """Of one output each, on the same examples, by the metric's own paired test: as deterministic models are compared.

    Attributes:
        change: from the one to the other.
        before, now: the metric's values.
        method: the test, in words.
        n: number of examples.
        repeats: how many seeds gave the one output.
        seeds: one, as that output stands for all.
        folds: whether all examples are tested already, in folds.
    """

    change: Change
    before: float
    now: float
    method: str
    n: int
    repeats: int = 1
    seeds: int = 1
    folds: bool = False

    def more_seeds(self, terms: Terms) -> None:
        """None: seeds tell nothing."""

    def confirmation(self, terms: Terms) -> None:
        """None: another fit gives the same output."""

    @property
    def p_worse(self) -> float:
        """That the model is no worse."""
        return self.change.p_value

    @property
    def p_better(self) -> float:
        """That it is no better."""
        return p_value_of_gain(self.change)

    def decide(self, terms: Terms) -> tuple[Outcome, Reason]:
        """FAIL where a significant fall matters, PASS where it is surely less than the margin, else INCONCLUSIVE."""
        significant = self.change.p_value < terms.level
        if significant and self.change.size >= terms.margin / 2:
            return Outcome.FAIL, Reason.FALL
        if self.bound(terms) < terms.margin:
            return Outcome.PASS, Reason.SMALL_FALL if significant else Reason.NO_FALL
        return Outcome.INCONCLUSIVE, Reason.LOW_POWER

    def gained(self, terms: Terms) -> bool:
        """Whether a significant gain is of at least half of the margin."""
        return self.p_better < terms.level and -self.change.size >= terms.margin / 2

    def bound(self, terms: Terms) -> float:
        """The upper bound of the fall, in the metric's unit."""
        return self.change.upper_bound(1 - terms.missed)

    def power(self, terms: Terms) -> float:
        """How often a fall of the margin's size comes to FAIL."""
        return self.change.power(terms.margin, terms.level)

    def advice(self, terms: Terms) -> str:
        """What it would take to decide, in words."""
        error = (self.bound(terms) - self.change.size) / NormalDist().inv_cdf(1 - terms.missed)
        examples = examples_to_decide(self.n, error, terms.margin, terms.level, terms.missed)
        if examples > 1_000 * self.n:
            return "it takes a larger margin"
        all_tested = "" if self.folds else ", or cross-validation, which tests all"
        return f"it takes more test examples, about {max(examples, self.n + 1):,}, such as a larger profile{all_tested}"


Comparison = OfSeeds | OfExamples


def compare(
    baseline: Baseline,
    runs: Sequence[Evaluation],
    now: Sequence[float],
    repeats: int,
    metric: Metric,
    evidence: Evidence,
) -> Comparison | None:
    """A model against its baseline; None where that has no value of the metric.

    Args:
        baseline: of one seed for a deterministic model; else of several.
        runs: the model's, in the order of training.
        now: the metric's values of these; finite.
        repeats: how many seeds the one run stands for.
        metric: on the task's classes.
        evidence: what there is.
    """
    truth, settings = evidence.truths[baseline.about.task], evidence.settings
    target = truth.target
    before = baseline.values(metric, target)
    if not np.isfinite(before).all():
        return None
    if len(before) > 1:
        plan = (settings.seeds, settings.most_seeds, metric.higher_is_better, metric.step(truth.counted))
        looked_at = now[: settings.last_look] if settings.confirm else now
        lost = lapses_of(runs, baseline, truth) if knows(baseline, metric, truth) else None
        fall = SeedsFall(before, looked_at, *plan, lost and lost._replace(now=lost.now[: len(looked_at)]))
        means = float(np.mean(before)), float(np.mean(now))
        return OfSeeds(fall, *means, repeats, settings.most_seeds, now, settings.confirm, lost)
    outputs = metric.output(baseline.outputs[0]), metric.output(runs[0].outputs)
    change = metric.paired_test.compute(target, *outputs)
    method, in_folds = metric.paired_test.describe(change), truth.folds is not None
    return OfExamples(change, before[0], now[0], method, truth.n, repeats, folds=in_folds)
