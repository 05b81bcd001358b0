"""Metrics across folds: a metric's mean over the folds of a repeated cross-validation, with its bound and its test."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.metrics.metric import Array, Bound, Metric, PairedTest, Rates
from fitgate.statistics import Fall, Folds, corrected_bound, corrected_fall, student_power, unspread_bound


def across(metric: Metric, folds: Folds) -> Metric:
    """A metric's mean over folds, of outputs one fold after the other: bound and test by Nadeau and Bengio.

    Its value is NaN where a fold has none.

    Args:
        metric: as it is on the task's classes.
        folds: of the outputs.
    """
    sign, (low, high) = (1 if metric.higher_is_better else -1), metric.range
    step = metric.step(max(folds.sizes))

    def values(target: Array, output: Array) -> NDArray[np.float64]:
        return np.array([metric.compute(target[part], output[part]) for part in folds.parts], np.float64)

    def one_sided(target: Array, output: Array, confidence: float, side: int) -> float:
        """The lower bound with 1 as the side, the upper with -1."""
        bound = side * corrected_bound(side * values(target, output), folds.share, confidence, step)
        return float(np.clip(bound, low, high))

    def worse(target: Array, output: Array, confidence: float) -> float:
        bound = one_sided(target, output, confidence, sign)
        if not metric.knows_perfection:
            return bound
        return min(bound, unspread_bound(high, low, folds.n, confidence))  # few mistakes are no more certain than none

    def better(target: Array, output: Array, confidence: float) -> float:
        return one_sided(target, output, confidence, -sign)

    def rates(floor: float, value: float, bound: float, n: int, confidence: float) -> Rates:
        from scipy.stats import t

        freedom = len(folds.sizes) - 1
        error = abs(value - bound) / float(t.ppf(confidence, freedom))
        return Rates(1 - confidence, student_power(metric.lead(value, floor), error, freedom, 1 - confidence))

    def fall(target: Array, before: Array, now: Array) -> Fall:
        return corrected_fall(sign * values(target, before), sign * values(target, now), folds.share, step)

    def mean(target: Array, output: Array) -> float:
        found = values(target, output)
        return math.nan if np.isnan(found).any() else float(found.mean())

    def counted(change: Any) -> str:
        return f"{len(folds.sizes)} folds"

    return replace(
        metric,
        compute=mean,
        bound=Bound("Nadeau and Bengio", worse, rates, better),
        paired=PairedTest("the corrected resampled t-test", fall, counted),
    )
