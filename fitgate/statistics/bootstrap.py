"""The bootstrap: bounds and comparisons for any metric that is computed from targets and outputs.

Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 13 and 16. Seeds are fixed, so
that the same outputs always get the same answer.

Examples that depend on each other are resampled together, a group at a time: A. C. Davison, D. V. Hinkley, "Bootstrap
Methods and their Application" (1997), section 3.8. Of few groups, resamples show too narrow a spread: Student's t, with
as many degrees of freedom as groups less one, holds them back (A. C. Cameron, J. B. Gelbach, D. L. Miller,
"Bootstrap-based improvements for inference with clustered errors", Review of Economics and Statistics 90, 2008).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.statistics.means import Fall

Compute = Callable[[NDArray[np.generic], NDArray[np.generic]], float]
Terms = Callable[[NDArray[np.generic], NDArray[np.generic]], NDArray[np.float64]]

RESAMPLES = 1_000
LEAST_BEYOND = 10  # resamples beyond a percentile, without which it says too little


def bootstrap_lower_bound(
    compute: Compute,
    target: ArrayLike,
    output: ArrayLike,
    confidence: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
    higher_is_better: bool = True,
    worst: float = math.inf,
    groups: NDArray[np.generic] | None = None,
    terms: Terms | None = None,
) -> float:
    """One-sided confidence bound of a metric on its worse side, by the percentile bootstrap over examples.

    It is a lower bound where higher is better, and an upper bound where lower is. Source: Efron and Tibshirani,
    chapter 13. Where all resamples have one value, it is `unspread_bound`.

    Args:
        compute: the metric, `(target, output) -> float`.
        target, output: arrays `(n, ...)` of any dtype, one row an example.
        confidence: of the bound, as 0.99.
        resamples: how many resamples to draw. Their metric is computed for each, which takes most of the time.
        seed: of the resamples.
        higher_is_better: the metric's direction.
        worst: the worst value that the metric can have; infinite where it has no end.
        groups: of examples that depend on each other, `(n,)`; None where none do.
        terms: of the target and output, `(n,)`, whose mean the metric is: resampled alone, they take a fraction of the
            time; None for a metric that is no such mean.

    Raises:
        ValueError: if the arrays differ in length or are empty, there is but one group, or more than half of the draws
            have no value (the metric is NaN there, or raises ValueError, as a ROC AUC does where a class is missing).
    """
    rows = _rows(target, output)
    draws = Draws(len(rows[0]), groups)
    value: Callable[..., float] = partial(_value, compute)
    if terms is not None:
        value, rows = _mean, (terms(*rows),)
    values = np.array(_resampled(value, rows, resamples, seed, draws))
    if values.min() == values.max():
        return unspread_bound(float(values[0]), worst, draws.units, confidence)
    bound = draws.bound(values, lambda: value(*rows), confidence, higher_is_better)
    if not math.isfinite(worst):
        return bound
    return max(bound, worst) if higher_is_better else min(bound, worst)


def unspread_bound(value: float, worst: float, n: int, confidence: float) -> float:
    """The bound of a metric that all resamples give the same value, such as that of answers without a mistake.

    Of what never happened in n examples, a share of `1 - (1 - confidence) ** (1 / n)` may happen all the same: so
    large a part of the way to the worst value the bound lies off, as that of a count of mistakes does exactly.

    Args:
        value: of all resamples.
        worst: the worst value that the metric can have; where it is infinite, the bound is the value.
        n: number of examples.
        confidence: of the bound.
    """
    return value + (worst - value) * (1 - (1 - confidence) ** (1 / n)) if math.isfinite(worst) else value


def bootstrap_fall(
    compute: Compute,
    target: ArrayLike,
    before: ArrayLike,
    now: ArrayLike,
    resamples: int = RESAMPLES,
    higher_is_better: bool = True,
    groups: NDArray[np.generic] | None = None,
    terms: Terms | None = None,
) -> Fall:
    """How much worse a metric has become on the same examples, by the paired bootstrap of the null.

    The p-value is the share of resamples in which the fall, less the fall that was observed, is at least the observed
    one; for less than one in `resamples` see `null_fall`. Source: P. Koehn, "Statistical significance tests for
    machine translation evaluation", EMNLP 2004, with the shift of Efron and Tibshirani, chapter 16.

    Args:
        compute: the metric, `(target, output) -> float`.
        target, before, now: arrays `(n, ...)` of any dtype, one row an example.
        resamples: how many resamples to draw.
        higher_is_better: the metric's direction; a worsening is positive either way.
        groups: of examples that depend on each other, `(n,)`; None where none do.
        terms: as for `bootstrap_lower_bound`.

    Raises:
        ValueError: as `bootstrap_lower_bound`, and if the metric has no value on all of the examples.
    """
    sign = 1 if higher_is_better else -1

    def of_outputs(target: NDArray[np.generic], before: NDArray[np.generic], now: NDArray[np.generic]) -> float:
        return sign * (float(compute(target, before)) - float(compute(target, now)))

    fall: Callable[..., float] = of_outputs
    rows = _rows(target, before, now)
    if terms is not None:
        fall, rows = _mean, (sign * (terms(rows[0], rows[1]) - terms(rows[0], rows[2])),)
    observed = fall(*rows)
    if math.isnan(observed):
        raise ValueError(f"the metric is NaN on all {len(rows[0])} examples, expected a number")
    draws = Draws(len(rows[0]), groups)
    found = null_fall(np.array(_resampled(fall, rows, resamples, 0, draws)), observed)
    return found if groups is None else draws.held_back(found)


def null_fall(falls: NDArray[np.float64], observed: float) -> Fall:
    """A fall whose p-value is counted among resampled falls `(resamples,)`, shifted to a mean of zero.

    Where no resample (or every one) lies beyond the observed fall, a count can only say that the p-value is nearer to
    0 (or 1) than 1 in `resamples + 1`. Then it is that of the normal distribution with the resamples' standard error,
    if that is nearer still: otherwise none of several hundred gates could ever reject after Holm's adjustment.
    """
    resamples, error = len(falls), float(falls.std(ddof=1))
    if observed == error == 0:
        return Fall(0.0, 0.0, 1.0, math.inf)
    beyond = int(np.sum(falls - observed >= observed))
    p_value = (beyond + 1) / (resamples + 1)
    tail = min(1 / (resamples + 1), NormalDist().cdf(-abs(observed) / error) if error else 0.0)
    if beyond in (0, resamples):
        p_value = tail if not beyond else 1 - tail
    return Fall(observed, error, p_value, math.inf)


class Draws:
    """How resamples are drawn: each example by itself, or all of a group together.

    Args:
        n: number of examples.
        groups: `(n,)`; None where examples are independent.

    Raises:
        ValueError: if there is but one group.
    """

    def __init__(self, n: int, groups: NDArray[np.generic] | None = None):
        self._n = n
        self._sizes: NDArray[np.intp] | None = None
        if groups is not None:
            codes, self._sizes = np.unique(groups, return_inverse=True, return_counts=True)[1:]
            if len(self._sizes) < 2:
                raise ValueError(f"{n} examples of one group, expected two groups or more")
            self._order = np.argsort(codes.reshape(-1), kind="stable")
            self._starts = np.cumsum(self._sizes) - self._sizes

    @property
    def units(self) -> int:
        """How many are drawn: groups, or examples."""
        return self._n if self._sizes is None else len(self._sizes)

    def rows(self, count: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """The places of the examples of so many resamples."""
        rng = np.random.default_rng(seed)
        for _ in range(count):
            drawn = rng.integers(self.units, size=self.units)
            if self._sizes is not None:
                sizes = self._sizes[drawn]
                ends = np.cumsum(sizes)
                drawn = self._order[np.arange(ends[-1]) + np.repeat(self._starts[drawn] - (ends - sizes), sizes)]
            yield drawn

    def bound(
        self, values: NDArray[np.float64], value: Callable[[], float], confidence: float, higher_is_better: bool
    ) -> float:
        """The one-sided bound that resampled values `(resamples,)` come to.

        It is their percentile. Of groups, and beyond what so many resamples can show, it is no nearer to the metric's
        value on all examples than Student's t, or the normal distribution, has it.
        """
        quantile = float(np.quantile(values, 1 - confidence if higher_is_better else confidence))
        if self._sizes is None and (1 - confidence) * len(values) >= LEAST_BEYOND - 1e-9:
            return quantile
        reach = self._quantile(confidence) * self._widened(float(values.std(ddof=1)))
        return min(quantile, value() - reach) if higher_is_better else max(quantile, value() + reach)

    def held_back(self, fall: Fall) -> Fall:
        """A fall of resampled groups, with the more cautious of its p-value and that of Student's t."""
        from scipy.stats import t

        error, freedom = self._widened(fall.standard_error), self.units - 1
        by_t = float(t.sf(fall.size / error, freedom)) if error else fall.p_value
        return Fall(fall.size, error, sorted((fall.p_value, by_t, 0.5))[1], freedom)

    def _widened(self, error: float) -> float:
        return error if self._sizes is None else error * math.sqrt(self.units / (self.units - 1))

    def _quantile(self, confidence: float) -> float:
        from scipy.stats import t

        return NormalDist().inv_cdf(confidence) if self._sizes is None else float(t.ppf(confidence, self.units - 1))


