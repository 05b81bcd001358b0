"""A figure of points, and of the line through each set of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fitgate.report.drawing import MARKERS, plain, save


class Dotted(NamedTuple):
    """Points `x`, `y`, the line `along`, `fitted` through them, and what they are called."""

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    along: NDArray[np.float64]
    fitted: NDArray[np.float64]


def draw_dotted(sets: Sequence[Dotted], across: str, upwards: str, shown: tuple[float, float], path: Path) -> None:
    """Draw sets of percentages over a quantity of which 1 is marked.

    Args:
        sets: to be drawn.
        across, upwards: labels of the axes.
        shown: ends of the horizontal one.
        path: of the PNG.

    Raises:
        FileError: if it can't be written.
    """
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for i, (label, x, y, along, fitted) in enumerate(sets):
        (points,) = axes.plot(x, y, MARKERS[i % len(MARKERS)], alpha=0.7, label=plain(label))
        axes.plot(along, fitted, color=points.get_color(), alpha=0.5)
    axes.axvline(1, color="grey", linestyle=":")
    axes.set(xlim=shown, ylim=(-3, 103), xlabel=plain(across), ylabel=plain(upwards))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right center", frameon=False)
    save(figure, path)
