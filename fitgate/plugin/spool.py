"""The spool: what a worker of pytest-xdist emits lies in the session's own directory, too, should the worker end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fitgate.files import private_directory

SUFFIX = ".spool"


class Spool:
    """The entries of one process, a line each, in order.

    Args:
        directory: that the processes of the session share.

    Attributes:
        name: of its file.
        count: entries so far.
    """

    def __init__(self, directory: Path):
        self.name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'worker')}-{os.getpid()}{SUFFIX}"
        self.count = 0
        self._path = directory / self.name

    def append(self, entry: str) -> None:
        """Add an encoded entry."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(f"{entry}\n")
        self.count += 1


def left(directory: Path, received: Mapping[str, int]) -> list[str]:
    """The entries that no report has brought.

    Args:
        directory: that the processes of the session share; it may not be there.
        received: how many entries reports have brought, by the spool's name.
    """
    if not directory.exists():
        return []
    entries = []
    for path in sorted(private_directory(directory).glob(f"*{SUFFIX}")):
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]  # a last line that was cut short is left out
        entries += lines[received.get(path.name, 0) :]
    return entries
