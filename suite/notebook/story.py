"""A story: a run told in sections, of words, tables, figures compared, and plots to be drawn."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from suite.notebook.agreement import Agreement, Figure

MOST_POINTS = 1_000


class Section(msgspec.Struct, frozen=True, tag=True):
    """The beginning of a section: its name, by which sections are ordered, its title, and what it is about."""

    section: str
    title: str
    opening: str


class Passage(msgspec.Struct, frozen=True, tag=True):
    """A piece of the story, in markdown."""

    section: str
    text: str


class Rows(msgspec.Struct, frozen=True, tag=True):
    """A table."""

    section: str
    headers: list[str]
    rows: list[list[str]]


class Comparison(msgspec.Struct, frozen=True, tag=True):
    """A figure beside what was found, nested alike; no agreement where the data is not the figure's."""

    section: str
    figure: Figure
    found: Any
    agreement: Agreement | None


class Plot(msgspec.Struct, frozen=True, eq=False):
    """What every plot has: its section, the name of its file, and its caption."""

    section: str
    name: str
    caption: str


class Curve(msgspec.Struct, frozen=True, eq=False):
    """A line through points `(n,)`, in a style of matplotlib's: `-`, `--`, or `o` for the points alone."""

    label: str
    x: NDArray[Any]
    y: NDArray[Any]
    style: str = "-"


class Axes(msgspec.Struct, frozen=True, eq=False):
    """Curves over the same axes, with the axes' labels."""

    title: str
    x: str
    y: str
    curves: list[Curve]


class Lines(Plot, frozen=True, tag=True, eq=False):
    """A plot of curves, side by side where there are several axes."""

    panels: list[Axes]


class Matrix(msgspec.Struct, frozen=True, eq=False):
    """A matrix `(classes, classes)`: rows are the truth, columns the predictions."""

    title: str
    values: NDArray[Any]


class Matrices(Plot, frozen=True, tag=True, eq=False):
    """A plot of matrices as images, side by side."""

    panels: list[Matrix]


class Tiles(msgspec.Struct, frozen=True, eq=False):
    """Images, uint8 `(n, 784)`, so many in a row, each under its word where there are words."""

    title: str
    images: NDArray[Any]
    columns: int
    words: list[str] = []


class Images(Plot, frozen=True, tag=True, eq=False):
    """A plot of images in panels, so many panels in a row."""

    panels: list[Tiles]
    columns: int = 1


Block = Section | Passage | Rows | Comparison | Lines | Matrices | Images


def curve(label: str, x: ArrayLike, y: ArrayLike, style: str = "-") -> Curve:
    """A curve through points `(n,)`; of very many, some that lie evenly along it, so that a record stays small."""
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(xs) > MOST_POINTS:
        steps = np.hypot(np.diff(xs) / (np.ptp(xs) or 1), np.diff(ys) / (np.ptp(ys) or 1))
        along = np.concatenate([[0.0], np.cumsum(steps)])
        kept = np.unique(np.searchsorted(along, np.linspace(0, along[-1], MOST_POINTS)).clip(max=len(xs) - 1))
        xs, ys = xs[kept], ys[kept]
    return Curve(label, xs.astype(np.float32), ys.astype(np.float32), style)
