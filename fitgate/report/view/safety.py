"""Safety of gates: how surely clean models pass them, over runs that differ in their seed alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitgate.gates import Verdict
from fitgate.record import Record
from fitgate.report.view.environment import size
from fitgate.statistics import prediction_factor
from fitgate.text import counted

ALARMS = 1e-3  # share of clean seeds that a safe floor fails


@dataclass(frozen=True)
class SafetyRow:
    """A gate over several runs; None for numbers that its verdicts do not have.

    Attributes:
        model, task, rule: names.
        runs, passed: how many there were, and how many passed.
        mean, deviation, worst: of the metric's values.
        bound, bound_deviation: mean and standard deviation of the confidence bounds.
        deviations: how many of them beyond the mean of the bounds another seed's falls one time in a thousand.
        safe: the bound so far to the worse side of its mean.
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
    deviations: float | None
    safe: float | None
    margin: float | None


@dataclass(frozen=True)
class Safety:
    """All gates of some models, each with several seeds.

    Attributes:
        datasets: in words.
        seeds: which they were, or where they come from, in words.
        confidence: of the bounds.
        rows: a gate each.
    """

    datasets: tuple[str, ...]
    seeds: str
    confidence: float
    rows: tuple[SafetyRow, ...]


def safety_of_runs(records: Sequence[Record]) -> Safety:
    """How safely the gates of some runs were passed, by model, task and rule."""
    gates: dict[tuple[str, str, str], list[Verdict]] = defaultdict(list)
    for record in records:
        for verdict in record.verdicts:
            gates[verdict.model, verdict.task, verdict.gate].append(verdict)
    first, seeds = records[0], sorted(record.settings.seed for record in records)
    return Safety(
        datasets=tuple(map(size, first.datasets)),
        seeds=f"{counted(len(seeds), 'seed')} ({seeds[0]} to {seeds[-1]})",
        confidence=first.settings.judge.confidence,
        rows=tuple(
            safety_row(gates[key], first.metric(gates[key][0].metric).higher_is_better) for key in sorted(gates)
        ),
    )


def safety_row(verdicts: Sequence[Verdict], higher_is_better: bool) -> SafetyRow:
    """A gate's row, from its verdicts on each seed alone; one verdict is a deterministic model's."""
    first = verdicts[0]
    better = 1 if higher_is_better else -1
    values = np.array([verdict.value for verdict in verdicts], np.float64)
    bounds = np.array([verdict.bound for verdict in verdicts], np.float64)
    known, bounded = bool(np.isfinite(values).all()), bool(np.isfinite(bounds).all())
    direction = better if first.bound_of == "value" else 1  # a lead is better the greater it is
    bound, spread = (float(bounds.mean()), _deviation(bounds)) if bounded else (None, None)
    deviations = prediction_factor(len(bounds), ALARMS) if spread else None
    safe = bound if bound is None or not spread or not deviations else bound - direction * deviations * spread
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
        deviations=deviations,
        safe=safe,
        margin=direction * (safe - asked) if safe is not None and asked is not None else None,
    )


def _deviation(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
