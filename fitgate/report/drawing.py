"""What all figures have in common."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from fitgate.files import written_whole
from fitgate.text import CELL, shown

DPI = 120
CLOSE = 4.0  # from the least to the greatest value of an axis
MARKERS = "osD^vP*X"


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, the same bytes each time.

    Raises:
        FileError: if it can't be written.
    """
    with written_whole(path) as file:
        figure.savefig(file, format="png", dpi=DPI, metadata={"Software": None})


def plain(text: str) -> str:
    """Text as itself, in bounded lines: matplotlib reads what stands between dollar signs as formulas."""
    return "\n".join(shown(line, CELL) for line in text.split("\n")).replace("$", r"\$")


def plain_log_scale(axes: Axes, values: Sequence[float]) -> None:
    """Make the horizontal axis logarithmic, its numbers plain ones; values that lie close need no logarithm."""
    if max(values) < CLOSE * min(values):
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(_Plain())


class _Plain(LogFormatter):
    """Labels the ticks that matplotlib would, some where there is less than a decade, by plain numbers."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """As `0.2`, where it would have `2e-01`."""
        return f"{x:g}" if super().__call__(x, pos) else ""
