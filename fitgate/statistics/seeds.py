"""Falls of a metric from the seeds of a baseline to those of a candidate, looked at after each seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.statistics.confirmation import power_confirmed
from fitgate.statistics.lapses import Lapses
from fitgate.statistics.sequential import (
    Looks,
    Operation,
    crossing,
    height_of,
    lowest_crossing,
    operation,
    student_tail,
)

OF_LOWEST = 0.1  # share of a gate's level that the test of its worst seed spends
OF_LAPSES = 0.3  # and the test of what every seed knew, where there is one
OTHERS_AT = 0.05  # the level at which a candidate's seeds but the worst are to fall, where that alone may not decide
MOST_ADVISED = 1_000  # seeds, beyond which their number is no advice
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SeedsFall:
    """How far the mean over a candidate's seeds lies below the baseline's, by the baseline's own spread.

    Tests share the level: of the mean, at each look, nine tenths; of the worst seed, which may have collapsed while the
    others' mean hides it, one tenth. See `fitgate.statistics.sequential` for both. Where lapses are given, their mean
    is tested like the values', with three of the nine tenths; what has fallen is the metric in any case.
    Where one seed alone may not decide, the worst is not tested, and the mean fails only if that of the others has
    fallen, too, at 5 %: a baseline may have none of a model's rare seeds that are far off.

    Args:
        before, now: values of the metric, `(m,)` with two or more, and `(k,)` in the order of training.
        first, most: when one looks, as in `Looks`; what there is of the candidate is looked at in any case.
        higher_is_better: the metric's direction; a worsening is positive either way.
        step: the least by which two values can differ, such as that of one example more; 0 where there is no such.
        lapses: of the same seeds; None where there are none, or no seeds of a candidate to have any.
        knows: whether there will be lapses; by default, whether there are.
        least: the least spread that is believed.
        by_one: whether one seed alone may decide.

    Raises:
        ValueError: if there are fewer than two values before, or none now, or not as many lapses.
    """

    before: ArrayLike
    now: ArrayLike
    first: int = 1
    most: int = 1
    higher_is_better: bool = True
    step: float = 0.0
    lapses: Lapses | None = None
    knows: bool | None = None
    least: float = 0.0
    by_one: bool = True

    def __post_init__(self) -> None:
        m, k = len(self._before), len(self._now)
        if m < 2 or k < 1:
            raise ValueError(f"{m} values before and {k} now, expected two or more, and one or more")
        if self.lapses is not None and (len(self.lapses.before), len(self.lapses.now)) != (m, k):
            raise ValueError(f"lapses of {len(self.lapses.before)} seeds and {len(self.lapses.now)}, expected {m}, {k}")

    @property
    def tests_lapses(self) -> bool:
        """Whether lapses are tested besides."""
        return self.lapses is not None if self.knows is None else self.knows

    @property
    def of_mean(self) -> float:
        """The share of the level that the test of the mean spends."""
        return 1 - self.by_one * OF_LOWEST - self.tests_lapses * OF_LAPSES

    @cached_property
    def looks(self) -> Looks:
        """The plan, of which the candidate's seeds so far are the beginning."""
        count = len(self._now)
        return Looks(len(self._before), min(max(self.first, 1), count), max(self.most, count))

    @cached_property
    def spread(self) -> float:
        """The SD of the baseline's seeds; where all came to one value, what rounding to whole steps gives.

        Any other value would else be a certain change. Source: W. F. Sheppard's variance of rounding, a twelfth of the
        step's square.
        """
        spread = float(self._before.std(ddof=1))
        return max(self.least, spread if spread > self._rounding else self.step / math.sqrt(12))

    @cached_property
    def falls(self) -> Array:
        """The fall at each look so far, in the metric's unit."""
        seeds = np.arange(1, len(self._now) + 1)
        falls = (self._before.mean() - self._now.cumsum() / seeds)[self.looks.first - 1 :]
        return np.where(np.abs(falls) <= self._rounding, 0.0, falls)

    @property
    def size(self) -> float:
        """The fall at the last look."""
        return float(self.falls[-1])

    @property
    def lowest(self) -> float:
        """How far the worst seed lies below the baseline's mean."""
        return float(self._before.mean() - self._now.min())

    @cached_property
    def p_values(self) -> Array:
        """Of each look, one-sided, that the candidate is no worse: how often any look of the plan sees as much."""
        return np.minimum(self.p_mean, self.p_lapses)

    @cached_property
    def p_mean(self) -> Array:
        """The same by the test of the mean alone."""
        found = np.array([crossing(self.looks, t) for t in self._heights(self.falls)]) / self.of_mean
        return found if self.by_one else np.where(self._others_fall, found, 1.0)

    @cached_property
    def _others_fall(self) -> NDArray[np.bool_]:
        """Of each look, whether the seeds but the worst have fallen; of one seed, there are no others."""
        first, m = self.looks.first, len(self._before)
        sums = (self._now.cumsum() - np.minimum.accumulate(self._now))[first - 1 :]
        counts = range(first - 1, first - 1 + len(sums))
        falls = [
            self._before.mean() - total / count if count else 0.0 for total, count in zip(sums, counts, strict=True)
        ]
        errors = [self.spread * math.sqrt(1 / m + 1 / max(count, 1)) for count in counts]
        tails = [student_tail(float(fall), error, m - 1) for fall, error in zip(falls, errors, strict=True)]
        return np.array(tails) < OTHERS_AT

    @cached_property
    def p_lapses(self) -> Array:
        """The same by the lapses alone; 1 without any."""
        if self.lapses is None:
            return np.ones_like(self.falls)
        errors = self._spread_of_lapses * self.looks.errors[: len(self.falls)]
        means = (self.lapses.now.cumsum() / np.arange(1, len(self._now) + 1))[self.looks.first - 1 :]
        heights = (means - self.lapses.before.mean()) / errors
        return np.array([crossing(self.looks, float(t)) for t in heights]) / OF_LAPSES

    @property
    def _spread_of_lapses(self) -> float:
        assert self.lapses is not None, "asked for where there are some"
        return max(float(self.lapses.before.std(ddof=1)), self.lapses.least)

    @cached_property
    def p_lowest(self) -> float:
        """That the worst seed is one of the baseline's kind, for all seeds of the plan; 1 where it is not tested."""
        if not self.by_one:
            return 1.0
        in_spreads = self.lowest / self.spread if self.spread else math.copysign(math.inf, self.lowest)
        return lowest_crossing(self.looks.baseline, self.looks.most, in_spreads) / OF_LOWEST if self.lowest > 0 else 1.0

    @property
    def p_worse(self) -> float:
        """That the candidate is no worse, by both tests and all looks."""
        return min(1.0, float(self.p_values.min()), self.p_lowest)

    @cached_property
    def p_better_at(self) -> Array:
        """Of each look, that the candidate is no better."""
        return np.array([crossing(self.looks, t) for t in self._heights(-self.falls)])

    def fails(self, level: float, least: float) -> bool:
        """Whether at any look the fall was significant, and at least so large."""
        return bool(((self.p_values < level) & (self.falls >= least)).any())

    def failed_at(self, level: float, least: float) -> int | None:
        """How many seeds there were at the first look that fails; None where none does."""
        failing = np.flatnonzero((self.p_values < level) & (self.falls >= least))
        return self.looks.first + int(failing[0]) if len(failing) else None

    def p_fresh(self, fresh: ArrayLike, lost: Lapses | None = None) -> float:
        """Of seeds `(c,)` that no look has seen, one-sided, that the candidate is no worse.

        Args:
            fresh: values of the metric.
            lost: their lapses, which share the level with it; None for none.
        """
        values, m = self._oriented(fresh), len(self._before)
        error = math.sqrt(1 / m + 1 / len(values))
        p_mean = student_tail(float(self._before.mean() - values.mean()), self.spread * error, m - 1)
        if self.lapses is None or lost is None:
            return p_mean
        more = float(lost.now.mean() - self.lapses.before.mean())
        return min(1.0, 2 * p_mean, 2 * student_tail(more, self._spread_of_lapses * error, m - 1))

    def collapsed(self, level: float, least: float) -> bool:
        """Whether the worst seed lies below what the baseline's seeds predict, and by at least so much."""
        return self.p_lowest < level and self.lowest >= least

    def gains(self, level: float, least: float) -> bool:
        """Whether at any look a gain was significant, and at least so large."""
        return bool(((self.p_better_at < level) & (-self.falls >= least)).any())

    def bounds(self, missed: float) -> Array:
        """Upper bounds of the fall, one a look so far: all hold together, but for a share `missed` of candidates."""
        return np.asarray(
            self.falls + height_of(self.looks, missed) * self.spread * self.looks.errors[: len(self.falls)]
        )

    def operation(
        self, margin: float, fall: float, level: float, missed: float, baseline: int | None = None
    ) -> Operation:
        """What comes of the plan by the mean alone, where the true fall is so large and the true spread the baseline's.

        Args:
            margin, fall: in the metric's unit.
            level, missed: as for `operation`.
            baseline: how many seeds it had; None for as many as it has.
        """
        looks = self.looks if baseline is None else self.looks._replace(baseline=baseline)
        if not self.spread:
            ends = (1.0, 0.0) if fall >= margin else (0.0, 1.0)  # all is certain
            return Operation(*ends, 0.0, float(looks.first))
        found = operation(looks, level * self.of_mean, missed, margin / self.spread, fall / self.spread)
        if self.by_one or looks.most > 1:
            return found
        return found._replace(fails=0.0, open=found.open + found.fails)

    def power_confirmed(self, margin: float, level: float, missed: float, fresh: int, at: float) -> float:
        """How often a fall of the margin fails by its mean, if it takes so many fresh seeds that agree at a level."""
        if not self.spread:
            return 1.0
        at = at / 2 if self.tests_lapses else at  # which lapses share
        return power_confirmed(self.looks, level * self.of_mean, missed, margin / self.spread, fresh, at)

    def to_decide(self, margin: float, level: float, missed: float) -> tuple[int, int] | None:
        """About how many seeds of the baseline and of the candidate decide a fall of just this size.

        More of the candidate if that is enough, else more of the baseline, else more of both; None where it takes more
        than can be, as where the fall is between what passes and what fails.
        """
        passes = (margin - self.size) / height_of(self.looks, missed)
        fails = self.size / height_of(self.looks, level * self.of_mean) if self.size >= margin / 2 else 0.0
        if not self.spread or (needed := (max(passes, fails) / self.spread)) <= 0:
            return None
        m, k = self.looks.baseline, max(self.looks.most, len(self._now))
        of_candidate, of_baseline = _rest(needed, m), _rest(needed, k)
        if of_candidate <= MOST_ADVISED:
            return m, max(of_candidate, k + 1)  # boundaries rise a little with each look
        if of_baseline <= MOST_ADVISED:
            return max(of_baseline, m + 1), k
        both = math.ceil(2 / needed**2)
        return (both, both) if both <= MOST_ADVISED else None

    def _heights(self, falls: Array) -> list[float]:
        if not self.spread:
            return [math.copysign(math.inf, fall) if fall else 0.0 for fall in falls]
        return [float(t) for t in falls / self.spread / self.looks.errors[: len(falls)]]

    @cached_property
    def _before(self) -> Array:
        return self._oriented(self.before)

    @cached_property
    def _now(self) -> Array:
        return self._oriented(self.now)

    @property
    def _rounding(self) -> float:
        return 1e-12 * float(max(np.abs(self._before).max(), np.abs(self._now).max()))

    def _oriented(self, values: ArrayLike) -> Array:
        return np.asarray(values, np.float64) * (1 if self.higher_is_better else -1)


def _rest(error: float, seeds: int) -> int:
    """With how many others some seeds come to a standard error, in SDs of a seed; many if they never do."""
    left = error**2 - 1 / seeds
    return math.ceil(1 / left) if left > 0 else 10**9
