"""The report of a history: what records below directories measured, run after run, and where it shifted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from matplotlib.figure import Figure

from fitgate.files import write
from fitgate.record import RecordError, read_outline
from fitgate.report.drawing import plain, save
from fitgate.report.markdown import render
from fitgate.report.view.history import History, Run, Series, by_factors, history_view, run_of

MOST_FIGURES = 20
MOST_RUNS = 200  # of which each is a point with a mark


def read_history(places: Sequence[Path], since: date | None = None) -> tuple[History, Path]:
    """The history of all records at and below some places, and the file of its last run.

    Files that are no records are left out, and named in the view. Copies count once.

    Args:
        places: directories, or records.
        since: the first day that counts; None for all.

    Raises:
        RecordError: if a place does not exist, or there is no record of a run that has ended.
    """
    runs: list[tuple[Run, Path]] = []
    left_out: list[str] = []
    known: set[int] = set()
    copies = 0
    for path in _files(places):
        try:
            outline, content = read_outline(path)
            run = run_of(outline)
        except RecordError as error:
            left_out.append(str(error))
            continue
        except ValueError:
            left_out.append(str(_undated(path, outline.started)))
            continue
        if content in known:
            copies += 1
        elif since is None or run.started >= datetime(since.year, since.month, since.day, tzinfo=UTC):
            runs.append((run, path))
        known.add(content)
    if not runs:
        raise RecordError(
            ", ".join(map(str, places)),
            found=f"no run that counts, and {len(left_out)} other files ({', '.join(left_out[:1])})",
            expected="a directory with runs' records",
            next_step="check the path, or what --since leaves out",
        )
    _, last = max(runs, key=lambda item: item[0].started)
    return history_view((run for run, _ in runs), left_out, copies), last


def write_history(view: History, path: Path) -> Path:
    """Write a history in markdown, and a figure of each series that changed into the directory of its name; the path.

    Raises:
        FileError: if it can't be written.
    """
    directory = path.with_suffix("")
    figures: list[tuple[str, str]] = []
    for number, series in enumerate(view.changed[:MOST_FIGURES], 1):
        name = f"{number:02d}.png"
        _draw(series, directory / name)
        figures.append((f"{directory.name}/{name}", _caption(series)))
    write(path, render("history.md.jinja", view=view, figures=figures))
    return path


def _files(places: Sequence[Path]) -> Iterator[Path]:
    """JSON files at and below places, each once, in a fixed order."""
    seen: set[Path] = set()
    for place in places:
        if not place.exists():
            raise RecordError(
                place, found="nothing there", expected="a directory with runs' records", next_step="check the path"
            )
        found: Iterable[Path] = sorted(place.rglob("*.json")) if place.is_dir() else [place]
        for path in found:
            if (own := path.resolve()) not in seen:
                seen.add(own)
                yield path


def _undated(path: Path, started: str) -> RecordError:
    return RecordError(
        path, found=f"a run that began at {started!r}", expected="a date and time", next_step="restore the record"
    )


def _caption(series: Series) -> str:
    words = "; then ".join(
        f"{'worse' if change.worse else 'better'} ({series.size(change)}) from run {change.shift.at + 1} on"
        for change in series.changes
    )
    return f"{series.name}: {len(series.values)} runs in their order, and their levels: {words}."


def _draw(series: Series, path: Path) -> None:
    """Draw the values of a series, run after run, its levels, and with which runs the changes were noticed."""
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    numbers = range(1, len(series.values) + 1)
    axes.plot(
        numbers, series.values, "o-" if len(numbers) <= MOST_RUNS else "-", markersize=4, linewidth=0.7, alpha=0.6
    )
    for i, (places, level) in enumerate(series.levels):
        ends = [places.start + 0.6, places.stop + 0.4]
        axes.plot(ends, [level, level], color="black", linewidth=2, label="level" if i == 0 else None)
    for i, change in enumerate(series.changes):
        place = change.shift.seen
        colour, marker = ("C3", "v") if change.worse else ("C0", "^")
        value = series.values[place]
        axes.plot(place + 1, value, marker, color=colour, markersize=9, label="noticed" if i == 0 else None)
    unit = "" if series.metric.unit == "share" else f", {series.metric.unit}"
    axes.set(xlabel="run", ylabel=plain(f"{series.title}{unit}"), title=plain(f"{series.model} on {series.task}"))
    if by_factors(series.metric):
        low, high = min(series.values), max(series.values)
        axes.set_ylim(max(0.0, low - 0.3 * (high - low)), high + 0.3 * (high - low))
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False)
    save(figure, path)
