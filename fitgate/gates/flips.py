"""Flips: test examples that a model answers rightly where its baseline did not, and the reverse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.gates.baseline import Baseline
from fitgate.gates.evidence import Truth
from fitgate.gates.verdict import Flips
from fitgate.metrics import Outputs, right
from fitgate.runs import Evaluation
from fitgate.statistics.folds import first_of_each
from fitgate.tasks import NUMBERS

MOST_PLACES = 10


def flips_of(baseline: Baseline, runs: Sequence[Evaluation], truth: Truth) -> Flips | None:
    """What a model flips; None of a task of numbers, whose answers are hardly ever right."""
    if truth.kind in NUMBERS or truth.target.ndim > 2:
        return None
    several = baseline.outputs, [run.outputs for run in runs]
    then, now = (truth.pooled(np.mean([right(truth.target, one.predictions) for one in of], axis=0)) for of in several)
    order = first_of_each(np.argsort(now - then, kind="stable"), truth.examples)
    lost = order[(then[order] > 0.5) & (now[order] < 0.5)]
    won = order[::-1][(then[order[::-1]] < 0.5) & (now[order[::-1]] > 0.5)]
    cost = saved = None
    if truth.costs is not None and truth.classes is not None:
        before, after = (truth.pooled(_costs(of, truth, truth.costs, truth.classes)) for of in several)
        cost, saved = float((after - before)[lost].sum()), float((before - after)[won].sum())
    return Flips(len(lost), len(won), lost[:MOST_PLACES].tolist(), won[:MOST_PLACES].tolist(), cost, saved)


def flips_in_words(flips: Flips | None, truth: Truth) -> str:
    """They, in a sentence; empty where there are none to tell of."""
    if flips is None or not flips.broken + flips.mended:
        return ""

    def counted(count: int, places: Sequence[int]) -> str:
        first = ", ".join(str(truth.examples[i]) for i in places)
        return f"{count:,}" + (f" ({first}{', ...' if count > len(places) else ''})" if places else "")

    told = f"Test examples that broke: {counted(flips.broken, flips.lost)}; that were mended: "
    told += counted(flips.mended, flips.won)
    if flips.cost is not None and flips.saved is not None:
        told += f". By the task's costs, these cost {flips.cost:,.4g} more, and {flips.saved:,.4g} less"
    return f"{told}."


def _costs(several: Sequence[Outputs], truth: Truth, costs: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.float64]:
    """The mean cost of each answer over seeds; one that is no class costs the most that its row has."""
    rows = np.searchsorted(classes, truth.target)
    dearest = np.column_stack([costs, costs.max(axis=1)])
    found = []
    for one in several:
        columns = np.minimum(np.searchsorted(classes, one.predictions), len(classes) - 1)
        known = classes[columns] == one.predictions
        found.append(dearest[rows, np.where(known, columns, len(classes))])
    return np.asarray(np.mean(found, axis=0))
