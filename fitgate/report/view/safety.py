"""Safety of gates: how surely clean models pass them, over runs that differ in their seed alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitgate.gates import Verdict
from fitgate.record import Record
from fitgate.report.view.environment import size

DEVIATIONS = 3


@dataclass(frozen=True)
class SafetyRow:
    """A gate over several runs; None for numbers that its verdicts do not have.

    Attributes:
        model, task, rule: names.
        runs, passed: how many there were, and how many passed.
        mean, deviation, worst: of the metric's values.
        bound, bound_deviation: mean and standard deviation of the confidence bounds.
        safe: the bound three standard deviations to the worse side of its mean.
        margin: by how much that is better than what the bound is to clear.
    """

    model: str
    task: str
    rule: str
    runs: int
    passed: int
    mean: float | None
    deviation: float | None
    worst: float | None
    bound: float | None
    bound_deviation: float | None
    safe: float | None
    margin: float | None


@dataclass(frozen=True)
class Safety:
    """All gates of some runs, which differ in their seed."""

    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    confidence: float
    rows: tuple[SafetyRow, ...]


def safety_view(records: Sequence[Record]) -> Safety:
    """How safely the gates of some runs were passed, by model, task and rule."""
    gates: dict[tuple[str, str, str], list[Verdict]] = defaultdict(list)
    for record in records:
        for verdict in record.verdicts:
            gates[verdict.model, verdict.task, verdict.gate].append(verdict)
    first = records[0]
    return Safety(
        datasets=tuple(map(size, first.datasets)),
        seeds=tuple(sorted(record.settings.seed for record in records)),
        confidence=first.settings.judge.confidence,
        rows=tuple(_row(first, gates[key]) for key in sorted(gates)),
    )


def _row(record: Record, verdicts: Sequence[Verdict]) -> SafetyRow:
    first = verdicts[0]
    better = 1 if record.metric(first.metric).higher_is_better else -1
    values = np.array([verdict.value for verdict in verdicts], np.float64)
    bounds = np.array([verdict.bound for verdict in verdicts], np.float64)
    known, bounded = bool(np.isfinite(values).all()), bool(np.isfinite(bounds).all())
    direction = better if first.bound_of == "value" else 1  # a lead is better the greater it is
    bound, spread = (float(bounds.mean()), _deviation(bounds)) if bounded else (None, None)
    safe = bound - direction * DEVIATIONS * spread if bound is not None and spread is not None else None
    asked = {"value": first.threshold, "lead": 0.0}.get(first.bound_of)
    return SafetyRow(
        model=first.model,
        task=first.task,
        rule=first.gate,
        runs=len(verdicts),
        passed=sum(verdict.passed for verdict in verdicts),
        mean=float(values.mean()) if known else None,
        deviation=_deviation(values) if known else None,
        worst=float(better * (better * values).min()) if known else None,
        bound=bound,
        bound_deviation=spread,
        safe=safe,
        margin=direction * (safe - asked) if safe is not None and asked is not None else None,
    )


def _deviation(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
