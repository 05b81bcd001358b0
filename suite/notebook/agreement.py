"""Agreement: whether a figure that someone printed came out the same again."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec


class Agreement(enum.StrEnum):
    """How a figure came out: with every printed digit, otherwise for a cause that is shown, or neither."""

    IDENTICAL = "identical"
    EXPLAINED = "explained"
    DIFFERS = "differs"


class Figure(msgspec.Struct, frozen=True):
    """A printed figure.

    Attributes:
        id: its name.
        what: what it is of, in words.
        value: as printed: a number or a truth value, or lists of those, nested at will.
        goal: whether the value is one to be reached, rather than a result.
    """

    id: str
    what: str
    value: Any
    goal: bool = False

    @property
    def decimals(self) -> int:
        """How many digits after the point were printed; of a list the most, for NumPy drops trailing zeros."""
        numbers = (Decimal(repr(leaf)) for _, leaf in leaves(self.value) if isinstance(leaf, float))
        return max((-int(number.as_tuple().exponent) for number in numbers), default=0)

    def reproduced(self, found: Any) -> bool:
        """Whether what was found, nested as `value` is, has every printed digit, or reaches the goal."""
        printed, here = dict(leaves(self.value)), dict(leaves(found))
        same = _reached if self.goal else self._same_digits
        return printed.keys() == here.keys() and all(same(printed[at], here[at]) for at in printed)

    def _same_digits(self, printed: Any, here: Any) -> bool:
        if isinstance(printed, float):
            return f"{printed:.{self.decimals}f}" == f"{here:.{self.decimals}f}"
        return bool(printed == here) and isinstance(printed, bool) == isinstance(here, bool)


def _reached(goal: Any, here: Any) -> bool:
    return bool(here >= goal)


def leaves(value: Any, at: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The numbers of a nested list, each behind its position."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, (*at, i))
    else:
        yield at, value
