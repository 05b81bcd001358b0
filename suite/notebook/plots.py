"""The plots of a story, as PNG files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from suite import png
from suite.notebook.story import Images, Lines, Matrices, Plot, Story, Tiles

SIDE = 28  # of an image, pixels
GAP = 2  # pixels between the images of a panel
BETWEEN = 0.08  # panels of images, a share of one
WORD = 9  # pixels above an image for its word
FEW_CLASSES = 5
COLOURS: dict[str, dict[str, Any]] = {  # of what is no curve of a model's: points, and what to compare with
    "o": {"color": "black", "zorder": 3},
    "--": {"color": "grey", "linewidth": 1},
}
LARGE = 1_000  # numbers from here on are read by their groups of three digits


def draw_plots(story: Story, directory: Path) -> None:
    """Draw every plot of a story into a directory, each under its name."""
    for block in story.blocks:
        if isinstance(block, Plot):
            png.save(draw(block), directory / f"{block.name}.png")


def draw(plot: Plot) -> Figure:
    """A plot as a figure, not yet laid out."""
    match plot:
        case Lines():
            return _lines(plot)
        case Matrices():
            return _matrices(plot)
        case Images():
            return _images(plot)
        case _:
            raise TypeError(f"no way to draw a {type(plot).__name__}")


def _lines(plot: Lines) -> Figure:
    count = len(plot.panels)
    figure = Figure(figsize=(6.5 if count == 1 else 5 * count, 4.5), layout="constrained")
    for axes, panel in zip(figure.subplots(1, count, squeeze=False)[0], plot.panels, strict=True):
        for curve in panel.curves:
            axes.plot(curve.x, curve.y, curve.style, label=curve.label, **COLOURS.get(curve.style, {}))
        axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
        x = np.concatenate([curve.x for curve in panel.curves])
        if np.abs(x).max() >= LARGE:
            axes.xaxis.set_major_locator(MaxNLocator(5))
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        elif (x == x.round()).all() and x.max() > 1:  # counts, as of epochs
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if len(panel.curves) > 1:
            axes.legend(fontsize=9)
    return figure


def _matrices(plot: Matrices) -> Figure:
    count = len(plot.panels)
    figure = Figure(figsize=(5.2 * count, 4.8), layout="constrained")
    for axes, panel in zip(figure.subplots(1, count, squeeze=False)[0], plot.panels, strict=True):
        counts = np.issubdtype(panel.values.dtype, np.integer)
        values = panel.values if counts else 100 * panel.values
        image = axes.imshow(values, cmap="gray")
        size = 7 if len(values) > FEW_CLASSES else 12
        for (row, column), value in np.ndenumerate(values):
            colour = "black" if value > values.max() / 2 else "white"
            text = f"{value:,d}" if counts else f"{value:.1f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
        label = "images" if counts else "% of the class's images"
        figure.colorbar(image, ax=axes, shrink=0.8, label=label, format="{x:,.0f}")
        ticks = range(len(values))
        axes.set(title=panel.title, xticks=ticks, yticks=ticks, xlabel="predicted", ylabel="true")
    return figure


def _images(plot: Images) -> Figure:
    mosaics = [_mosaic(panel) for panel in plot.panels]
    columns, rows = plot.columns, -(-len(mosaics) // plot.columns)
    height, width = (max(mosaic.shape[axis] for mosaic in mosaics) for axis in (0, 1))
    titled = any(panel.title for panel in plot.panels)
    inches = 0.06 if len(mosaics[0]) == SIDE and width == SIDE else 0.015  # a pixel
    across, down = columns * (inches * width + 0.2), rows * (inches * height + (0.35 if titled else 0.1))
    figure = Figure(figsize=(across, down), layout="constrained")
    if columns > 1:  # or the images of one panel would run into the next one's
        figure.set_size_inches(across * (1 + BETWEEN), down * (1 + BETWEEN))
        figure.set_layout_engine(ConstrainedLayoutEngine(wspace=BETWEEN, hspace=BETWEEN))
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, panel, mosaic in zip(grid.flat, plot.panels, mosaics, strict=False):
        axes.set_title(panel.title, fontsize=10)
        axes.imshow(mosaic, cmap="gray_r", vmin=0, vmax=255)
        axes.set(xlim=(-1, width), ylim=(height, -1))  # all panels to one scale, from their upper left corner
        for i, word in enumerate(panel.words):
            x, y = _place(panel, i)
            axes.text(x + SIDE / 2, y, word, ha="center", va="bottom", fontsize=7)
    return figure


def _mosaic(panel: Tiles) -> NDArray[np.uint8]:
    """The images of a panel as one, `(height, width)`, on white."""
    places = [_place(panel, i) for i in range(max(len(panel.images), panel.columns))]
    mosaic = np.zeros((max(y for _, y in places) + SIDE, max(x for x, _ in places) + SIDE), np.uint8)
    for image, (x, y) in zip(panel.images, places, strict=False):
        mosaic[y : y + SIDE, x : x + SIDE] = image.reshape(SIDE, SIDE)
    return mosaic


def _place(panel: Tiles, i: int) -> tuple[int, int]:
    """Left and upper edge of an image in its panel."""
    row, column = divmod(i, panel.columns)
    above = WORD if panel.words else 0
    return column * (SIDE + GAP), row * (SIDE + GAP + above) + above
