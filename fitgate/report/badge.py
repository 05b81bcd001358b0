"""A badge: a run's verdict as JSON that shields.io's endpoint badge shows."""

from __future__ import annotations

import json
from pathlib import Path

from fitgate.files import write
from fitgate.gates import Outcome
from fitgate.record import Record, RecordError, read
from fitgate.report.verdict import RunOutcome, run_verdict
from fitgate.text import shown

LABEL = "models"
LONGEST = 60  # characters of a message


def write_badge(record: Path, path: Path) -> Path:
    """Write the badge of a record's verdict; one that says so where it is not valid. The path.

    Source: https://shields.io/badges/endpoint-badge

    Args:
        record: its file.
        path: of the JSON.

    Raises:
        FileError: if it can't be written.
    """
    try:
        message, colour = _shown(read(record))
    except RecordError:
        message, colour = "no valid record", "red"
    badge = {"schemaVersion": 1, "label": LABEL, "message": shown(message, LONGEST), "color": colour}
    write(path, json.dumps(badge, indent=1) + "\n")
    return path


def _shown(record: Record) -> tuple[str, str]:
    verdict, judged = run_verdict(record), len(record.verdicts)
    if verdict.outcome is RunOutcome.FAIL:
        failed = record.count(Outcome.FAIL)
        return (f"{failed} of {judged} gates failed" if failed else "failed"), "red"
    if verdict.outcome is RunOutcome.PASS:
        return verdict.reason, "brightgreen" if record.count(Outcome.PASS) == judged else "yellow"
    return ("incomplete run" if verdict.outcome is RunOutcome.INCOMPLETE else verdict.reason), "lightgrey"
