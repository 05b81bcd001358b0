"""Slicing: which slice each example is of, by a column or by a function of the examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.data.errors import DataError
from fitgate.data.sources import Named
from fitgate.data.split import Split, is_frame, lent
from fitgate.errors import FitgateError, in_one_line
from fitgate.text import NAME, shown

By = str | Callable[[Any], Any]  # a column's name, or a function from X to a name for each example

MISSING = "(missing)"  # the slice of examples that have no value
MOST_SLICES = 100


class Slices(msgspec.Struct, frozen=True, eq=False):
    """Which slice each output's example is of.

    Attributes:
        names: of the slices, sorted, that of what has no value last; each has an example.
        places: of each output, in `names`; integers `(n,)`.
    """

    names: list[str]
    places: NDArray[Any]


def slicing_name(by: By) -> str:
    """What a slicing is called: its column, or its function.

    Raises:
        DataError: if the function has no name, as a lambda.
    """
    if isinstance(by, str):
        return by
    name = by.__name__ if isinstance(by, Named) else ""
    if not name.isidentifier():
        raise DataError(
            "by",
            found="a function without a name of its own",
            expected="a column's name, or a function by whose name reports call the slices",
            next_step="give it one: def country(X): return X['country']",
        )
    return name


def slices_of(split: Split, by: By) -> Slices:
    """The slices of a split's examples.

    What has no value (None, NaN, NaT, NA) is of a slice of its own, `(missing)`: no example is left out.

    Args:
        split: its columns beside X come first, then those of X, a DataFrame.
        by: the column, or the function.

    Raises:
        DataError: if there is no such column, the function fails or does not give a value for each example, or there
            are more than 100 slices.
    """
    name = slicing_name(by)
    values = _as_names(name, _column(split, by) if isinstance(by, str) else _given(split, by, name))
    if len(values) != len(split):
        raise DataError(
            f"slices by {name}",
            found=f"{len(values):,} values",
            expected=f"one for each of {len(split):,} examples",
            next_step="return a value for each row of X",
        )
    names = sorted(set(values), key=lambda text: (text == MISSING, text))
    if len(names) > MOST_SLICES:
        raise DataError(
            f"slices by {name}",
            found=f"{len(names):,} different values",
            expected=f"{MOST_SLICES} or fewer",
            next_step="slice by a function that puts values together, as ages by ten years",
        )
    place = {text: i for i, text in enumerate(names)}
    return Slices(names, np.array([place[text] for text in values], np.uint8))


def _column(split: Split, name: str) -> Any:
    if name in split.beside:
        return split.beside[name]
    columns = list(split.X.columns) if is_frame(split.X) else []
    if name not in columns:
        known = [*split.beside, *map(str, columns)]
        raise DataError(
            f"slices by {name}",
            found="no such column",
            expected=f"one of {', '.join(known)}" if known else "a column: X is no DataFrame, and has none beside it",
            next_step="correct the name, or give the dataset columns={name: values}",
        )
    return split.X[name]


def _given(split: Split, by: Callable[[Any], Any], name: str) -> Any:
    try:
        return by(lent(split.X))
    except FitgateError:
        raise
    except Exception as error:  # whatever a project's function raises
        raise DataError(
            f"slices by {name}",
            found=in_one_line(error),
            expected="a value for each example",
            next_step="mend the function that is given as by=",
        ) from error


def _as_names(name: str, values: Any) -> list[str]:
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(
            f"slices by {name}",
            found=f"values of shape {array.shape}",
            expected="one for each example",
            next_step="return a name for each row of X",
        )
    known: dict[tuple[type, Any], str] = {}
    found = []
    for value in array.tolist():
        key = type(value), value if isinstance(value, str | int | float) else str(value)
        if key not in known:
            known[key] = MISSING if _is_missing(value) else shown(value, NAME) or MISSING
        found.append(known[key])
    return found


def _is_missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)  # NaN and NaT alone differ from themselves
    except TypeError:  # pandas' NA is neither
        return True