def _value(compute: Compute, target: NDArray[np.generic], output: NDArray[np.generic]) -> float:
    return float(compute(target, output))


def _mean(terms: NDArray[np.float64]) -> float:
    return float(terms.mean())


def _rows(*arrays: ArrayLike) -> tuple[NDArray[np.generic], ...]:
    rows = tuple(np.asarray(array) for array in arrays)
    lengths = [len(array) for array in rows]
    if len(set(lengths)) > 1 or not lengths[0]:
        raise ValueError(f"arrays of {', '.join(map(str, lengths))} examples, expected the same number, 1 or more")
    return rows


def _resampled(
    compute: Callable[..., float], rows: tuple[NDArray[np.generic], ...], resamples: int, seed: int, draws: Draws
) -> list[float]:
    """The values of so many resamples that have one, out of no more than twice as many draws."""
    values: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a metric may warn of a missing class a thousand times
        for drawn in draws.rows(2 * resamples, seed):
            try:
                value = compute(*(array[drawn] for array in rows))
            except ValueError:
                continue
            if not math.isnan(value):
                values.append(value)
            if len(values) == resamples:
                return values
    raise ValueError(
        f"the metric has a value on {len(values)} of {2 * resamples} resamples of {len(rows[0])} examples, expected "
        "half of them or more; its classes are too rare for a bootstrap"
    )
