"""Plausibility: whether what was measured is there once, and could be, as far as it shows without arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
import numpy as np

from fitgate.latency.timing import Timing
from fitgate.metrics import METRICS
from fitgate.record.entries import MetricEntry
from fitgate.record.outline import FitOutline
from fitgate.record.record import PLACES
from fitgate.runs import Fit


def twice(record: msgspec.Struct) -> Iterator[str]:
    """What is there twice in a record, or in an outline of one, though an entry takes the place of the earlier."""
    for kind, (name, key) in PLACES.items():
        if key is None or not hasattr(record, name):
            continue
        seen = set()
        for entry in getattr(record, name):
            if (own := key(entry)) in seen:
                yield f"two entries of kind {kind.__name__} for {_shown(own)}"
            seen.add(own)


def _shown(key: object) -> str:
    return ", ".join(map(str, key)) if isinstance(key, tuple) else str(key)


def metric_faults(metrics: Iterable[MetricEntry]) -> Iterator[str]:
    """What is wrong with metrics, each as a noun."""
    for metric in metrics:
        known = METRICS.get(metric.name)
        if known is not None and (metric.higher_is_better, metric.unit) != (known.higher_is_better, known.unit):
            yield f"metric {metric.name} with another direction or unit"


def fit_faults(fits: Iterable[Fit | FitOutline], digests: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with fits, each as a noun; `digests` are those of the data, by task."""
    for fit in fits:
        if fit.data_digest != digests.get(fit.task, fit.data_digest):
            yield f"a fit of {fit.model} on {fit.task} to other data, SHA-256 {fit.data_digest[:16]}"
        yield from negative(f"{fit.model} on {fit.task}", [fit.seconds, fit.compile_seconds])


def timing_faults(timings: Iterable[Timing]) -> Iterator[str]:
    """What is wrong with timings, each as a noun."""
    for t in timings:
        where = f"{t.model} on {t.task}, scenario {t.scenario}"
        ends = [min(t.seconds, default=0.0), max(t.seconds, default=0.0)]  # all are right where these are
        yield from negative(where, [*ends, t.first_seconds, t.compile_seconds, t.round_trip_seconds])
        if t.processes and (
            sum(p.queries for p in t.processes) != len(t.seconds) or min(p.queries for p in t.processes) < 1
        ):
            yield f"processes of {where} with other queries than it has"
            continue
        for process in t.processes:
            yield from negative(where, [process.load_seconds, process.first_seconds])
        positive = (t.rate, t.bound, ends[0] if ends[0] > 0 else ends[1] and float(np.median(t.seconds)))
        if not 1 <= t.batch_size < 2**31 or not all(x is None or x > 0 for x in positive):
            yield f"timings of {where} that can't be: batch size {t.batch_size}, {len(t.seconds)} queries"
        yield from negative(where, [t.work_per_example, *t.joules.values()])


def negative(where: str, numbers: Iterable[float | None]) -> Iterator[str]:
    """Numbers below zero, or beyond all measure, each as a noun."""
    for number in numbers:
        if number is not None and not -1e-6 <= number < 2**63:  # differences of clocks are rounded
            yield f"{number:g} of {where}, which can't be"
