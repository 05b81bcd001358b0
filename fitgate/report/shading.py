"""Shading: pictures of test examples as text, for where no picture may stand, such as a comment on GitHub."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.report.view.mending import ChangedExample
from fitgate.text import shown

SHADES = " ░▒▓█"  # from the lowest value to the highest
WIDEST = 28  # characters of a picture
NARROWEST = 20  # characters for a caption
LINE = 92  # characters of a line, which a comment on GitHub shows without scrolling
GAP = 3
Array = NDArray[Any]


def pictures(examples: Sequence[ChangedExample]) -> str:
    """Pictures side by side, in lines of text; above each its place and class, and below these both answers.

    Args:
        examples: each with a picture, and all of these of one shape.
    """
    drawn = [shades(_grey(of.picture)) for of in examples if of.picture is not None]
    width = max(NARROWEST, *(len(line) for lines in drawn for line in lines))
    captions = [[f"#{of.index}: {of.truth}", f"{of.before} -> {of.now}"] for of in examples]
    columns = max(1, (LINE + GAP) // (width + GAP))
    blocks = [
        [*(shown(line).replace("`", "'")[:width] for line in caption), *lines]
        for caption, lines in zip(captions, drawn, strict=True)
    ]
    rows = []
    for start in range(0, len(blocks), columns):
        beside = blocks[start : start + columns]
        height = max(map(len, beside))
        padded = [[*block, *[""] * (height - len(block))] for block in beside]
        rows += [(" " * GAP).join(part.ljust(width) for part in line) for line in zip(*padded, strict=True)]
        rows.append("")
    return "\n".join(rows[:-1])


def shades(picture: Array) -> list[str]:
    """A picture in lines of characters, each twice as high as wide: the higher a value, the darker on white.

    Args:
        picture: `(height, width)`; it is scaled to its own values, and an even frame is left out.
    """
    low, high = float(picture.min()), float(picture.max())
    scaled = _without_frame((picture - low) / ((high - low) or 1.0))
    height, width = scaled.shape
    if 2 * width <= WIDEST:
        resized = np.repeat(scaled, 2, axis=1)
    else:
        columns = min(width, WIDEST)
        resized = _averaged(_averaged(scaled, max(1, round(height * columns / width / 2))).T, columns).T
    levels = np.minimum((len(SHADES) * resized / (resized.max() or 1.0)).astype(int), len(SHADES) - 1)
    return ["".join(SHADES[level] for level in line) for line in levels]


def _grey(picture: Array) -> NDArray[np.float64]:
    """A picture without channels: of colours their mean, less a fourth channel, which is no colour."""
    values = np.nan_to_num(picture.astype(np.float64))
    return values if values.ndim == 2 else values[..., :3].mean(axis=2)


def _without_frame(picture: Array) -> Array:
    """A picture without its frame: as many outer rows and columns, on each side, as are like its first corner."""
    other = picture != picture[0, 0]
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    if not len(rows):
        return picture
    height, width = picture.shape
    frame = min(rows[0], columns[0], height - 1 - rows[-1], width - 1 - columns[-1])
    return picture[frame : height - frame, frame : width - frame]


def _averaged(picture: Array, count: int) -> Array:
    """The means of so many bands of rows, which are as even as can be; as many bands as rows at most."""
    edges = np.linspace(0, len(picture), min(count, len(picture)) + 1).astype(int)
    sums = np.add.reduceat(picture, edges[:-1], axis=0)
    return np.asarray(sums / np.diff(edges)[:, None])
