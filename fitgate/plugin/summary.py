"""The summary: a section of pytest's own kind that says what a session came to, what did not pass first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from fitgate.gates import Outcome
from fitgate.record import Record
from fitgate.report import RunOutcome, run_verdict
from fitgate.report.view.gates import GateRow, Unblessed, gates, unblessed
from fitgate.report.view.notices import notices
from fitgate.text import NAME, shown

MOST_FAULTS = 20  # lines of each kind
MOST_NOTICES = 5
MOST_ROWS = 12  # gates of which each has its line, whatever it came to
MOST_WRONG = 20  # gates that did not pass, where there are more than that
MOST_MODELS = 20  # names in a line of counts
COUNTED = (Outcome.NO_BASELINE, Outcome.PASS)  # what is counted by models where there are many gates
COLOURS = {Outcome.PASS: "green", Outcome.FAIL: "red", None: "red"}


class Summary:
    """Writes what a session came to, in lines, to a terminal.

    Args:
        terminal: pytest's reporter.
        verbosity: of pytest: at -1 what passed is left out, and at -2 all but the verdict.
    """

    def __init__(self, terminal: Any, verbosity: int):
        self._terminal, self._verbosity = terminal, verbosity

    def write(
        self, record: Record, faults: Sequence[str], warnings: Sequence[str], places: Iterable[str], run: str
    ) -> None:
        """Write the section.

        Args:
            record: of the session.
            faults: what could not be made, besides what the verdict names.
            warnings: what could not be done and fails nothing.
            places: where the report is, and the log of errors, a line each.
            run: the directory of the record, as a shell has it.
        """
        verdict = run_verdict(record)
        if self._verbosity >= 0:
            self._terminal.write_sep("=", "fitgate", bold=True)
        if self._verbosity > -2:
            self._gates(gates(record), unblessed(record), run)
            self._notices(notices(record))
        colour = {RunOutcome.PASS: "green", RunOutcome.FAIL: "red"}.get(verdict.outcome, "yellow")
        self._line(f"fitgate: {shown(verdict.line)}", colour, bold=True)
        for line in faults:
            self._line(f"fitgate: {shown(line)}", "red")
        for line in warnings:
            self._line(f"fitgate: {shown(line)}", "yellow")
        if self._verbosity > -2:
            for line in places:
                self._line(f"fitgate: {line}")

    def _gates(self, rows: Sequence[GateRow], lacking: Unblessed | None, run: str) -> None:
        """A line for each gate; where there are many, one for each that is to be looked into, and counts of others."""
        each = self._verbosity > 0 or len(rows) <= MOST_ROWS
        counted = {} if each else {outcome: _of_models(rows, outcome) for outcome in COUNTED}
        shown_rows = [row for row in rows if each or row.gained or row.outcome not in COUNTED]
        if self._verbosity < 0:
            shown_rows = [row for row in shown_rows if not row.passed]
            counted.pop(Outcome.PASS, None)
        most = len(shown_rows) if each else MOST_WRONG
        first = max((len(row.verdict) for row in rows), default=0)
        for row, line in zip(shown_rows[:most], _aligned(shown_rows[:most], first), strict=True):
            colour = COLOURS.get(row.outcome, "yellow")
            self._line(line, "yellow" if row.gained and colour == "green" else colour)
            if row.outcome not in (*COUNTED, Outcome.FAIL) or (row.gained and row.outcome is Outcome.PASS):
                self._line(f"    - {shown(row.message)}")  # a failure has said so above
        if len(shown_rows) > most:
            self._line(f"{len(shown_rows) - most} more that did not pass, in the report", "yellow")
        for outcome, models in counted.items():
            if models:
                self._line(f"{outcome:<{first}}  {models}", COLOURS.get(outcome, "yellow"))
        if lacking:
            train, bless = f"to make baselines: {lacking.command}, then", "now make baselines of these seeds:"
            self._line(f"    - {train} fitgate bless" if lacking.command else f"    - {bless} fitgate bless {run}")

    def _notices(self, lines: Sequence[str]) -> None:
        for line in lines[:MOST_NOTICES]:
            self._line(f"fitgate: to look into: {shown(line)}", "yellow")
        if len(lines) > MOST_NOTICES:
            self._line(f"fitgate: to look into: {len(lines) - MOST_NOTICES} more, in the report", "yellow")

    def _line(self, text: str, colour: str = "", bold: bool = False) -> None:
        self._terminal.write_line(text, **({colour: True} if colour else {}), bold=bold)


def _of_models(rows: Iterable[GateRow], outcome: Outcome) -> str:
    """The models with gates of an outcome, each with how many, as `cnn 4, forest 2`."""
    counts = Counter(row.model for row in rows if row.outcome is outcome and not row.gained)
    named = [f"{shown(model, NAME)} {count}" for model, count in counts.items()]
    more = [f"{len(named) - MOST_MODELS} more models"] if len(named) > MOST_MODELS else []
    return ", ".join(named[:MOST_MODELS] + more)


def _aligned(rows: Sequence[GateRow], first: int) -> Iterator[str]:
    """Lines of a table: outcome, in a column of that width, model, task, gate, value and how sure that is."""
    columns: tuple[Callable[[GateRow], str], ...] = (
        lambda row: row.verdict,
        lambda row: row.model,
        lambda row: row.task,
        lambda row: row.rule,
        lambda row: row.value,
        lambda row: row.sure,
    )
    cells = [[shown(column(row), NAME) for column in columns] for row in rows]
    widths = [first, *(max((len(line[i]) for line in cells), default=0) for i in range(1, len(columns)))]
    for line in cells:
        yield "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip()
