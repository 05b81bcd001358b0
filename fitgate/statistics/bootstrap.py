"""The bootstrap: bounds and comparisons for any metric that is computed from targets and outputs.

Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapters 13 and 16. Seeds are fixed, so
that the same outputs always get the same answer.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.statistics.means import Fall

Compute = Callable[[NDArray[np.generic], NDArray[np.generic]], float]

RESAMPLES = 1_000


def bootstrap_lower_bound(
    compute: Compute,
    target: ArrayLike,
    output: ArrayLike,
    confidence: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
    higher_is_better: bool = True,
    worst: float = math.inf,
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

    Raises:
        ValueError: if the arrays differ in length or are empty, or if more than half of the draws have no value (the
            metric is NaN there, or raises ValueError, as a ROC AUC does where a class is missing).
    """
    rows = _rows(target, output)
    values = _resampled(lambda target, output: float(compute(target, output)), rows, resamples, seed)
    if min(values) == max(values):
        return unspread_bound(values[0], worst, len(rows[0]), confidence)
    return float(np.quantile(values, 1 - confidence if higher_is_better else confidence))


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

    Raises:
        ValueError: as `bootstrap_lower_bound`, and if the metric has no value on all of the examples.
    """
    sign = 1 if higher_is_better else -1

    def fall(target: NDArray[np.generic], before: NDArray[np.generic], now: NDArray[np.generic]) -> float:
        return sign * (float(compute(target, before)) - float(compute(target, now)))

    rows = _rows(target, before, now)
    observed = fall(*rows)
    if math.isnan(observed):
        raise ValueError(f"the metric is NaN on all {len(rows[0])} examples, expected a number")
    return null_fall(np.array(_resampled(fall, rows, resamples, 0)), observed)


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


def _rows(*arrays: ArrayLike) -> tuple[NDArray[np.generic], ...]:
    rows = tuple(np.asarray(array) for array in arrays)
    lengths = [len(array) for array in rows]
    if len(set(lengths)) > 1 or not lengths[0]:
        raise ValueError(f"arrays of {', '.join(map(str, lengths))} examples, expected the same number, 1 or more")
    return rows


def _resampled(
    compute: Callable[..., float], rows: tuple[NDArray[np.generic], ...], resamples: int, seed: int
) -> list[float]:
    """The values of so many resamples that have one, out of no more than twice as many draws."""
    values: list[float] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a metric may warn of a missing class a thousand times
        for drawn in _draws(len(rows[0]), 2 * resamples, seed):
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


def _draws(n: int, count: int, seed: int) -> Iterator[NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield rng.integers(n, size=n)
