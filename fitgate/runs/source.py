"""Sources: files that hold what was not trained here."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from fitgate.files import contents

LONGEST = 2**32  # bytes of a file


class Source(msgspec.Struct, frozen=True):
    """The file that a model, or its predictions, came from.

    Attributes:
        kind: `artefact` or `predictions`.
        path: from the directory of the session on, with slashes; its name alone, where it is elsewhere.
        digest: SHA-256 of the file.
    """

    kind: str
    path: str
    digest: str

    def __str__(self) -> str:
        return f"{self.path} (SHA-256 {self.digest[:16]})"


def read_source(kind: str, path: Path) -> tuple[Source, bytes]:
    """A file as a source, and what it holds.

    Raises:
        OSError: if it can't be read, or is of over 4 GiB.
    """
    content = contents(path, LONGEST)
    return Source(kind, shown_path(path), hashlib.sha256(content).hexdigest()), content


def shown_path(path: Path) -> str:
    """A file as reports name it: no machine's directories are in it."""
    found = Path(os.path.relpath(path)) if path.is_relative_to(Path.cwd()) else Path(path.name)
    return found.as_posix()
