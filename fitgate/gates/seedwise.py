"""Seed by seed: what gates conclude of each seed of a model alone, as floors are set by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from fitgate.gates.baseline import Baseline
from fitgate.gates.evidence import Evidence
from fitgate.gates.judging import Claim, judge
from fitgate.gates.verdict import Verdict
from fitgate.metrics import Metric
from fitgate.runs import Evaluation


def each_seed(claims: Sequence[Claim], evidence: Evidence) -> list[list[Verdict]]:
    """The verdicts of each claim, on each seed of its model; on the one output of a model that has one.

    A gate that needs several models sees a seed of each, the last of those that have fewer.
    """
    found: list[list[Verdict]] = [[] for _ in claims]
    for i in range(max((len(runs) for runs in evidence.runs.values()), default=0)):
        own = [j for j, c in enumerate(claims) if i < len(evidence.runs.get((c.model, c.gate.task.name), ()))]
        runs = {key: [several[min(i, len(several) - 1)]] for key, several in evidence.runs.items()}
        seeds = {key: [several[min(i, len(several) - 1)]] for key, several in evidence.seeds.items()}
        verdicts = judge([claims[j] for j in own], replace(evidence, runs=runs, seeds=seeds)).verdicts
        for j, verdict in zip(own, verdicts, strict=True):
            found[j].append(verdict)
    return found


def evaluations_of(baseline: Baseline, metrics: Iterable[Metric], target: NDArray[Any]) -> list[Evaluation]:
    """The seeds of a baseline, as if they had been trained now.

    Args:
        baseline: of a model on a task.
        metrics: of the task, on its classes.
        target: of the outputs, as `Truth` has it.
    """
    about, evaluations, known = baseline.about, [], list(metrics)
    for outputs in baseline.outputs:
        values = {metric.name: metric.value(target, outputs) for metric in known}
        finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
        evaluations.append(Evaluation(about.model, about.task, len(target), finite, 0.0, None, 0.0, *outputs))
    return evaluations
