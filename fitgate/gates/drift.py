"""Drift: how far a model's metric has moved from one baseline to another, and how sure that is."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.gates.baseline import Baseline
from fitgate.metrics import Metric
from fitgate.statistics import difference_interval

CONFIDENCE = 0.95


class Drift(NamedTuple):
    """How far a metric has moved.

    Attributes:
        then, now: its means over the seeds of both baselines.
        low, high: the ends of the confidence interval of the difference, in the metric's unit.
    """

    then: float
    now: float
    low: float
    high: float

    def words(self, metric: Metric) -> str:
        """As `0.8641 -> 0.8683 (+0.42 points; 95% interval +0.31 to +0.53 points)`."""
        low, high = metric.difference(self.low), metric.difference(self.high)
        unit = low.partition(" ")[2]
        begin = low.removesuffix(unit).strip() if high.endswith(unit) else low
        return (
            f"{metric.shown(self.then)} -> {metric.shown(self.now)} ({metric.difference(self.now - self.then)}; "
            f"{CONFIDENCE:.0%} interval {begin} to {high})"
        )


def drift(before: Baseline, now: Baseline, metric: Metric, target: NDArray[Any]) -> Drift | None:
    """The drift from one baseline to another of the same data; None where one has no value of the metric.

    The interval is Welch's for the means of seeds, which is too wide where both have some of them in common; of one
    output each, on the same examples, it is that of the metric's paired test.
    """
    earlier, later = (baseline.values(metric, target) for baseline in (before, now))
    if not np.isfinite([*earlier, *later]).all():
        return None
    then, today = float(np.mean(earlier)), float(np.mean(later))
    if max(len(earlier), len(later)) > 1:
        return Drift(then, today, *difference_interval(earlier, later, CONFIDENCE))
    outputs = [metric.output(baseline.outputs[0]) for baseline in (before, now)]
    one_sided, compute = (1 + CONFIDENCE) / 2, metric.paired_test.compute
    fall = compute(target, *outputs).upper_bound(one_sided)
    rise = compute(target, *reversed(outputs)).upper_bound(one_sided)
    low, high = (-fall, rise) if metric.higher_is_better else (-rise, fall)
    return Drift(then, today, min(low, today - then), max(high, today - then))
