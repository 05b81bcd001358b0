"""The plots of a story, as PNG files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from suite import png
from suite.notebook.story import Images, Lines, Matrices, Plot, Story, Tiles

SIDE = 28  # of an image, pixels
GAP = 2  # pixels between the images of a panel
WORD = 9  # pixels above an image for its word


def draw_plots(story: Story, directory: Path) -> None:
    """Draw every plot of a story into a directory, each under its name."""
    for block in story.blocks:
        if isinstance(block, Plot):
            png.save(_draw(block), directory / f"{block.name}.png")


def _draw(plot: Plot) -> Figure:
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
            grey = {"color": "grey", "linewidth": 1} if curve.style == "--" else {}
            axes.plot(curve.x, curve.y, curve.style, label=curve.label, **grey)
        axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
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
        for (row, column), value in np.ndenumerate(values):
            colour = "black" if value > values.max() / 2 else "white"
            text = f"{value:,d}" if counts else f"{value:.1f}"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
        figure.colorbar(image, ax=axes, shrink=0.8, label="images" if counts else "% of the class's images")
        ticks = range(len(values))
        axes.set(title=panel.title, xticks=ticks, yticks=ticks, xlabel="predicted", ylabel="true")
    return figure


def _images(plot: Images) -> Figure:
    mosaics = [_mosaic(panel) for panel in plot.panels]
    columns, rows = plot.columns, -(-len(mosaics) // plot.columns)
    height, width = (max(mosaic.shape[axis] for mosaic in mosaics) for axis in (0, 1))
    titled = any(panel.title for panel in plot.panels)
    inches = 0.06 if len(mosaics[0]) == SIDE and width == SIDE else 0.015  # a pixel
    size = (columns * (inches * width + 0.2), rows * (inches * height + (0.35 if titled else 0.1)))
    figure = Figure(figsize=size, layout="constrained")
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
