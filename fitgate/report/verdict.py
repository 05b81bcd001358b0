"""The verdict on a run, in one line."""

from __future__ import annotations

from collections.abc import Iterable

from fitgate.gates.gates import Outcome
from fitgate.record import Record
from suite.notebook.agreement import Agreement


def verdict_line(record: Record) -> str:
    """What a run came to: PASS, FAIL, INCOMPLETE or no verdict, and why."""
    judged, failed = len(record.verdicts), record.count(Outcome.FAIL)
    if record.status != "finished":
        return (
            f"INCOMPLETE: the run was {'cut off' if record.status == 'running' else 'interrupted'} after {judged} gates"
        )
    if failed:
        names = (f"{v.model} {v.gate} on {v.task}" for v in record.verdicts if v.outcome is Outcome.FAIL)
        return f"FAIL: {failed} of {judged} gates failed: {_listed(names)}"
    if record.failures:
        return f"FAIL: {_listed(f'{f.model} on {f.task}' for f in record.failures)} failed outright"
    differing = [c.figure.id for c in record.comparisons if c.agreement is Agreement.DIFFERS]
    if differing:
        return f"FAIL: {len(differing)} of {len(record.comparisons)} figures differ: {_listed(differing)}"
    if record.failed_tests:
        return f"FAIL: {len(record.failed_tests)} tests failed: {_listed(record.failed_tests)}"
    if record.story and not judged:
        return f"PASS: {_figures(record)}"
    if not judged:
        if record.gates_expected:
            return "FAIL: models were tested, but no gate was enforced"
        return "NO VERDICT: only timings were selected, no gate was enforced"
    gained = sum(verdict.gained for verdict in record.verdicts)
    others = {
        "inconclusive": record.count(Outcome.INCONCLUSIVE),
        "without a baseline": record.count(Outcome.NO_BASELINE),
        "better than chance explains": gained,
    }
    if told := [f"{count} {words}" for words, count in others.items() if count]:
        return f"PASS: {', '.join([f'{record.count(Outcome.PASS)} of {judged} gates passed', *told])}"
    return f"PASS: all {judged} gates passed" + (f"; {_figures(record)}" if record.story else "")


def has_failed(record: Record) -> bool:
    """Whether the run's verdict is FAIL."""
    return verdict_line(record).startswith("FAIL")


def _figures(record: Record) -> str:
    """What became of the story's figures."""
    compared = [c.agreement for c in record.comparisons if c.agreement]
    sections = f"{len(record.sections)} sections ran"
    if not compared:
        return f"{sections}, their {len(record.comparisons)} figures not compared on this data"
    counts = ", ".join(f"{compared.count(agreement)} {agreement}" for agreement in Agreement if agreement in compared)
    return f"{sections}; of {len(compared)} figures {counts}"


def _listed(names: Iterable[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    shown = list(names)
    more = [f"{len(shown) - most} more"] if len(shown) > most else []
    return ", ".join(shown[:most] + more)
