"""Disturbances of tables: two-dimensional arrays, and pandas DataFrames, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data.split import is_frame
from fitgate.disturbances.errors import DisturbanceError

if TYPE_CHECKING:
    from fitgate.disturbances.disturbance import Disturbance

Generator = np.random.Generator
WORD = "unseen"
MARKS = "?#~"  # for columns of text that is too short for the word


class Table:
    """A copy of a table, whose columns can be changed.

    Args:
        X: array `(n, columns)` or DataFrame.
        disturbance: for errors.

    Raises:
        DisturbanceError: if it is neither.
    """

    def __init__(self, X: Any, disturbance: Disturbance):
        self._disturbance, self._is_frame = disturbance, is_frame(X)
        if not self._is_frame and not (isinstance(X, np.ndarray) and X.ndim == 2):
            raise self.refused(f"examples of type {type(X).__name__}", "a table: rows of an array, or a DataFrame")
        self.changed: Any = X.copy()

    def __len__(self) -> int:
        return int(self.changed.shape[0])

    @property
    def columns(self) -> Iterator[tuple[int, Any]]:
        """Place and values `(n,)` of each: an array, or a Series."""
        for i in range(self.changed.shape[1]):
            yield i, self.changed.iloc[:, i] if self._is_frame else self.changed[:, i]

    @property
    def named(self) -> tuple[int, Any]:
        """The column that the disturbance names.

        Raises:
            DisturbanceError: if there is none such.
        """
        name = self._disturbance.column
        names = list(self.changed.columns) if self._is_frame else list(range(self.changed.shape[1]))
        if name not in names:
            raise self.refused(f"no column {name!r}", f"one of {', '.join(map(str, names))}")
        place = names.index(name)
        return place, self.changed.iloc[:, place] if self._is_frame else self.changed[:, place]

    def put(self, place: int, values: Any) -> None:
        """Replace a column."""
        if self._is_frame:
            self.changed.isetitem(place, values)
        else:
            self.changed[:, place] = values

    def refused(self, found: str, expected: str) -> DisturbanceError:
        """The error of a table that can't suffer this."""
        return DisturbanceError(
            str(self._disturbance), found=found, expected=expected, next_step="correct it, or leave the gate out"
        )


def _noisy(X: Any, disturbance: Disturbance, rng: Generator) -> Any:
    table = Table(X, disturbance)
    drawn, found = rng.standard_normal(table.changed.shape), False
    for i, values in table.columns:
        if numbers(values):
            exact = np.asarray(values, np.float64)
            known = exact[np.isfinite(exact)]
            if known.size:
                noisy = np.clip(exact + disturbance.strength * known.std() * drawn[:, i], known.min(), known.max())
                table.put(i, cast(noisy, values.dtype))
            found = True
    if not found:
        raise table.refused("no column of numbers", "one or more")
    return table.changed


def _missing(X: Any, disturbance: Disturbance, rng: Generator) -> Any:
    table = Table(X, disturbance)
    drawn, found = rng.random(table.changed.shape) < disturbance.strength, False
    for i, values in table.columns:
        dtype = values.dtype
        if isinstance(dtype, np.dtype) and dtype.kind not in "fOmM":
            continue  # of this type nothing can be missing
        if is_frame(table.changed):
            table.put(i, values.mask(drawn[:, i]))
        else:
            lacking = values.copy()
            lacking[drawn[:, i]] = None if dtype.kind == "O" else np.array("nan" if dtype.kind == "f" else "NaT", dtype)
            table.put(i, lacking)
        found = True
    if not found:
        raise table.refused("no column in which a value can be missing", "floating-point numbers, or objects")
    return table.changed


def _other_units(X: Any, disturbance: Disturbance, rng: Generator) -> Any:
    table = Table(X, disturbance)
    place, values = table.named
    if not numbers(values):
        raise table.refused(f"a column of {values.dtype}", "numbers")
    exact = np.asarray(values, np.float64)
    swapped = np.where(rng.random(len(table)) < disturbance.strength, exact * disturbance.factor, exact)
    table.put(place, cast(swapped, values.dtype))
    return table.changed


def _unseen(X: Any, disturbance: Disturbance, rng: Generator) -> Any:
    table = Table(X, disturbance)
    place, values = table.named
    rows = np.flatnonzero(rng.random(len(table)) < disturbance.strength)
    new = values.copy()
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "b":
        raise table.refused("a column of truth values", "categories, of which there can be another")
    if numbers(values):
        other: Any = np.nanmax(values) + 1
    elif isinstance(values.dtype, np.dtype) and values.dtype.kind == "U":
        length = values.dtype.itemsize // 4
        words = [WORD, *(mark * length for mark in MARKS)]
        other = next(word for word in words if len(word) <= length and word not in set(values))
    else:
        other = WORD
        if hasattr(new, "cat"):  # a category of pandas has to be known before it is used
            other = other if other not in new.cat.categories else f"{other}, too"
            new = new.cat.add_categories([other])
    if is_frame(table.changed):
        new.iloc[rows] = other
    else:
        new[rows] = other
    table.put(place, new)
    return table.changed


def numbers(values: Any) -> bool:
    """Whether a column holds plain numbers; truth values are none."""
    return isinstance(values.dtype, np.dtype) and values.dtype.kind in "iuf"


def cast(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Numbers in a column's type, rounded and within its range where it holds whole ones."""
    if dtype.kind == "f":
        return values.astype(dtype)
    kind = np.iinfo(dtype)
    return np.clip(np.rint(values), kind.min, kind.max).astype(dtype)


TABLES: dict[str, Callable[[Any, Disturbance, Generator], Any]] = {
    "noise": _noisy,
    "missing": _missing,
    "units": _other_units,
    "unseen": _unseen,
}
