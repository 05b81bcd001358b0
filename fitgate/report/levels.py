"""A figure of a series: what each run measured, the levels, and with which runs changes were noticed."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from fitgate.report.drawing import plain, save
from fitgate.report.view.series import Series

MOST_MARKS = 200  # runs of which each is a point with a mark


def draw_levels(series: Series, path: Path) -> None:
    """Draw a series run after run, its levels, and the runs with which its changes were noticed.

    Args:
        series: with changes.
        path: of the PNG.

    Raises:
        FileError: if it can't be written.
    """
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    subject, values, numbers = series.subject, series.values, range(1, series.count + 1)
    axes.plot(numbers, values, "o-" if series.count <= MOST_MARKS else "-", markersize=4, linewidth=0.7, alpha=0.6)
    for i, (places, level) in enumerate(series.levels):
        ends = [places.start + 0.6, places.stop + 0.4]
        axes.plot(ends, [level, level], color="black", linewidth=2, label="level" if i == 0 else None)
    named: set[bool] = set()
    for change in series.changes:
        colour, marker = "C3" if change.worse else "C0", "^" if change.shift.up else "v"
        label = None if change.worse in named else f"noticed: {'worse' if change.worse else 'better'}"
        named.add(change.worse)
        place = change.shift.seen
        axes.plot(place + 1, values[place], marker, color=colour, markersize=9, label=label)
    unit = "" if subject.unit == "share" else f", {subject.unit}"
    axes.set(xlabel="run", ylabel=plain(f"{subject.title}{unit}"), title=plain(f"{subject.model} on {subject.task}"))
    if subject.factors:
        low, high = min(values), max(values)
        axes.set_ylim(max(0.0, low - 0.3 * (high - low)), high + 0.3 * (high - low))
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False)
    save(figure, path)
