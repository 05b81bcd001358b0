"""The output of tests of models, as it reaches terminals, logs and the recorder: bounded, without escape sequences."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import pytest

from fitgate.text import MESSAGE, NAME, harmless, shown, text_of

MOST_LINES = 400  # of an entry of a traceback


def make_harmless(report: pytest.TestReport) -> None:
    """Bound a report's traceback and captured output, and show escapes in place of what controls a terminal."""
    if isinstance(report.longrepr, str):
        report.longrepr = harmless(report.longrepr)
    report.sections = [(name, harmless(text)) for name, text in report.sections]
    chain = getattr(report.longrepr, "chain", ())
    tracebacks = [traceback for traceback, _, _ in chain] or [getattr(report.longrepr, "reprtraceback", None)]
    for _, crash, _ in chain:
        _bound_message(crash)
    for traceback in filter(None, tracebacks):
        for entry in traceback.reprentries:
            entry.lines = _bounded(entry.lines)
            _bound_message(getattr(entry, "reprfileloc", None))
    _bound_message(getattr(report.longrepr, "reprcrash", None))


def make_warning_harmless(found: warnings.WarningMessage) -> None:
    """Do so with a warning, before pytest and its plugins show it: what it says, of what kind it is, and where."""
    text = text_of(found.message)
    kind = found.category.__name__
    if (plain := harmless(text, MESSAGE)) != text:
        found.message = Warning(plain)
    if (plain := shown(kind, NAME)) != kind:
        found.category = type(plain, (Warning,), {})
    found.filename = shown(found.filename)
    if found.line is not None:
        found.line = harmless(found.line, MESSAGE)


def _bound_message(place: Any) -> None:
    if place is not None:
        place.message = harmless(place.message, MESSAGE)


def _bounded(lines: Sequence[str]) -> list[str]:
    """The first and the last lines, each of bounded length."""
    half = MOST_LINES // 2
    left_out = [f"E   ... ({len(lines) - MOST_LINES:,} lines left out)"] if len(lines) > MOST_LINES else []
    kept = [*lines[:half], *left_out, *lines[-half:]] if left_out else lines
    return [harmless(line, MESSAGE) for line in kept]
