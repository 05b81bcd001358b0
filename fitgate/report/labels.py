"""Labels in a figure, placed so that none covers another or leaves the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from numpy.typing import NDArray

from fitgate.report.drawing import plain
from fitgate.report.view.words import shortened

Array = NDArray[np.float64]  # places are `(x, y)`, boxes `(left, bottom, right, top)`, in pixels

SIZE = 8  # points
LONGEST = 24  # characters
PAD = 2.0  # pixels around a label
MARKER = 6.0  # pixels from a marker's centre to its edge
REACHES = (8, 12, 17, 23, 30, 38, 48, 60, 74, 90, 110, 135, 165, 200, 250)  # pixels from a point to its label
ANGLES = (0, 180, 90, 270, 45, 315, 135, 225, 22, 338, 158, 202, 68, 292, 112, 248)  # in degrees, the best first
LEADER = 17  # pixels from which on a line leads from a point to its label
STEP = 6.0  # pixels between places of a line that labels are to leave free
COLUMN = 26.0  # pixels from the last point to the column of labels


class Labelled(NamedTuple):
    """A point, as data, with its label and the label's colour."""

    x: float
    y: float
    text: str
    colour: str


def label_points(axes: Axes, points: Sequence[Labelled], line: Sequence[tuple[float, float]]) -> list[Annotation]:
    """Label points: each label where it is nearest to its point, of the places that are free; the first ones choose.

    The figure is laid out first, and then stays as it is. A label for which no place is free is left out.

    Args:
        axes: of the points, whose limits are set.
        points: with their labels.
        line: as data, that labels leave free besides the points.
    """
    inside = _laid_out(axes)
    places = axes.transData.transform([(point.x, point.y) for point in points])
    taken = [_around(places, 2 * MARKER, 2 * MARKER), _around(_along(axes.transData.transform(list(line))), 2, 2)]
    labels = []
    for point, place in zip(points, places, strict=True):
        label, size = _label(axes, point)
        boxes = _boxes(place, size)
        free = _within(boxes, inside) & ~_overlap(boxes, np.concatenate(taken))
        if not free.any():
            label.remove()
            continue
        nearest = int(free.argmax())
        _move(axes, label, place, boxes[nearest], lead=REACHES[nearest // len(ANGLES)] >= LEADER)
        taken.append(boxes[[nearest]])
        labels.append(label)
    return labels


def label_ends(axes: Axes, points: Sequence[Labelled]) -> list[Annotation]:
    """Label the ends of lines in a column to the right of all, each label as near to the height of its end as may be.

    The figure is laid out first, and then stays as it is. Labels that don't fit into the column are left out, the
    lowest points' first.
    """
    _, low, _, high = _laid_out(axes)
    places = axes.transData.transform([(point.x, point.y) for point in points])
    made = [(place, *_label(axes, point)) for point, place in zip(points, places, strict=True)]
    made.sort(key=lambda of: -of[0][1])
    height = max(float(size[1]) for _, _, size in made)
    fitting = int((high - low) // height)
    for _, label, _ in made[fitting:]:
        label.remove()
    del made[fitting:]
    left = places[:, 0].max() + COLUMN
    ends = _spread([place[1] for place, _, _ in made], height, low + height / 2, high - height / 2)
    for (place, label, size), end in zip(made, ends, strict=True):
        _move(axes, label, place, _around(np.array([[left + size[0] / 2, end]]), *size)[0], lead=True)
    return [label for _, label, _ in made]


def _spread(heights: Sequence[float], gap: float, least: float, most: float) -> list[float]:
    """Heights, from high to low, moved so that they lie a gap apart between two bounds, and no farther than need be.

    It is the isotonic regression of what is left when the gaps are taken out, so each moves with its neighbours.
    """
    from scipy.optimize import isotonic_regression

    steps = gap * np.arange(len(heights))
    moved = isotonic_regression(np.asarray(heights) + steps, increasing=False).x
    return [float(height) for height in np.clip(moved, least + steps[-1], most) - steps]


def _laid_out(axes: Axes) -> Array:
    """Lay the figure out for good; the box, in pixels, that labels stay in."""
    figure = cast(Figure, axes.get_figure(root=True))
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    return np.asarray(axes.get_window_extent().padded(-PAD).extents)


def _label(axes: Axes, of: Labelled) -> tuple[Annotation, Array]:
    """A label that is not yet in its place, and its width and height in pixels, with what is to be free around it."""
    text = plain(shortened(of.text, LONGEST))
    label = axes.annotate(text, (of.x, of.y), (0, 0), textcoords="offset pixels", ha="center", va="center")
    label.set(fontsize=SIZE, color=of.colour)
    label.set_in_layout(False)
    return label, np.asarray(label.get_window_extent().size) + 2 * PAD


def _move(axes: Axes, label: Annotation, place: Array, box: Array, lead: bool) -> None:
    """Put a label into a box, if asked with a thin line from its point to the nearest place of the box."""
    x, y = (box[:2] + box[2:]) / 2 - place
    label.set_position((float(x), float(y)))
    if lead:
        xs, ys = axes.transData.inverted().transform([place, place.clip(box[:2], box[2:])]).T
        axes.plot(xs, ys, color="grey", linewidth=0.5, zorder=1, scalex=False, scaley=False)


def _boxes(place: Array, size: Array) -> Array:
    """Boxes of a size around a place, the nearest first."""
    reaches, angles = np.repeat(REACHES, len(ANGLES)), np.radians(np.tile(ANGLES, len(REACHES)))
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    return _around(place + directions * (reaches[:, None] + size / 2), *size)


def _around(centres: Array, width: float, height: float) -> Array:
    half = np.array([width, height]) / 2
    return np.hstack([centres - half, centres + half])


def _within(boxes: Array, outer: Array) -> NDArray[np.bool_]:
    return np.asarray(np.hstack([boxes[:, :2] >= outer[:2], boxes[:, 2:] <= outer[2:]]).all(axis=1))


def _overlap(boxes: Array, others: Array) -> NDArray[np.bool_]:
    """Whether each of some boxes overlaps one of others."""
    apart = np.concatenate([boxes[:, None, :2] >= others[:, 2:], boxes[:, None, 2:] <= others[:, :2]], axis=2)
    return np.asarray(np.asarray(~apart.any(axis=2)).any(axis=1))


def _along(line: Array) -> Array:
    """Places along a line of `(n, 2)`, no farther apart than labels may slip through."""
    parts = [
        np.linspace(start, end, max(2, math.ceil(float(np.hypot(*(end - start))) / STEP)))
        for start, end in pairwise(line)
    ]
    return np.concatenate(parts) if parts else np.empty((0, 2))
