"""The figure of a comparison: quality against latency, on several machines."""

from __future__ import annotations

import itertools
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fitgate.report.drawing import MARKERS, plain, plain_log_scale, save
from fitgate.report.view.comparison import Comparison


def draw_pareto(view: Comparison, path: Path) -> None:
    """Draw each machine's models, a colour for each machine and a marker for each model, and its Pareto front."""
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    plain_log_scale(axes, [point.milliseconds for points in view.points.values() for point in points])
    names = list(dict.fromkeys(point.model for points in view.points.values() for point in points))
    markers = dict(zip(names, itertools.cycle(MARKERS), strict=False))
    for i, points in enumerate(view.points.values()):
        for x, y, model in points:
            axes.plot(x, y, markers[model], color=f"C{i}", markersize=8, alpha=0.8)
        front = view.axis.front(points)
        axes.plot([p.milliseconds for p in front], [p.value for p in front], "--", color=f"C{i}", linewidth=1, zorder=0)
    shapes = [Line2D([], [], marker=markers[name], linestyle="", color="grey", label=plain(name)) for name in names]
    colours = [Line2D([], [], color=f"C{i}", linewidth=4, label=plain(name)) for i, name in enumerate(view.points)]
    figure.legend(handles=[*colours, *shapes], loc="outside right center", frameon=False)
    axes.margins(x=0.1, y=0.1)
    axes.set(xlabel=f"typical latency of a single {view.noun.one}, ms", ylabel=plain(view.axis.title))
    axes.grid(alpha=0.3, which="both")
    save(figure, path)
