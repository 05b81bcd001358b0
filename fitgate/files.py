"""Files: written whole or not at all, and directories that are open to nobody else."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from fitgate.errors import FitgateError


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A binary file to write, which takes its place when the block ends: a reader finds the whole of it or the former.

    Its directory is made where it is missing. If the block raises, nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o666 & ~_umask())  # mkstemp's files are for their owner alone
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(partial)
        raise


def write(path: Path, content: bytes | str) -> None:
    """Write a file in one step; text as UTF-8 with lines that end in a line feed."""
    with written_whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def private_directory(path: Path) -> Path:
    """A directory of this user's alone, made where it is missing; the same path.

    What others can write may run code here once it is loaded. Systems without POSIX permissions are not checked.

    Raises:
        FitgateError: if it can't be made, or is open to others.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except OSError as error:
        raise FitgateError(
            path,
            found=f"no way to make a directory there ({error.strerror or error})",
            expected="a directory of this user's alone",
            next_step="free the path, or name another",
        ) from error
    if os.name != "posix":
        return path
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077 or not stat.S_ISDIR(found.st_mode):
        raise FitgateError(
            path,
            found="a directory that is open to others",
            expected="one of this user's alone",
            next_step="delete it, and it is made again as such",
        )
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
