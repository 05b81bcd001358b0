"""Annotations: what fails, as GitHub Actions shows it on the line that declares it, by commands in a step's output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from fitgate.gates import Outcome, Verdict
from fitgate.record import Record
from fitgate.report.verdict import failing, run_verdict
from fitgate.text import counted, shown

MOST = 10  # of errors, and of warnings: GitHub shows no more of a step's
LONGEST = 1_000  # characters of a message


def annotated(record: Record, directory: Path, workspace: Path) -> list[str]:
    """Commands for GitHub Actions, a line each: errors for what fails the run, warnings for what could not be decided.

    The worst come first, and the last that GitHub shows counts those that it does not. A run that fails for
    something else than a gate has an error without a place.

    Args:
        record: of a run that has ended.
        directory: in which it was started, to which the places of gates are relative.
        workspace: the checkout, to which those of annotations are.
    """
    errors = failing(record)
    warnings = {Outcome.INCONCLUSIVE} - errors
    ranked = sorted(record.verdicts, key=_merit)
    lines = [
        line
        for name, outcomes in (("error", errors), ("warning", warnings))
        for line in _shortened(name, [_of(name, v, directory, workspace) for v in ranked if v.outcome in outcomes])
    ]
    whole = run_verdict(record)
    if whole.failed and not any(v.outcome in errors for v in ranked):
        return [command("error", whole.line, {"title": "fitgate"}), *lines]
    return lines


def command(name: str, message: str, properties: Mapping[str, object]) -> str:
    """A command of GitHub Actions, escaped as its toolkit does.

    Source: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    """
    given = ",".join(f"{key}={_escaped(value, ':,')}" for key, value in properties.items())
    return f"::{name}{' ' if given else ''}{given}::{_escaped(message)}"


def _escaped(text: object, more: str = "") -> str:
    """Text with the characters that would end a command, or a property of one, as percent and their number."""
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{more}" else c for c in str(text))


def _of(name: str, verdict: Verdict, directory: Path, workspace: Path) -> str:
    title = shown(f"{verdict.outcome}: {verdict.model} on {verdict.task}, {verdict.gate}", LONGEST)
    place = _place(verdict.where, directory, workspace)
    unplaced = f" ({verdict.where})" if verdict.where and not place else ""
    return command(name, shown(verdict.message, LONGEST) + unplaced, {**place, "title": title})


def _place(where: str, directory: Path, workspace: Path) -> dict[str, object]:
    """File and line of a declaration; empty where it is not in the checkout."""
    name, _, line = where.rpartition(":")
    root = workspace.resolve()
    started = directory.resolve()
    for start in (started, *started.parents):  # a conftest above is known by its directory's name
        path = (start / name).resolve()
        if name and path.is_file() and path.is_relative_to(root):
            return {"file": path.relative_to(root).as_posix(), "line": line}
    return {}


def _merit(verdict: Verdict) -> float:
    """Sorts the worst first: what has no value, then by how much is lacking, in parts of what is asked for."""
    if verdict.value is None or verdict.threshold is None:
        return -math.inf
    lead = verdict.bound if verdict.bound_of == "lead" else None
    lacking = abs(verdict.value - verdict.threshold) if lead is None else -lead
    return -lacking / (abs(verdict.threshold) or 1.0)


def _shortened(name: str, commands: list[str]) -> list[str]:
    if len(commands) <= MOST:
        return commands
    more = f"and {counted(len(commands) - MOST + 1, 'gate')} more, in the run's report"
    return [*commands[: MOST - 1], command(name, more, {"title": "fitgate"})]
