"""Errors: what stops work, in one sentence that says what to do next."""

from __future__ import annotations

from typing import Any


class FitgateError(Exception):
    """What can't go on. Its text is one sentence: where, what was found, what was expected, what to do next.

    Args:
        where: the file, option, model or gate that it is about.
        found: what is there.
        expected: what should be.
        next_step: what mends it, as an instruction without a full stop.
    """

    def __init__(self, where: object, *, found: str, expected: str, next_step: str):
        self.where, self.found, self.expected, self.next_step = str(where), found, expected, next_step
        super().__init__(f"{where}: found {found}, expected {expected}; {next_step}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes: keyword arguments do not by themselves."""
        return _again, (type(self), self.where, self.found, self.expected, self.next_step)


def _again(kind: type[FitgateError], where: str, found: str, expected: str, next_step: str) -> FitgateError:
    return kind(where, found=found, expected=expected, next_step=next_step)
