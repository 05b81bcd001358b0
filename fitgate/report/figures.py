"""The figures of a report, as PNG files."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix

from fitgate.record import Record
from fitgate.runs.evaluation import Evaluation
from fitgate.tasks import DIGITS

DPI = 120


def draw(record: Record, directory: Path) -> dict[str, str]:
    """Draw what the record has data for; the caption of each file drawn, by its name in `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    captions = {}
    for name, figure, caption in (
        ("accuracy-latency.png", *_accuracy_latency(record)),
        ("learning.png", *_learning(record)),
        ("confusion.png", *_confusion(record)),
        ("hard-digits.png", *_hard_digits(record)),
        ("lost-digits.png", *_lost_digits(record)),
    ):
        if figure is not None:
            figure.savefig(directory / name, dpi=DPI, metadata={"Software": None})
            captions[name] = caption
    return captions


def _accuracy_latency(record: Record) -> tuple[Figure | None, str]:
    evaluations = {e.model: e for e in _digits(record)}
    points = [
        (1e3 * t.p50, 100 * accuracy, t.model)
        for t in record.timings
        if t.scenario == "single" and t.model in evaluations
        if (accuracy := evaluations[t.model].metrics.get("accuracy")) is not None
    ]
    if not points:
        return None, ""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    by_accuracy = sorted(points, key=lambda point: -point[1])
    for (x, y, model), marker in zip(by_accuracy, itertools.cycle("osD^vP*X"), strict=False):
        axes.plot(x, y, marker, markersize=8, label=f"{model}, {y:.2f} %")
    figure.legend(loc="outside right center", frameon=False)
    front = _pareto(points)
    axes.plot(*zip(*front, strict=True), "--", color="grey", linewidth=1, zorder=0)
    axes.margins(x=0.15, y=0.12)
    axes.set(xlabel="median latency of a single image, ms", ylabel=f"accuracy on {DIGITS.name}, %")
    axes.grid(alpha=0.3, which="both")
    caption = (
        "Accuracy against the latency of a single image. Up and to the left is better; on the dashed line no model "
    )
    return figure, caption + "is both faster and more accurate."


def _pareto(points: Sequence[tuple[float, float, str]]) -> list[tuple[float, float]]:
    """The points that no other beats in both, from fast to slow."""
    front: list[tuple[float, float]] = []
    for x, y, _ in sorted(points, key=lambda p: (p[0], -p[1])):
        if not front or y > front[-1][1]:
            front.append((x, y))
    return front


def draw_race(racers: Mapping[str, tuple[NDArray[Any], NDArray[Any]]], target: float, path: Path) -> None:
    """Draw the seconds and the accuracies, in percent, of each model's seeds, and the accuracy that was the target."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for (name, (seconds, accuracy)), marker in zip(racers.items(), itertools.cycle("oD^s"), strict=False):
        axes.plot(seconds, accuracy, marker, alpha=0.8, label=name)
    axes.axhline(target, linestyle="--", color="grey", linewidth=1, label=f"{target:g} %")
    axes.set_xlim(left=0)
    axes.set(xlabel="training time, s", ylabel=f"accuracy on {DIGITS.name}, %")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


def draw_pareto(machines: Mapping[str, Sequence[tuple[float, float, str]]], path: Path) -> None:
    """Draw the milliseconds and the accuracy, in percent, of each machine's models, and its Pareto front."""
    figure = Figure(figsize=(8, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    names = list(dict.fromkeys(model for points in machines.values() for *_, model in points))
    markers = dict(zip(names, itertools.cycle("osD^vP*X"), strict=False))
    for i, points in enumerate(machines.values()):
        for x, y, model in points:
            axes.plot(x, y, markers[model], color=f"C{i}", markersize=8, alpha=0.8)
        if points:
            axes.plot(*zip(*_pareto(points), strict=True), "--", color=f"C{i}", linewidth=1, zorder=0)
    shapes = [Line2D([], [], marker=markers[name], linestyle="", color="grey", label=name) for name in names]
    colours = [Line2D([], [], color=f"C{i}", linewidth=4, label=name) for i, name in enumerate(machines)]
    figure.legend(handles=[*colours, *shapes], loc="outside right center", frameon=False)
    axes.margins(x=0.1, y=0.1)
    axes.set(xlabel="median latency of a single image, ms", ylabel=f"accuracy on {DIGITS.name}, %")
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, dpi=DPI, metadata={"Software": None})


def _learning(record: Record) -> tuple[Figure | None, str]:
    learnt = [fit for fit in record.fits if fit.curves and fit.task == DIGITS.name]
    kinds = sorted({kind for fit in learnt for kind in fit.curves})
    if not kinds:
        return None, ""
    figure = Figure(figsize=(5.5 * len(kinds), 4), layout="constrained")
    for axes, kind in zip(figure.subplots(1, len(kinds), squeeze=False)[0], sorted(kinds), strict=True):
        for fit in learnt:
            if kind in fit.curves:
                axes.plot(range(1, len(fit.curves[kind]) + 1), fit.curves[kind], "o-", markersize=4, label=fit.model)
        axes.set(xlabel="epoch", ylabel=kind)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    return figure, "How the models that train in epochs learnt the ten digits."


def _confusion(record: Record) -> tuple[Figure | None, str]:
    ranked = sorted(_digits(record), key=lambda e: e.metrics.get("accuracy") or 0.0, reverse=True)
    if not ranked or record.data is None:
        return None, ""
    shown = ranked[:1] if len(ranked) == 1 else [ranked[0], ranked[-1]]
    figure = Figure(figsize=(5.2 * len(shown), 4.8), layout="constrained")
    for axes, evaluation, word in zip(
        figure.subplots(1, len(shown), squeeze=False)[0], shown, ("best", "worst"), strict=False
    ):
        _matrix(axes, evaluation, record.data.test_labels)
        axes.set_title(f"{word}: {evaluation.model}, {100 * (evaluation.metrics['accuracy'] or 0):.2f} % right")
    return (
        figure,
        "Confusion matrices of the best and the worst model: counts; the shade is the share of the digit's images.",
    )


def _matrix(axes: Axes, evaluation: Evaluation, labels: NDArray[Any]) -> None:
    counts = confusion_matrix(labels, evaluation.predictions, labels=range(10))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares**0.5, cmap="Blues", vmin=0, vmax=1)  # the root, so that rare mistakes are seen
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.4 else "black"
            axes.text(column, row, count, ha="center", va="center", fontsize=8, color=colour)
    axes.set(xticks=range(10), yticks=range(10), xlabel="predicted digit", ylabel="true digit")


def _hard_digits(record: Record) -> tuple[Figure | None, str]:
    if not record.hard:
        return None, ""
    columns = min(5, len(record.hard))
    rows = -(-len(record.hard) // columns)
    figure = Figure(figsize=(1.9 * columns, 2.3 * rows), layout="constrained")
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.set_axis_off()
    for axes, hard in zip(figure.axes, record.hard, strict=False):
        axes.imshow(hard.image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=255)
        digits, counts = np.unique(list(hard.answers.values()), return_counts=True)
        readings = ", ".join(f"{digit} by {count}" for digit, count in zip(digits, counts, strict=True))
        axes.set_title(f"#{hard.index}: a {hard.label}\nread as {readings}", fontsize=8)
    return figure, (
        "The test digits that most models get wrong: the position in the test split, the label, and what it was read "
        "as by how many models."
    )


def _lost_digits(record: Record) -> tuple[Figure | None, str]:
    if not record.lost:
        return None, ""
    columns = max(map(len, record.lost.values()))
    figure = Figure(figsize=(max(1.2 * columns, 5), 1.9 * len(record.lost)), layout="constrained")
    for part, (gate, lost) in zip(
        figure.subfigures(len(record.lost), squeeze=False)[:, 0], record.lost.items(), strict=True
    ):
        part.suptitle(gate, fontsize=9)
        for axes in part.subplots(1, columns, squeeze=False).flat:
            axes.set_axis_off()
        for axes, digit in zip(part.axes, lost, strict=False):
            axes.imshow(digit.image.reshape(28, 28), cmap="gray_r", vmin=0, vmax=255)
            (answer,) = digit.answers.values()
            axes.set_title(f"#{digit.index}: a {digit.label},\nanswer {answer}", fontsize=8)
    return figure, "Test digits that were right in the baseline and are wrong now, those first that tell most."


def _digits(record: Record) -> list[Evaluation]:
    return [e for e in record.evaluations if e.task == DIGITS.name]
