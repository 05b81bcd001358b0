"""A story: a run as sections of words, tables, compared figures and plots, and how a record keeps it."""

from __future__ import annotations

import binascii
import zlib
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.errors import FitgateError
from fitgate.record import Extra, Record, decode_array, encode
from suite.notebook.agreement import Figure

MOST_POINTS = 1_000
BLOCKS = "story"  # owner of a record's extras that are blocks
SECONDS = "story-seconds"  # and of those that map a section's name to the seconds that its tests took


class StoryError(FitgateError):
    """A record that holds no story, or a damaged one."""


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
    """A figure beside what was found, nested alike; not compared where the data is not the figure's."""

    section: str
    figure: Figure
    found: Any
    compared: bool


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


@dataclass(frozen=True)
class Story:
    """What a run recorded of its sections.

    Attributes:
        blocks: in the order of recording, each section's beginning once.
        section_seconds: how long each section's tests took, by its name; work that several sections use counts in the
            first of them.
    """

    blocks: list[Block]
    section_seconds: dict[str, float]

    @property
    def sections(self) -> list[Section]:
        """The sections, by name."""
        return sorted((block for block in self.blocks if isinstance(block, Section)), key=lambda s: s.section)

    @property
    def comparisons(self) -> list[Comparison]:
        """The figures, each beside what was found."""
        return [block for block in self.blocks if isinstance(block, Comparison)]


def to_extra(block: Block) -> Extra:
    """A block as a record keeps it."""
    return Extra(BLOCKS, msgspec.json.decode(encode(block)))


def seconds_to_extra(section: str, seconds: float) -> Extra:
    """What a test of a section took, as a record keeps it."""
    return Extra(SECONDS, {section: seconds})


def story_of(record: Record) -> Story:
    """The story that a record keeps; one without blocks where it keeps none.

    Raises:
        StoryError: if what it keeps is not one.
    """
    blocks: list[Block] = []
    begun: set[str] = set()
    seconds: dict[str, float] = {}
    try:
        for extra in record.extras:
            if extra.owner == BLOCKS:
                block: Block = msgspec.convert(_upgraded(extra.content), Block, dec_hook=_array)
                if isinstance(block, Section):  # every test of a section records its beginning
                    if block.section in begun:
                        continue
                    begun.add(block.section)
                blocks.append(block)
            elif extra.owner == SECONDS:
                for section, took in msgspec.convert(extra.content, dict[str, float]).items():
                    seconds[section] = seconds.get(section, 0.0) + took
    except (msgspec.ValidationError, zlib.error, binascii.Error, KeyError, TypeError, ValueError) as error:
        raise StoryError(
            "the record's story",
            found=f"something else ({error})",
            expected="blocks as suite/notebook records them",
            next_step="run suite/notebook again",
        ) from error
    return Story(blocks, seconds)


def _upgraded(content: Any) -> Any:
    """A block as it is recorded today: comparisons once held a verdict, None where they were not compared."""
    if isinstance(content, dict) and "agreement" in content:
        return {**content, "compared": content["agreement"] is not None}
    return content


def _array(kind: type, value: Any) -> Any:
    return decode_array(value)
