"""A live line: the last line of a terminal, written again and again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

import pytest

ERASE = "\r\x1b[K"


class Live:
    """A line on a terminal, beside pytest's capturing: it has a file descriptor of its own.

    Args:
        descriptor: of the terminal; closed by `close`.
        width: columns.
    """

    def __init__(self, descriptor: int, width: int):
        self._descriptor, self._width = descriptor, width

    @classmethod
    def on(cls, config: pytest.Config) -> Self | None:
        """One below what pytest has written, while nothing is captured; None where lines are kept, as in a CI's log."""
        terminal = config.pluginmanager.getplugin("terminalreporter")
        if not terminal or not terminal.isatty or not moves(os.environ):
            return None
        terminal.ensure_newline()
        terminal.flush()
        return cls(os.dup(1), config.get_terminal_writer().fullwidth)

    def write(self, text: str, end: str) -> None:
        """Put a text in place of what stands there; where there is no room for all of it, its end is kept."""
        room = max(self._width - 1 - len(end), 0)
        text = text if len(text) <= room else f"{text[: max(room - 3, 0)]}..."
        self._put(f"{ERASE}{text}{end}"[: len(ERASE) + self._width - 1])

    def clear(self) -> None:
        """Leave the line empty."""
        self._put(ERASE)

    def close(self) -> None:
        """Leave the line empty, and close the descriptor."""
        self.clear()
        os.close(self._descriptor)

    def _put(self, text: str) -> None:
        with suppress(OSError):  # of a terminal that is gone, or busy
            os.write(self._descriptor, text.encode(errors="replace"))


def moves(environment: Mapping[str, str]) -> bool:
    """Whether a terminal can write over a line, and nobody keeps what it writes, as CI does that lends a terminal."""
    return os.name == "posix" and environment.get("TERM", "dumb") != "dumb" and not environment.get("CI")
