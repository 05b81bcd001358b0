"""Metrics of groups: bound and test of a metric where the examples of a group depend on each other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from fitgate.metrics.metric import Array, Bound, Metric, PairedTest
from fitgate.statistics import bootstrap_fall, bootstrap_lower_bound, unspread_bound


def grouped(metric: Metric, groups: Array) -> Metric:
    """A metric of examples that depend on each other: groups are resampled as wholes, so more rows add no certainty.

    Args:
        metric: as it is on the task's classes.
        groups: of the outputs, `(n,)`, integers from 0 on; two groups or more.
    """
    units = int(groups.max()) + 1
    higher, (low, high) = metric.higher_is_better, metric.range
    resampled = partial(bootstrap_lower_bound, metric.compute, groups=groups, terms=metric.terms)

    def worse(target: Array, output: Array, confidence: float) -> float:
        bound = resampled(target, output, confidence, higher_is_better=higher, worst=low if higher else high)
        if not metric.knows_perfection:
            return bound
        return min(bound, unspread_bound(high, low, units, confidence))  # few mistakes are no more certain than none

    def better(target: Array, output: Array, confidence: float) -> float:
        return resampled(target, output, confidence, higher_is_better=not higher, worst=high if higher else low)

    test = partial(bootstrap_fall, metric.compute, higher_is_better=higher, groups=groups, terms=metric.terms)
    return replace(
        metric,
        bound=Bound("bootstrap of groups", worse, better=better),
        paired=PairedTest("the paired bootstrap of groups", test),
    )
