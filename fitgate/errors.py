"""Errors: what stops work, in one sentence that says what to do next."""

from __future__ import annotations

import os
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from traceback import format_exception, walk_tb
from types import FrameType
from typing import Any

import msgspec

from fitgate.text import PART, harmless, shown, text_of

MOST_TEXT = 500  # characters of an error's own text
MOST_TRACEBACK = 20_000
OWN = str(Path(__file__).parent) + os.sep
# The most specific first: libraries of others lie within the standard one's directory.
LIBRARIES = tuple(
    sorted({sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")}, key=len, reverse=True)
)


class FitgateError(Exception):
    """What can't go on. Its text is one sentence: where, what was found, what was expected, what to do next.

    Args:
        where: the file, option, model or gate that it is about.
        found: what is there.
        expected: what should be.
        next_step: what mends it, as an instruction without a full stop.
    """

    def __init__(self, where: object, *, found: str, expected: str, next_step: str):
        self.where = str(where)
        self.found, self.expected, self.next_step = (shown(part, PART) for part in (found, expected, next_step))
        place = shown(self.where, PART)
        super().__init__(f"{place}: found {self.found}, expected {self.expected}; {self.next_step}.")

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel between processes: keyword arguments do not by themselves."""
        return _again, (type(self), self.where, self.found, self.expected, self.next_step)


def _again(kind: type[FitgateError], where: str, found: str, expected: str, next_step: str) -> FitgateError:
    return kind(where, found=found, expected=expected, next_step=next_step)


class LoggedError(msgspec.Struct, frozen=True, tag=True):
    """An error for the log of a run, whose record keeps one line of it.

    Attributes:
        about: what it happened to.
        traceback: of it, as `traceback_of` gives it.
    """

    about: str
    traceback: str


def in_one_line(error: BaseException) -> str:
    """An error's type, text and place, bounded, as `ValueError: too few (models/forest.py:12)`."""
    text = shown(text_of(error), MOST_TEXT)
    where = place_of_error(error)
    return f"{type(error).__name__}{f': {text}' if text else ''}{f' ({where})' if where else ''}"


def place_of_error(error: BaseException) -> str:
    """The file and line that an error comes from: the innermost in the user's own code, else in a library's.

    Returns:
        such as `models/forest.py:12`; empty where only our own code took part.
    """
    if isinstance(error, SyntaxError) and error.filename:
        return shown_place(error.filename, error.lineno)
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    others = [(file, line) for file, line in frames if not file.startswith((OWN, "<"))]
    own = [(file, line) for file, line in others if not file.startswith(LIBRARIES)]
    for file, line in reversed(own or others):
        return shown_place(file, line)
    return ""


def traceback_of(error: BaseException) -> str:
    """An error's traceback with those of its causes; of a long one the beginning and the end."""
    try:
        text = "".join(format_exception(error)).rstrip()
    except Exception as without:  # of the error's own methods
        text = "".join(format_exception(without)).rstrip()
    return harmless(text, MOST_TRACEBACK)


def declaring_frame() -> FrameType:
    """The frame of the code outside this package that is being run, such as a conftest that declares a model."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith((OWN, "<")):
        frame = frame.f_back
    return frame


def shown_place(file: str, line: int | None) -> str:
    """A line of a file as a reader knows it: from the working directory on, or within its library."""
    for folder in LIBRARIES:
        if file.startswith(folder):
            return f"{file[len(folder) :].lstrip(os.sep)}:{line}"
    with suppress(OSError, ValueError):  # the working directory may be gone, or on another drive
        path = os.path.relpath(file)
        file = file if path.startswith(os.pardir) else path
    return f"{file}:{line}"
