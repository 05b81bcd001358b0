"""Losses: which examples a model used to get right, and what else has changed since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.gates.baseline import Baseline
from fitgate.gates.evidence import Truth
from fitgate.metrics import right
from fitgate.runs import Evaluation
from fitgate.statistics.folds import first_of_each
from fitgate.tasks import NUMBERS

SHOWN_CLASSES = 3
SHOWN_EXAMPLES = 10
MOST_CLASSES = 100  # more distinct labels are no classes


def describe_losses(
    baseline: Baseline, runs: Sequence[Evaluation], truth: Truth, changed: Sequence[str]
) -> tuple[list[int], str]:
    """The outputs that were lost most clearly, one an example, and in words their classes and what else `changed`."""
    of_numbers = truth.kind in NUMBERS
    merit = _nearness if of_numbers else right
    then, now = (
        truth.pooled(np.mean([merit(truth.target, outputs.predictions) for outputs in several], axis=0))
        for several in (baseline.outputs, [run.outputs for run in runs])
    )
    order, named = np.argsort(now - then, kind="stable"), truth.examples
    lost = [int(i) for i in first_of_each(order[(now < then)[order]], named)[:SHOWN_EXAMPLES]]
    parts = [] if of_numbers else [_classes(then - now, truth)]
    if lost:
        what = "Errors grew most on" if of_numbers else "Lost most clearly:"
        parts.append(f"{what} test examples {', '.join(str(named[i]) for i in lost)}.")
    parts.append(f"Since the baseline changed: {'; '.join(changed)}." if changed else "The environment is the same.")
    return lost, " ".join(filter(None, parts))


def _nearness(target: NDArray[Any], predictions: NDArray[Any]) -> NDArray[np.float64]:
    """Minus each example's absolute error, `(n,)`; of several outputs, the mean."""
    errors = np.abs(predictions.astype(np.float64) - target)
    return -(errors if errors.ndim == 1 else errors.mean(axis=1))


def _classes(falls: np.ndarray, truth: Truth) -> str:
    """The classes whose right answers fell most; empty where there are no classes, or none fell."""
    labels = np.asarray(truth.labels)
    classes = np.unique(labels) if labels.ndim == 1 else np.array([])
    if not 0 < len(classes) <= MOST_CLASSES:
        return ""
    of_class = [(float(falls[labels == c].mean()), i, c) for i, c in enumerate(classes)]
    worst = sorted((fall for fall in of_class if fall[0] > 0), key=lambda fall: (-fall[0], fall[1]))[:SHOWN_CLASSES]
    named = len(truth.class_names) == len(classes)
    names = [truth.class_names[i] if named else c for _, i, c in worst]
    worst_classes = ", ".join(
        f"{name} by {100 * fall:.2f} points" for name, (fall, _, _) in zip(names, worst, strict=True)
    )
    return f"Right answers fell most for the classes {worst_classes}." if worst else ""
