"""The verdict on a model whose metric has no value."""

from __future__ import annotations

from fitgate.gates.evidence import Evidence
from fitgate.gates.gate import Gate
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.metrics import Metric
from fitgate.runs import Evaluation


def without_value(gate: Gate, metric: Metric, model: str, evidence: Evidence, lacking: Evaluation) -> Verdict:
    """FAIL: the model, or a rival that it is held against, has no value of the gate's metric.

    Args:
        gate: that judges.
        metric: by which.
        model: that is judged.
        evidence: what there is.
        lacking: the evaluation that has no value.
    """
    if reason := lacking.missing.get(metric.name):
        message = (
            f"{lacking.model} has no {metric.title} on {gate.task.name}: {reason}, which {metric.name} reads; use "
            "another estimator, or a metric that reads predictions."
        )
    else:
        message = (
            f"{lacking.model} has no {metric.title} on {gate.task.name}: it is not defined there, or its "
            f"{metric.reads} are missing, or hold a NaN or an infinite number."
        )
    return gate.verdict(model, evidence, Outcome.FAIL, message, reason=Reason.NO_VALUE, metric=metric.name)
