"""Weak slices: where models are wrong more often, and nobody had said so."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.gates.wording import chance
from fitgate.record import Record


@dataclass(frozen=True)
class WeakRow:
    """A slice in which a model is wrong more often.

    Attributes:
        model, task, rule: names, and the slice as conditions on columns.
        n: test examples of it that were counted.
        there, elsewhere: shares of wrong answers, from 0 to 1.
        chance: how often chance alone finds such a slice, in words.
    """

    model: str
    task: str
    rule: str
    n: int
    there: float
    elsewhere: float
    chance: str


def weak_rows(record: Record) -> tuple[WeakRow, ...]:
    """The slices that the run found, the surest first."""
    return tuple(
        WeakRow(
            one.model, one.task, one.rule, one.n, one.wrong / one.n, one.others_wrong / one.others, chance(one.p_value)
        )
        for one in record.weak_slices
        if one.n and one.others
    )
