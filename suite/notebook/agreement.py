"""Agreement: whether a figure that someone printed came out the same again."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec


class Agreement(enum.StrEnum):
    """How a figure came out: with every printed digit, within its tolerance, or neither."""

    IDENTICAL = "identical"
    CLOSE = "close"
    DIFFERS = "differs"


class Figure(msgspec.Struct, frozen=True):
    """A printed figure, and how nearly it must come out again.

    Attributes:
        id: its name.
        what: what it is of, in words.
        value: as printed: a number or a truth value, or lists of those, nested at will.
        reproduces: what is known of it from before.
        tolerance: by how much it may be off and still be close: one number, or one for each in `value`. None where
            nothing but every printed digit will do.
        reason: why it may be off.
        goal: whether the value is one to be reached, rather than a result.
    """

    id: str
    what: str
    value: Any
    reproduces: str
    tolerance: Any = None
    reason: str = ""
    goal: bool = False

    @property
    def decimals(self) -> int:
        """How many digits after the point were printed; of a list the most, for NumPy drops trailing zeros."""
        numbers = (Decimal(repr(leaf)) for _, leaf in leaves(self.value) if isinstance(leaf, float))
        return max((-int(number.as_tuple().exponent) for number in numbers), default=0)

    def agreement(self, found: Any) -> Agreement:
        """How what was found, nested as `value` is, agrees with it."""
        printed, here = dict(leaves(self.value)), dict(leaves(found))
        if printed.keys() != here.keys():
            return Agreement.DIFFERS
        if self.goal:
            return Agreement.IDENTICAL if all(here[at] >= printed[at] for at in printed) else Agreement.DIFFERS
        off = [at for at in printed if not self._same_digits(printed[at], here[at])]
        if not off:
            return Agreement.IDENTICAL
        if self.tolerance is None:
            return Agreement.DIFFERS
        allowed = dict(leaves(self.tolerance))
        near = all(abs(here[at] - printed[at]) <= allowed.get(at, allowed.get((), 0)) for at in off)
        return Agreement.CLOSE if near else Agreement.DIFFERS

    def _same_digits(self, printed: Any, here: Any) -> bool:
        if isinstance(printed, float):
            return f"{printed:.{self.decimals}f}" == f"{here:.{self.decimals}f}"
        return bool(printed == here) and isinstance(printed, bool) == isinstance(here, bool)


def leaves(value: Any, at: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The numbers of a nested list, each behind its position."""
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, (*at, i))
    else:
        yield at, value
