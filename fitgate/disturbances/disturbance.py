"""A disturbance: its kind and its strength, as plain values, and what it makes of examples."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec
import numpy as np

from fitgate.disturbances.errors import DisturbanceError
from fitgate.disturbances.pictures import PICTURES, Pictures
from fitgate.disturbances.tables import TABLES
from fitgate.disturbances.texts import TEXTS

SHARES = ("missing", "units", "unseen", "typos")  # kinds whose strength is no more than 1


class Disturbance(msgspec.Struct, frozen=True):
    """What examples suffer. `fitgate.disturbances` has a function for each kind.

    Attributes:
        kind: such as `shift`.
        strength: how much of it, in its unit.
        unit: of the strength, in words.
        column: of a table, the one that it concerns; None for all.
        factor: of a change of units.
        seed: of what is drawn.

    Raises:
        DisturbanceError: if there is no such kind, or strength or factor are no positive numbers, or a share over 1.
    """

    kind: str
    strength: float
    unit: str
    column: str | int | None = None
    factor: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in {*PICTURES, *TABLES, *TEXTS}:
            raise DisturbanceError(
                "a disturbance",
                found=f"kind {self.kind!r}",
                expected=f"one of {', '.join(sorted({*PICTURES, *TABLES, *TEXTS}))}",
                next_step="use a function of fitgate.disturbances",
            )
        most = 1 if self.kind in SHARES else math.inf
        if not (0 < self.strength <= most and math.isfinite(self.strength)):
            raise DisturbanceError(
                str(self),
                found=f"a strength of {self.strength:g}",
                expected="a share above 0, up to 1" if most == 1 else "a positive number",
                next_step=f"correct it: it is in {self.unit}",
            )
        if not (self.factor > 0 and math.isfinite(self.factor)):
            raise DisturbanceError(
                str(self), found=f"a factor of {self.factor:g}", expected="a positive number", next_step="correct it"
            )

    def __str__(self) -> str:
        """As it is declared: `shift(2)`."""
        details = [f"{self.strength:.10g}"]
        details += [] if self.column is None else [f"column={self.column}"]
        details += [f"factor={self.factor:.10g}"] if self.factor != 1 else []
        details += [f"seed={self.seed}"] if self.seed else []
        return f"{self.kind}({', '.join(details)})"

    @property
    def digest(self) -> str:
        """A name for files."""
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]

    @property
    def alike(self) -> Disturbance:
        """What all that differ in strength alone have in common: the same at strength 1."""
        return msgspec.structs.replace(self, strength=1.0)

    def at(self, share: float) -> Disturbance:
        """The same, at such a share of its strength."""
        return msgspec.structs.replace(self, strength=share * self.strength)


def disturbed(X: Any, disturbance: Disturbance, image_shape: tuple[int, ...] | None = None) -> Any:
    """Examples as a disturbance leaves them, in memory of their own; of the same type, shape and range.

    Args:
        X: as `Split` has it.
        disturbance: what they suffer.
        image_shape: height and width (and channels) of the picture in each row; None where rows are none.

    Raises:
        DisturbanceError: if examples of this type can't suffer it.
    """
    kind, rng = disturbance.kind, np.random.default_rng(disturbance.seed)
    if isinstance(X, tuple):
        if kind in TEXTS:
            return TEXTS[kind](X, disturbance.strength, rng)
        raise _wrong(disturbance, "texts", TEXTS)
    if image_shape is not None and isinstance(X, np.ndarray):
        if kind in PICTURES:
            pictures = Pictures.of(X, image_shape)
            return pictures.back(PICTURES[kind](pictures.values, disturbance.strength, pictures.span, rng))
        raise _wrong(disturbance, "pictures", PICTURES)
    if kind in TABLES:
        return TABLES[kind](X, disturbance, rng)
    raise _wrong(disturbance, "a table, as its dataset has no image_shape", TABLES)


def _wrong(disturbance: Disturbance, found: str, known: dict[str, Any]) -> DisturbanceError:
    return DisturbanceError(
        str(disturbance), found=found, expected="examples of its kind", next_step=f"use one of {', '.join(known)}"
    )
