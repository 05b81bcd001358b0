"""The verdict on a run, in one line."""

from __future__ import annotations

from suite.harness.gates import Outcome
from suite.harness.record import Record


def verdict_line(record: Record) -> str:
    """What a run came to: PASS, FAIL, INCOMPLETE or no verdict, and why."""
    judged, failed = len(record.verdicts), record.count(Outcome.FAIL)
    if record.status != "finished":
        return (
            f"INCOMPLETE: the run was {'cut off' if record.status == 'running' else 'interrupted'} after {judged} gates"
        )
    if failed:
        return f"FAIL: {failed} of {judged} gates failed"
    if record.failures:
        return f"FAIL: {len(record.failures)} of the models' fits or predictions failed"
    if not judged:
        if record.gates_expected:
            return "FAIL: models were tested, but no gate was enforced"
        return "NO VERDICT: only timings were selected, no gate was enforced"
    if inconclusive := record.count(Outcome.INCONCLUSIVE):
        return f"PASS: {judged - inconclusive} of {judged} gates passed, {inconclusive} inconclusive"
    return f"PASS: all {judged} gates passed"
