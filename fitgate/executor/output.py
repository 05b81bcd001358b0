"""The output of a process: taken as it comes, so that it never waits, and its end kept."""

from __future__ import annotations

import threading
from io import BufferedReader

KEPT = 64 * 1024  # bytes


class Output:
    """What a process writes to a pipe, of which the last 64 KiB are kept.

    Args:
        pipe: its end for reading, which is closed when there is no more.
    """

    def __init__(self, pipe: BufferedReader):
        self._end = bytearray()
        self._thread = threading.Thread(target=_read, args=(pipe, self._end), daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until all who could write to it have ended; whether they have."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def last_lines(self, count: int, longest: int | None = None) -> list[str]:
        """The last lines that are not blank, each cut to its last so many characters."""
        lines = bytes(self._end).decode(errors="replace").splitlines()
        return [line.rstrip()[-longest if longest else 0 :] for line in lines if line.strip()][-count:]


def _read(pipe: BufferedReader, end: bytearray) -> None:
    with pipe:
        while piece := pipe.read1(KEPT):
            end += piece
            del end[:-KEPT]
