"""The plots of a story, as a reader sees them."""

import itertools

import numpy as np
import pytest

from suite.notebook.plots import draw
from suite.notebook.story import Axes, Images, Lines, Matrices, Matrix, Tiles, curve

THRESHOLDS = np.linspace(-147_000, 49_000, 50)
FALLING = np.linspace(1, 0, 50)


def drawn(plot):
    """A plot's figure, laid out."""
    figure = draw(plot)
    figure.draw_without_rendering()
    return figure


def lines(*curves):
    return Lines("01", "plot", "A plot.", [Axes("", "x", "y", list(curves))] * 2)


def texts(figure):
    """For each axis, the labels of the ticks in sight, with their places on the figure."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            labels = [label for tick in ticks for label in (tick.label1, tick.label2) if label.get_visible()]
            yield [(label.get_text(), label.get_window_extent()) for label in labels if label.get_text()]


@pytest.mark.parametrize("plot", [
    lines(curve("precision", THRESHOLDS, FALLING)),
    lines(curve("precision", 100 * THRESHOLDS, FALLING)),
    lines(curve("loss", np.arange(1, 61), np.linspace(1, 0, 60))),
    Matrices("01", "plot", "A plot.", [Matrix("counts", 5_000 * np.eye(10, dtype=int))] * 2),
])  # fmt: skip
def test_labels_of_ticks_do_not_overlap(plot):
    every = [labels for labels in texts(drawn(plot)) if labels]
    assert len(every) >= 4
    for labels in every:
        for (_, one), (_, next_one) in itertools.pairwise(labels):
            assert not one.overlaps(next_one)


def test_large_numbers_are_in_groups_of_three_digits():
    labels = [text for text, _ in next(texts(drawn(lines(curve("precision", THRESHOLDS, FALLING)))))]
    assert {"0", "50,000"} <= set(labels)


@pytest.mark.parametrize("epochs", [2, 3, 12])
def test_epochs_are_whole_numbers(epochs):
    x = np.arange(1, epochs + 1)
    labels = [text for text, _ in next(texts(drawn(lines(curve("cnn", x, 1 / x, "o-")))))]
    assert all(text.isdigit() for text in labels)


def test_shares_are_not_taken_for_whole_numbers():
    labels = [text for text, _ in next(texts(drawn(lines(curve("guessing", [0, 1], [0, 1], "--")))))]
    assert "0.4" in labels


def test_points_are_not_in_the_colour_of_a_curve():
    figure = drawn(lines(curve("SGD", [0, 1], [1, 0]), curve("90 %", [0.5], [0.5], "o")))
    curvedrawn, point = figure.axes[0].get_lines()
    assert point.get_color() == "black" != curvedrawn.get_color()


def test_panels_of_images_stand_apart():
    panel = Tiles("", np.zeros((25, 784), np.uint8), 5)
    figure = drawn(Images("01", "plot", "A plot.", [panel] * 4, 2))
    upper_left, upper_right, lower_left, _ = (axes.get_window_extent() for axes in figure.axes)
    image = upper_left.width / 5
    assert upper_right.x0 - upper_left.x1 > image / 3
    assert upper_left.y0 - lower_left.y1 > image / 3
