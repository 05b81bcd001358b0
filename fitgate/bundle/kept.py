"""What a session kept: files beside its record, each named by its SHA-256."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from fitgate.files import make_directory, writing

KEPT = "kept"


def kept_file(directory: Path, digest: str) -> Path:
    """The file of a digest, of what is kept in a directory."""
    return directory / KEPT / digest


def move_kept(source: Path, target: Path, digests: Iterable[str]) -> None:
    """Move files from where a session wrote them to beside its record.

    Raises:
        FileError: if they can't be written there.
    """
    for digest in sorted(set(digests)):
        path = kept_file(target, digest)
        make_directory(path.parent)
        with writing(path):
            shutil.move(kept_file(source, digest), path)
