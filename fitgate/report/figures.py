"""The figures of a run's report, as PNG files, drawn from its view."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fitgate.files import make_directory
from fitgate.report.drawing import MARKERS, plain, plain_log_scale, save
from fitgate.report.faults import Part, whole
from fitgate.report.naming import figure_file
from fitgate.report.pictures import draw_lost, draw_misclassified
from fitgate.report.strengths import draw_robustness
from fitgate.report.view.classes import Confusion, Matrix
from fitgate.report.view.curves import Curves
from fitgate.report.view.examples import Examples
from fitgate.report.view.learning import Learning
from fitgate.report.view.numbers import Numbers
from fitgate.report.view.reliability import Reliability
from fitgate.report.view.report import ReportView
from fitgate.report.view.robustness import Robustness
from fitgate.report.view.tradeoff import TradeOff
from fitgate.report.view.words import Noun, shortened

MOST_LOST = 20  # failed gates whose examples are drawn
LONGEST_NAME = 24  # characters of a class's name on an axis
MISCLASSIFIED = (
    "Test {} that {} wrong, 20 at most, those first that most get wrong: the place in the test split, the true class, "
    "and what models answered and how many of them did."
)


def draw(view: ReportView, directory: Path, part: Part = whole) -> dict[str, str]:
    """Draw what the view has data for; the caption of each file drawn, by its name in `directory`.

    Args:
        view: of the report.
        directory: of the figures, made where it is missing.
        part: a context around the making of each.

    Raises:
        FileError: if one can't be written.
    """
    make_directory(directory)
    drawn: dict[str, str] = {}

    def add(name: str, make: Callable[[], tuple[Figure, str]]) -> None:
        with part(f"the figure {name}"):
            figure, caption = make()
            save(figure, directory / name)
            drawn[name] = caption

    name = partial(figure_file, view)
    for tradeoff in view.tradeoffs:
        add(name("accuracy-latency", tradeoff.task), partial(_tradeoff, tradeoff))
    for learning in view.learnings:
        add(name("learning", learning.task), partial(_learning, learning))
    for confusion in view.confusions:
        if confusion.drawn:
            add(name("confusion", confusion.task), partial(_confusion, confusion))
    for reliability in view.reliabilities:
        add(name("reliability", reliability.task), partial(_reliability, reliability))
    for robust in view.robustness:
        add(name("robustness", robust.task), partial(_robustness, robust))
    for numbers in view.numbers:
        add(name("predicted", numbers.task), partial(_predicted, numbers))
    for examples in view.misclassified:
        if examples.drawn:
            add(name("misclassified", examples.task), partial(_misclassified, examples))
    if view.curves:
        add("throughput.png", partial(_curves, view.curves, view.noun))
    if lost := [examples for examples in view.lost if examples.drawn]:
        add("lost-examples.png", partial(_lost, lost[:MOST_LOST]))
    return drawn


def _misclassified(of: Examples) -> tuple[Figure, str]:
    return draw_misclassified(of), MISCLASSIFIED.format(of.noun.many, of.wrong)


def _lost(several: Sequence[Examples]) -> tuple[Figure, str]:
    return draw_lost(several), " ".join(dict.fromkeys(of.lost for of in several))


def _tradeoff(of: TradeOff) -> tuple[Figure, str]:
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    plain_log_scale(axes, [point.milliseconds for point in of.points])
    for point, marker in zip(of.points, itertools.cycle(MARKERS), strict=False):
        value = f"{point.value:.2f} %" if of.axis.percent else f"{point.value:.4g}"
        axes.plot(point.milliseconds, point.value, marker, markersize=8, label=plain(f"{point.model}, {value}"))
    figure.legend(loc="outside right center", frameon=False)
    front = of.axis.front(of.points)
    axes.plot([p.milliseconds for p in front], [p.value for p in front], "--", color="grey", linewidth=1, zorder=0)
    axes.margins(x=0.15, y=0.12)
    if of.axis.percent:
        axes.set_ylim(max(axes.get_ylim()[0], 0), min(axes.get_ylim()[1], 100))
    axes.set(xlabel=f"typical latency of a single {of.noun.one}, ms", ylabel=plain(of.axis.title))
    axes.grid(alpha=0.3, which="both")
    line = "; no model is both faster and better than one on the dashed line" if len(front) > 1 else ""
    return figure, (
        f"{of.axis.metric[:1].upper()}{of.axis.metric[1:]} on {of.task} against the latency of a single "
        f"{of.noun.one}. {'Up' if of.axis.higher_is_better else 'Down'} and to the left is better{line}."
    )


def _curves(of: Curves, noun: Noun) -> tuple[Figure, str]:
    from fitgate.report.charts import throughput

    return throughput(
        of, [""], noun
    ), f"How many {noun.many} a second models answer, by how many are asked about at once."


def _learning(of: Learning) -> tuple[Figure, str]:
    figure = Figure(figsize=(5.5 * len(of.curves), 4), layout="constrained")
    for axes, (kind, curves) in zip(
        figure.subplots(1, len(of.curves), squeeze=False)[0], of.curves.items(), strict=True
    ):
        for curve in curves:
            axes.plot(range(1, len(curve.values) + 1), curve.values, "o-", markersize=4, label=plain(curve.model))
        axes.set(xlabel="epoch", ylabel=plain(kind))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure, f"How the models that train in epochs learnt {of.task}."


def _confusion(of: Confusion) -> tuple[Figure, str]:
    side = max(4.8, 0.36 * len(of.classes) + 1.2)
    figure = Figure(figsize=((side + 0.4) * len(of.matrices), side), layout="constrained")
    for axes, matrix in zip(figure.subplots(1, len(of.matrices), squeeze=False)[0], of.matrices, strict=True):
        standing = f"{matrix.standing}: " if matrix.standing else ""
        axes.set_title(plain(f"{standing}{matrix.model}, {matrix.value}"))
        _matrix(axes, matrix, [plain(shortened(name, LONGEST_NAME)) for name in of.classes])
    which = "matrices of the best and the worst model" if len(of.matrices) > 1 else f"matrix of {of.matrices[0].model}"
    return figure, (
        f"Confusion {which} on {of.task}: numbers of test {of.noun.many}; the shade is the share of the true class."
    )


def _reliability(of: Reliability) -> tuple[Figure, str]:
    columns = min(3, len(of.models))
    rows = -(-len(of.models) // columns)
    figure = Figure(figsize=(3.6 * columns, 3.6 * rows), layout="constrained")
    every = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
    for axes, model in itertools.zip_longest(every, of.models):
        if model is None:
            axes.set_axis_off()
            continue
        off = f"off by {100 * model.error:.1f} points" if model.error else "off by no more than chance"
        axes.set_title(plain(f"{model.model}, {off}"))
        axes.plot([0, 1], [0, 1], "--", color="grey", linewidth=1, zorder=0)
        reach = np.maximum([model.happened - model.low, model.high - model.happened], 0)
        axes.errorbar(model.stated, model.happened, reach, fmt="o-", markersize=4, linewidth=1, elinewidth=1)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.grid(alpha=0.3)
    figure.supxlabel("stated probability")
    figure.supylabel("share that happened")
    left = f" {of.more} more are not drawn." if of.more else ""
    return figure, (
        f"Reliability on {of.task}, the models that are farthest off first: how often it was {of.event}, by how likely "
        f"that was said to be. A point is one of {len(of.models[0].stated)} bins of as many of {of.n:,} test "
        f"{of.noun.many}, with its 95 % interval; on the dashed line both are equal.{left}"
    )


def _robustness(of: Robustness) -> tuple[Figure, str]:
    return draw_robustness(of), (
        f"What models make of test {of.noun.many} of {of.task} that are disturbed more and more; on the left, not at "
        "all. A bar ends at what the value is at worst, by its gate's confidence; the gate asks for the dash or better."
    )


def _predicted(of: Numbers) -> tuple[Figure, str]:
    figure = Figure(figsize=(5.2 * len(of.scatters), 4.8), layout="constrained")
    values = np.concatenate([of.truth, *(scatter.predictions for scatter in of.scatters)]).astype(np.float64)
    ends = [float(values.min()), float(values.max())]
    axes_of = figure.subplots(1, len(of.scatters), squeeze=False, sharex=True, sharey=True)[0]
    for axes, scatter in zip(axes_of, of.scatters, strict=True):
        standing = f"{scatter.standing}: " if scatter.standing else ""
        axes.set_title(plain(f"{standing}{scatter.model}, {scatter.value}"))
        axes.plot(ends, ends, "--", color="grey", linewidth=1, zorder=0)
        axes.plot(of.truth, scatter.predictions, "o", markersize=4, alpha=0.5, markeredgewidth=0)
        axes.set(xlabel="true value", ylabel="predicted value")
        axes.grid(alpha=0.3)
    which = "the best and the worst model" if len(of.scatters) > 1 else of.scatters[0].model
    return figure, (
        f"Predicted against true values on {of.task}, of {which}: a point is one of {len(of.truth):,} test "
        f"{of.points.many}; on the dashed line both are equal."
    )


def _matrix(axes: Axes, matrix: Matrix, names: Sequence[str]) -> None:
    counts = matrix.counts
    if counts is None:
        return
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares**0.5, cmap="Blues", vmin=0, vmax=1)  # the root, so that rare mistakes are seen
    for (row, column), number in np.ndenumerate(counts):
        if number:
            colour = "white" if shares[row, column] > 0.4 else "black"
            axes.text(column, row, str(number), ha="center", va="center", fontsize=8, color=colour)
    axes.set(xlabel="predicted class", ylabel="true class")
    long = max(map(len, names)) > 2
    axes.set_xticks(range(len(names)), names, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticks(range(len(names)), names)
