"""Pictures of test examples whose rows are images."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure, FigureBase
from numpy.typing import NDArray

from fitgate.report.drawing import plain
from fitgate.report.view.examples import ExampleRow, Examples
from fitgate.report.view.words import shortened

COLUMNS = 5
INCHES = 1.9  # the width of a column
LINE = 26  # characters above a picture
LINES = 4
MOST_ANSWERS = 3


def draw_misclassified(of: Examples) -> Figure:
    """Draw the misclassified examples of a task, with the true class and what models answered."""
    columns = min(COLUMNS, len(of.rows))
    lines = -(-len(of.rows) // columns)
    figure = Figure(figsize=(INCHES * columns, 2.3 * lines), layout="constrained")
    _draw(figure, of.rows, columns, lines)
    return figure


def draw_lost(several: Sequence[Examples]) -> Figure:
    """Draw the examples that failed gates name, a line for each gate."""
    columns = max(len(of.rows) for of in several)
    figure = Figure(figsize=(max(INCHES * columns, 5), 2.6 * len(several)), layout="constrained")
    for part, of in zip(figure.subfigures(len(several), squeeze=False)[:, 0], several, strict=True):
        part.suptitle(plain(of.title), fontsize=9)
        _draw(part, of.rows, columns, 1)
    return figure


def _draw(figure: FigureBase, rows: Sequence[ExampleRow], columns: int, lines: int) -> None:
    pictures = [np.nan_to_num(row.picture.astype(np.float64)) for row in rows if row.picture is not None]
    bytes_ = all(row.picture is not None and row.picture.dtype == np.uint8 for row in rows)
    low, high = (0.0, 255.0) if bytes_ else (min(p.min() for p in pictures), max(p.max() for p in pictures))
    places = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in places:
        axes.set_axis_off()
    for axes, row, picture in zip(places, rows, pictures, strict=False):
        axes.imshow(_shades((picture - low) / ((high - low) or 1.0)), cmap="gray", vmin=0, vmax=1)
        axes.set_title(plain(_title(row)), fontsize=8)


def _shades(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """A picture as matplotlib takes it: a lone channel is none."""
    return picture[..., 0] if picture.shape[-1] == 1 else picture


def _title(row: ExampleRow) -> str:
    several = sum(models for _, models in row.answers) > 1
    named = [(shortened(answer, LINE), models) for answer, models in row.answers[:MOST_ANSWERS]]
    answers = ", ".join(f"{answer} by {models}" if several else answer for answer, models in named)
    above = textwrap.wrap(f"answered {answers}", LINE, max_lines=LINES - 1, placeholder=" ...")
    return "\n".join([shortened(f"#{row.index}: {row.truth}", LINE), *above])
