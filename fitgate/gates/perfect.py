"""The verdict on output that equals the test labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.gates.evidence import Evidence, Truth
from fitgate.gates.gate import Gate
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.runs import Evaluation

EXACT = 8  # units in the last place that numbers which were copied may differ by, after a conversion or two


def perfect_output(gate: Gate, metric: str, model: str, evidence: Evidence) -> Verdict | None:
    """FAIL, if any run's output equals the test labels on every example and the gate does not allow it; else None.

    However few test examples there are: a model that reads all of them right may be that good, but it may as well
    have been given them, and only its author knows.

    Args:
        gate: that judges.
        metric: by which.
        model: that is judged.
        evidence: what there is.
    """
    task = gate.task.name
    truth, runs = evidence.truths[task], evidence.runs_of(model, task)
    perfect = next((run for run in runs if equals_labels(run, truth)), None)
    if gate.perfect or perfect is None:
        return None
    message = (
        f"The output of {model} on {task} equals the test labels on all {truth.n:,} examples. A leak of the test "
        "labels looks like this: see what the model is fitted on. If the task is that easy, declare perfect=True."
    )
    return gate.verdict(
        model,
        evidence,
        Outcome.FAIL,
        message,
        metric=metric,
        reason=Reason.PERFECT,
        value=perfect.metrics.get(metric),
        n=truth.n,
        seeds=len(runs),
    )


def equals_labels(run: Evaluation, truth: Truth) -> bool:
    """Whether predictions are the target, or scores or probabilities the labels as numbers: 1 for what is true."""
    if _equal(run.predictions, truth.target):
        return True
    outputs = [output for output in (run.scores, run.probabilities) if output is not None]
    return any(_equal(output, label) for label in _as_numbers(truth) for output in outputs)


def _as_numbers(truth: Truth) -> list[NDArray[Any]]:
    """The target as an output of scores would have it: a column, or one for each class."""
    target, classes = truth.target, truth.classes
    if classes is None:
        return [target] if target.dtype.kind in "biuf" else []
    one_hot = target[:, None] == classes[None, :]
    return [one_hot, *([one_hot[:, 1]] if len(classes) == 2 else [])]


def _equal(output: NDArray[Any], target: NDArray[Any]) -> bool:
    if output.shape != target.shape:
        return False
    if output.dtype.kind == "f" and target.dtype.kind in "biuf":
        return bool(np.allclose(output, target.astype(output.dtype), rtol=EXACT * np.finfo(output.dtype).eps, atol=0))
    return bool(np.array_equal(output, target))
