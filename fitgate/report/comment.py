"""The comment: what a run came to, and what it changed, for the page of a pull request on GitHub."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from fitgate.files import write
from fitgate.gates import Outcome
from fitgate.metrics import METRICS, Metric
from fitgate.record import Record, RecordError, UnfinishedError, read, read_outline
from fitgate.report.markdown import render
from fitgate.report.shading import pictures
from fitgate.report.summary import cut
from fitgate.report.verdict import RunOutcome, RunVerdict, failing, run_verdict
from fitgate.report.view.ab import AbView
from fitgate.report.view.change import change_view
from fitgate.report.view.gates import gates
from fitgate.report.view.mending import RowOf

MARKER = "<!-- fitgate -->"  # by which the comment of an earlier run is found
QUIET = {Outcome.PASS, Outcome.NO_BASELINE}  # gates that are told of only where they fail the run
MOST_GATES = 30  # of many, the report has the rest
MOST = 60_000  # characters: GitHub takes 65,536, and who posts it may add to it


def write_comment(
    record: Record,
    path: Path,
    base: Record | None = None,
    metrics: Mapping[str, Metric] = METRICS,
    row_of: RowOf | None = None,
    ab: AbView | None = None,
) -> Path:
    """Write a comment in markdown; the path.

    Args:
        record: of the run.
        path: of the file.
        base: of the run that it is held to; None where there is none.
        metrics: by name.
        row_of: gives examples that the records don't keep.
        ab: what `fitgate ab` found, which then stands in the place of both records' times.

    Raises:
        FileError: if it can't be written.
    """
    change = None if base is None else change_view(record, base, metrics, row_of)
    told = [row for row in gates(record) if row.gained or row.outcome not in QUIET - failing(record)]
    verdict = _both(run_verdict(record), ab)
    parts = {"gates": told[:MOST_GATES], "more": max(0, len(told) - MOST_GATES), "change": change, "ab": ab}
    text = render("comment.md.jinja", verdict=verdict, pictures=pictures, **parts)
    write(path, f"{MARKER}\n{cut(text, MOST, len)}")
    return path


def _both(run: RunVerdict, ab: AbView | None) -> RunVerdict:
    """The verdict on a run, which a model that is slower fails, too."""
    if ab is None or not ab.failed:
        return run
    return RunVerdict(RunOutcome.FAIL, f"{ab.reason}; {run.reason if run.failed else run.line}")


def base_record(place: Path) -> Record | None:
    """The record to hold a run to: a file, or the last finished run's at or below a directory; None without any.

    Raises:
        RecordError: if there is no such place, or the file is no record.
    """
    if not place.exists():
        found, expected = "no file or directory", "the record of the base, or a directory for it"
        raise RecordError(place, found=found, expected=expected, next_step="download it there, or make the directory")
    if place.is_file():
        return read(place)
    runs: list[tuple[str, Path]] = []
    for path in place.rglob("record.json"):
        with suppress(UnfinishedError):
            runs.append((read_outline(path).started, path))
    return read(max(runs)[1]) if runs else None
