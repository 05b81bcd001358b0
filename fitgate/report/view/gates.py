"""Gates: what was judged, and what was selected and not judged."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.gates import Declaration, Outcome, Verdict
from fitgate.record import Record


@dataclass(frozen=True)
class GateRow:
    """A gate on a model.

    Attributes:
        model, task: names.
        rule: the gate in symbols.
        outcome: what it came to; None for a gate without a verdict.
        message: why, and what to do.
        gained: whether the model has become better than chance explains, which is to be looked into.
        where: the file and line that declare it; empty where that is not known.
    """

    model: str
    task: str
    rule: str
    outcome: Outcome | None
    message: str
    gained: bool
    where: str


def gates(record: Record) -> tuple[GateRow, ...]:
    """All gates: those without a verdict first, then what did not pass, then suspicious gains, then the rest."""
    judged = sorted(record.verdicts, key=lambda v: (ORDER[v.outcome], not v.gained))
    return (*map(_unjudged, record.unjudged), *map(gate_row, judged))


def gate_row(verdict: Verdict) -> GateRow:
    """A verdict as a report shows it."""
    return GateRow(
        verdict.model,
        verdict.task,
        verdict.gate,
        verdict.outcome,
        verdict.message,
        verdict.gained,
        verdict.where,
    )


def _unjudged(gate: Declaration) -> GateRow:
    message = "It was selected and not judged, so the run fails: see the errors of its test, and run it again."
    return GateRow(gate.model, gate.task, gate.gate, None, message, False, gate.where)


ORDER = {outcome: i for i, outcome in enumerate(("FAIL", "WAIVED", "NO BASELINE", "INCONCLUSIVE", "PASS"))}
