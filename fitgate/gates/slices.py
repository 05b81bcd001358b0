"""Slices: the parts of the test split that a gate looks at one by one, and what the verdicts on them come to."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data import By, slicing_name
from fitgate.gates.baseline import Baseline
from fitgate.gates.evidence import Evidence, Truth
from fitgate.gates.gate import Gate
from fitgate.gates.verdict import Outcome, Reason, SliceVerdict, Verdict
from fitgate.metrics import Metric, Outputs
from fitgate.runs import Evaluation
from fitgate.text import counted

LEAST_UNITS = 20  # examples, or groups of them, below which a slice is not judged
SHOWN_SLICES = 4  # that a message names
ORDER = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)


@dataclass(frozen=True, eq=False)
class Slice:
    """A slice of a task's examples, with what there is of a model on them.

    Attributes:
        name: of the slice.
        rows: places of its outputs among all.
        truth: of these alone.
        runs: the model's, of these alone; metrics are not computed.
        baseline: the model's, of these alone; None where there is none.
    """

    name: str
    rows: NDArray[Any]
    truth: Truth
    runs: Sequence[Evaluation]
    baseline: Baseline | None

    @property
    def too_few(self) -> str:
        """Why it is not judged, where it has too few examples; empty where it has enough."""
        truth, noun = self.truth, "example" if self.truth.groups is None else "group"
        if truth.units < LEAST_UNITS:
            return f"only {counted(truth.units, noun)}"
        if truth.folds is not None and min(truth.folds.sizes) < 1:
            return "no example in one of the folds"
        return ""

    def unjudged(self, why: str) -> SliceVerdict:
        """The verdict on it where nothing can be said."""
        return SliceVerdict(self.name, Outcome.INCONCLUSIVE, self.truth.n, sure=why)


def by_in_rule(by: By | None) -> str:
    """What a rule says of slices, as ` by country`; empty where it looks at all examples together."""
    return "" if by is None else f" by {slicing_name(by)}"


def slices_by(gate: Gate, by: By, model: str, evidence: Evidence) -> list[Slice] | Verdict:
    """The slices that a gate looks at, by name; or FAIL, where the examples can't be sliced so.

    Args:
        gate: that judges.
        by: the column or function.
        model: that is judged.
        evidence: what there is.
    """
    name, task = slicing_name(by), gate.task.name
    found = evidence.truths[task].slices.get(name, f"slices by {name}: nobody made them.")
    if isinstance(found, str):
        return gate.verdict(model, evidence, Outcome.FAIL, found, reason=Reason.NO_SLICES)
    slices = []
    for i, of_slice in enumerate(found.names):
        rows = np.flatnonzero(found.places == i)
        runs = [run.part(rows) for run in evidence.runs_of(model, task)]
        baseline = evidence.baselines.get((model, task))
        held_to = baseline.part(rows) if isinstance(baseline, Baseline) else None
        slices.append(Slice(of_slice, rows, evidence.truths[task].part(rows), runs, held_to))
    return slices


def value_on(metric: Metric, truth: Truth, outputs: Outputs) -> float | None:
    """A metric's value on a slice; None where it is not defined there, as where one of two classes is missing."""
    two = truth.classes is not None and len(truth.classes) == 2
    if two and metric.knows_classes and metric.reads != "probabilities" and len(np.unique(truth.target)) < 2:
        return None
    from sklearn.exceptions import UndefinedMetricWarning

    with warnings.catch_warnings():
        warnings.simplefilter("error", UndefinedMetricWarning)
        try:
            value = truth.own(metric).value(truth.target, outputs)
        except (ValueError, UndefinedMetricWarning):
            return None
    return value if math.isfinite(value) else None


def outcome_of(verdicts: Iterable[SliceVerdict]) -> Outcome:
    """What slices come to together: FAIL if one does, else INCONCLUSIVE if one is undecided."""
    return min((one.outcome for one in verdicts), key=ORDER.index, default=Outcome.INCONCLUSIVE)


def by_outcome(verdicts: Sequence[SliceVerdict], outcome: Outcome) -> list[SliceVerdict]:
    """Those with an outcome, in their order."""
    return [one for one in verdicts if one.outcome is outcome]


def named(verdicts: Sequence[SliceVerdict]) -> str:
    """The names of slices, the first of many."""
    names = [one.name for one in verdicts[:SHOWN_SLICES]]
    more = len(verdicts) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def others_in_words(verdicts: Sequence[SliceVerdict], by: By) -> str:
    """What came of the slices besides the first, in a sentence; empty where there is no more to say."""
    failing = by_outcome(verdicts[1:], Outcome.FAIL)
    undecided = by_outcome(verdicts[1:], Outcome.INCONCLUSIVE)
    parts = [f"{named(failing)} fail{'s' * (len(failing) == 1)}, too"] if failing else []
    parts += [f"{named(undecided)} can't be decided"] if undecided else []
    return f"Of the other slices by {slicing_name(by)}, {'; '.join(parts)}." if parts else ""
