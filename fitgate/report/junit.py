"""JUnit: what a test's entry in pytest's `--junitxml` says of the gates that it judged, those that pass among them."""

from __future__ import annotations

from fitgate.gates import Verdict


def properties(verdict: Verdict) -> list[tuple[str, str]]:
    """A verdict as properties of a test, by name; numbers with all their digits, less those that it has not."""
    found = {
        "gate.model": verdict.model,
        "gate.task": verdict.task,
        "gate.rule": verdict.gate,
        "gate.outcome": verdict.outcome,
        "gate.value": verdict.value,
        "gate.threshold": verdict.threshold,
        "gate.bound": verdict.bound,
        "gate.p_value": verdict.p_value,
        "gate.broken": None if verdict.flips is None else verdict.flips.broken,
        "gate.mended": None if verdict.flips is None else verdict.flips.mended,
        "gate.declared_at": verdict.where or None,
    }
    return [(name, str(value)) for name, value in found.items() if value is not None]
