"""Labels of figures: none covers another, or leaves the axes."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure

from fitgate.report.charts import throughput
from fitgate.report.drawing import DPI
from fitgate.report.labels import Labelled, label_ends, label_points
from fitgate.report.view.curves import Batch, Curve, Curves
from fitgate.report.view.measured import Measured
from fitgate.report.view.words import Noun

NAMES = [
    "forest",
    "svc",
    "svc_ovo",
    "svc_ovr",
    "knn",
    "sgd",
    "cnn",
    "torch_cnn",
    "gradient boosting",
    "a$b",
    "x",
    "ridge",
]
rng = np.random.default_rng(0)
CLOUDS = {
    "a cluster": (1 + 0.02 * rng.random(12), 0.9 + 0.001 * rng.random(12)),
    "one place": (np.ones(12), np.full(12, 0.9)),
    "a corner": (np.geomspace(1, 1.01, 12), np.linspace(0.99, 0.9901, 12)),
    "far apart": (np.geomspace(0.01, 100, 12), rng.random(12)),
}


def axes_of(x, y, names, label, **options):
    """Axes with points and labels, drawn as a figure is saved; the labels' boxes, and that of the axes."""
    figure = Figure(figsize=(9, 5.4), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    axes.plot(x, y, "o")
    axes.set(xlim=(0.5 * min(x), 3 * max(x)), ylim=(min(y) - 0.1, max(y) + 0.01), xscale="log")
    labels = label(axes, [Labelled(*point, "C0") for point in zip(x, y, names, strict=True)], **options)
    figure.draw_without_rendering()
    return [text.get_window_extent() for text in labels], axes.get_window_extent()


def check(boxes, outer):
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    for box in boxes:
        assert outer.x0 <= box.x0 <= box.x1 <= outer.x1
        assert outer.y0 <= box.y0 <= box.y1 <= outer.y1


@pytest.mark.parametrize("cloud", CLOUDS)
def test_no_labels_of_points_overlap_or_leave_the_axes(cloud):
    x, y = CLOUDS[cloud]
    boxes, outer = axes_of(x, y, NAMES, label_points, line=[(min(x), min(y)), (max(x), max(y))])
    assert len(boxes) == len(NAMES)
    check(boxes, outer)


@pytest.mark.parametrize("cloud", CLOUDS)
def test_no_labels_of_ends_overlap_or_leave_the_axes(cloud):
    _, y = CLOUDS[cloud]
    boxes, outer = axes_of(np.ones(12), y, NAMES, label_ends)
    assert len(boxes) == len(NAMES)
    check(boxes, outer)
    assert len({round(box.x0) for box in boxes}) == 1
    order = np.argsort([-box.y0 for box in boxes])
    assert order.tolist() == list(range(12)), "from high to low"


@pytest.mark.parametrize("label", [label_points, label_ends])
def test_labels_that_have_no_place_are_left_out(label):
    options = {"line": [(1.0, 0.9)]} if label is label_points else {}
    boxes, outer = axes_of(np.ones(100), np.full(100, 0.9), ["a name of some length"] * 100, label, **options)
    assert 20 < len(boxes) < 100
    check(boxes, outer)


def test_a_long_name_is_cut():
    boxes, outer = axes_of([1.0], [0.5], ["x" * 1_000], label_ends)
    check(boxes, outer)


@pytest.mark.parametrize("sizes", [(1, 8, 64, 480, 512), (1, 2, 8, 32, 33, 64, 128, 512, 513, 1_024, 4_096, 10_000)])
def test_batch_sizes_that_lie_close_do_not_cover_each_other(sizes):
    curve = Curve("m", "native", "", tuple(Batch(size, Measured(100.0 * size)) for size in sizes))
    figure = throughput(Curves(sizes, (curve,)), [""], Noun("image", "images"))
    figure.draw_without_rendering()
    labels = [label for label in figure.axes[0].get_xticklabels() if label.get_text()]
    boxes = [label.get_window_extent() for label in labels]
    assert labels[0].get_text() == "1"
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
