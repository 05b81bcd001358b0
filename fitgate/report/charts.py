"""The figures of a comparison: quality against latency, and throughput against batch size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from fitgate.report.drawing import DPI, MARKERS, plain, plain_log_scale, save
from fitgate.report.labels import Labelled, label_ends, label_points
from fitgate.report.view.comparison import Comparison
from fitgate.report.view.curves import Curves
from fitgate.report.view.words import Noun

CLOSEST = 0.05  # from a label of the horizontal axis to the next, as a share of it
ROOM = 0.15  # for labels, on each side of what is drawn, as a share of it


def draw_pareto(view: Comparison, path: Path) -> None:
    """Draw each setting, a colour for each machine and a marker for each engine, and all settings' Pareto front."""
    assert view.axis is not None, "there are points"
    figure, axes = _axes()
    style = _Style(view.machines, [point.engine for point in view.points])
    plain_log_scale(axes, [point.milliseconds for point in view.points])
    front = view.axis.front(view.points)
    line = [(point.milliseconds, point.value) for point in front]
    axes.plot(*zip(*line, strict=True), "--", color="grey", linewidth=1, zorder=0)
    for point in view.points:
        marker, colour = style.of(point.engine, point.machine)
        axes.plot(point.milliseconds, point.value, marker, color=colour, markersize=7, alpha=0.85)
    axes.margins(x=ROOM, y=ROOM)
    if view.axis.percent:
        axes.set_ylim(max(axes.get_ylim()[0], 0), min(axes.get_ylim()[1], 101))
    axes.set(xlabel=f"typical latency of a single {view.noun.one}, ms", ylabel=plain(view.axis.title))
    style.legend(figure)
    ordered = [*front, *(point for point in view.points if point not in front)]
    label_points(
        axes, [Labelled(p.milliseconds, p.value, p.model, style.of(p.engine, p.machine)[1]) for p in ordered], line
    )
    save(figure, path)


def draw_curves(view: Comparison, path: Path) -> None:
    """Draw each setting's throughput against the batch size, colours and markers as in the other figure."""
    assert view.curves is not None, "there are curves"
    save(throughput(view.curves, view.machines, view.noun), path)


def throughput(of: Curves, machines: Sequence[str], noun: Noun) -> Figure:
    """A figure of throughput against batch size, a colour for each machine and a marker for each engine.

    Args:
        of: the curves.
        machines: names, in their order; of one machine, each model has a colour of its own.
        noun: what an example is called.
    """
    figure, axes = _axes()
    style = _Style(machines, [curve.engine for curve in of.curves])
    ends = []
    for i, curve in enumerate(of.curves):
        marker, colour = style.of(curve.engine, curve.machine)
        if len(machines) == 1:
            colour = f"C{i % 10}"
        sizes, values = [b.size for b in curve.batches], [b.throughput.value for b in curve.batches]
        axes.plot(sizes, values, f"{marker}-", color=colour, markersize=4, linewidth=1.2, alpha=0.85)
        ends.append(Labelled(sizes[-1], values[-1], curve.served, colour))
    axes.set_xscale("log")
    axes.set_yscale("log")
    apart = _apart(of.sizes)
    axes.set_xticks(of.sizes, [f"{size:,}" if size in apart else "" for size in of.sizes], rotation=45, fontsize=8)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter("{x:,.0f}")
    least, most = of.sizes[0], of.sizes[-1]
    axes.set_xlim(least * (least / most) ** 0.04, most * (most / least) ** (2 * ROOM))  # labels stand on the right
    axes.set(xlabel=f"{noun.many} a query", ylabel=f"{noun.many} a second")
    style.legend(figure)
    label_ends(axes, ends)
    return figure


def _apart(sizes: Sequence[int]) -> list[int]:
    """Sizes whose labels don't overlap on a logarithmic axis: of two that lie too close, the larger one has none."""
    kept = list(sizes[:1])
    for size in sizes[1:]:
        if math.log(size / kept[-1]) >= CLOSEST * math.log(sizes[-1] / sizes[0]):
            kept.append(size)
    return kept


def _axes() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, 5.4), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    axes.grid(alpha=0.3, which="both")
    return figure, axes


class _Style:
    """A colour for each machine, and a marker for each engine."""

    def __init__(self, machines: Sequence[str], engines: Iterable[str]):
        self._colours = {name: f"C{i % 10}" for i, name in enumerate(machines)}
        self._markers = {name: MARKERS[i % len(MARKERS)] for i, name in enumerate(dict.fromkeys(engines))}

    def of(self, engine: str, machine: str) -> tuple[str, str]:
        """The marker and the colour of a setting."""
        return self._markers[engine], self._colours[machine]

    def legend(self, figure: Figure) -> None:
        """What they mean, beside the axes."""
        named = self._colours.items() if len(self._colours) > 1 else ()
        handles = [Line2D([], [], color=c, linewidth=4, label=plain(name)) for name, c in named]
        if len(self._markers) > 1:
            handles += [
                Line2D([], [], marker=marker, linestyle="", color="grey", label=plain(name))
                for name, marker in self._markers.items()
            ]
        if handles:
            figure.legend(handles=handles, loc="outside right center", frameon=False)
