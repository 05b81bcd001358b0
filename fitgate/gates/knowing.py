"""Knowing: which examples the seeds of a baseline get right, and what a model's seeds lose of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fitgate.gates.baseline import Baseline
from fitgate.gates.evidence import Truth
from fitgate.metrics import Metric, right
from fitgate.runs import Evaluation
from fitgate.statistics import Lapses, lapses
from fitgate.statistics.lapses import LEAST_KNOWING
from fitgate.tasks import NUMBERS


def knows(baseline: Baseline, metric: Metric, truth: Truth) -> bool:
    """Whether a regression gate looks at what every seed of a baseline knew, besides its metric.

    That is where the metric reads answers that are right or wrong, and where there are enough seeds.
    """
    of_answers = metric.reads == "predictions" and truth.kind != "" and truth.kind not in NUMBERS
    return of_answers and len(baseline.predictions) >= LEAST_KNOWING


def lapses_of(runs: Sequence[Evaluation], baseline: Baseline, truth: Truth) -> Lapses:
    """The lapses of a model's seeds and of its baseline's; see `fitgate.statistics.lapses`."""
    several = [outputs.predictions for outputs in baseline.outputs], [run.predictions for run in runs]
    before, now = (np.array([right(truth.target, answers) for answers in one]) for one in several)
    return lapses(before, now, truth.counted / len(truth.target))
