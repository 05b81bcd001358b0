"""The report of a history: what records below directories measured, run after run, and where it shifted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from fitgate.files import figures_beside, write
from fitgate.record import NoRecordError, RecordError, UnfinishedError, read, read_outline
from fitgate.report.markdown import render
from fitgate.report.view.history import History, history_view
from fitgate.report.view.run import Run, run_of
from fitgate.report.view.series import Series

MOST_FIGURES = 20


def read_history(places: Sequence[Path], since: date | None = None) -> tuple[History, Path]:
    """The history of all records at and below some places, and the file of its last run.

    What is no record of a run that has ended is left out, and named in the view. Copies count once. The last run's
    record is read whole, as any command does; those of the others without their arrays and verdicts.

    Args:
        places: directories, or records.
        since: the first day that counts, UTC; None for all.

    Raises:
        RecordError: if a place does not exist, or there is no record of a run that has ended.
    """
    runs: list[tuple[Run, Path]] = []
    others: list[RecordError] = []
    known: set[object] = set()
    copies = 0
    for path in _files(places, others.append):
        try:
            run = _read(path)
        except RecordError as error:
            others.append(error)
            continue
        if run.identity in known:
            copies += 1
        elif since is None or run.started.date() >= since:
            runs.append((run, path))
        known.add(run.identity)
    last = _last_valid(runs, others)
    if last is None:
        first = f" (the first: {others[0]})" if others else ""
        raise RecordError(
            ", ".join(map(str, places)),
            found=f"no run that counts{f', {len(known)} before {since}' if known and since else ''}, and {len(others)} "
            f"other files{first}",
            expected="a directory with runs' records",
            next_step="check the path, or --since",
        )
    unusable = [error for error in others if not isinstance(error, NoRecordError | UnfinishedError)]
    return history_view((run for run, _ in runs), map(str, others), map(str, unusable), copies), last


def write_history(view: History, path: Path) -> Path:
    """Write a history in markdown, and a figure of each series that changed into the directory of its name; the path.

    Raises:
        FileError: if it can't be written.
    """
    from fitgate.report.levels import draw_levels

    directory = figures_beside(path)
    figures: list[tuple[str, str]] = []
    for number, series in enumerate(view.changed[:MOST_FIGURES], 1):
        name = f"{number:02d}.png"
        draw_levels(series, directory / name)
        figures.append((f"{directory.name}/{name}", _caption(series)))
    write(path, render("history.md.jinja", view=view, figures=figures))
    return path


def _last_valid(runs: list[tuple[Run, Path]], others: list[RecordError]) -> Path | None:
    """The file of the last run, whose record is read whole; later ones that are not valid move to the others."""
    runs.sort(key=lambda item: item[0].started)
    while runs:
        _, path = runs[-1]
        try:
            read(path)
            return path
        except RecordError as error:
            others.append(error)
            runs.pop()
    return None


def _read(path: Path) -> Run:
    outline = read_outline(path)
    try:
        return run_of(outline)
    except ValueError as error:
        found = f"a run that began at {outline.started!r}"
        raise RecordError(path, found=found, expected="a date and time", next_step="restore the record") from error


def _files(places: Sequence[Path], refused: Callable[[RecordError], None]) -> Iterator[Path]:
    """JSON files at and below places, each once, in a fixed order; links are followed.

    Args:
        places: directories, or files.
        refused: is given what can't be read of the directories below.

    Raises:
        RecordError: if a place does not exist.
    """

    def unreadable(error: OSError) -> None:
        found, expected = error.strerror or str(error), "a directory that can be read"
        where = error.filename or "a directory"
        refused(RecordError(where, found=found, expected=expected, next_step="give the right to read it"))

    seen: set[str] = set()
    for place in places:
        try:
            place.stat()
        except (OSError, ValueError) as error:  # ValueError of a name that no file can have
            found, expected = getattr(error, "strerror", None) or str(error), "a directory with runs' records"
            raise RecordError(place, found=found, expected=expected, next_step="check the path") from error
        below = os.walk(place, onerror=unreadable, followlinks=True) if place.is_dir() else [("", [], [str(place)])]
        for directory, folders, names in below:
            if directory and _again(directory, seen):
                folders.clear()
                continue
            folders.sort()
            for name in sorted(names):
                path = Path(directory, name)
                if (not directory or path.suffix == ".json") and not _again(path, seen):
                    yield path


def _again(path: Path | str, seen: set[str]) -> bool:
    """Whether a path is one that was seen, under this name or another; it is from now on."""
    if (own := os.path.realpath(path)) in seen:
        return True
    seen.add(own)
    return False


def _caption(series: Series) -> str:
    words = "; then ".join(
        f"{'worse' if change.worse else 'better'} ({series.size(change)}) from run {change.shift.at + 1} on"
        for change in series.changes
    )
    return f"{series.subject.name}: {series.count} runs in their order, and their levels: {words}."
