"""The figure of robustness: metrics by the strength of what examples suffer."""

from __future__ import annotations

import itertools

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fitgate.report.drawing import MARKERS, plain
from fitgate.report.view.robustness import Robustness, Withstood

COLUMNS = 3


def draw_robustness(of: Robustness) -> Figure:
    """Draw each model's metric by the strength of what examples suffer, a panel for each metric and disturbance.

    Where a gate was judged, a bar leads from the value to its bound, and a dash is what the gate asks for.
    """
    columns = min(COLUMNS, len(of.panels))
    rows = -(-len(of.panels) // columns)
    figure = Figure(figsize=(4.4 * columns + 1.6, 3.8 * rows), layout="constrained")
    models = dict.fromkeys(model.model for panel in of.panels for model in panel.models)
    styles = {name: (f"C{i % 10}", MARKERS[i % len(MARKERS)]) for i, name in enumerate(models)}
    for axes, panel in itertools.zip_longest(figure.subplots(rows, columns, squeeze=False).flat, of.panels):
        if panel is None:
            axes.set_axis_off()
            continue
        for model in panel.models:
            _curve(axes, model, *styles[model.model])
        axes.set(xlabel=plain(panel.disturbance), ylabel=plain(panel.metric))
        axes.margins(x=0.08, y=0.1)
        axes.grid(alpha=0.3)
    handles = [Line2D([], [], color=c, marker=m, label=plain(name)) for name, (c, m) in styles.items()]
    figure.legend(handles=handles, loc="outside right center", frameon=False)
    return figure


def _curve(axes: Axes, of: Withstood, colour: str, marker: str) -> None:
    axes.plot(*zip(*of.points, strict=True), f"{marker}-", color=colour, markersize=5)
    if of.bound is not None and of.asked is not None:
        axes.plot([of.at, of.at], [of.points[-1][1], of.bound], color=colour, linewidth=1)
        axes.plot([of.at], [of.asked], "_", color=colour, markersize=18, markeredgewidth=2)
