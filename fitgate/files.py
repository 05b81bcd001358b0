"""Files that are read and written whole or not at all, and directories that only one user can use."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from fitgate.errors import FitgateError


@contextmanager
def regular(path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """A regular file to read, and its length in bytes; of any other, such as a FIFO, reading might never end.

    Args:
        path: the file, or a link to it.

    Raises:
        OSError: if it can't be read, or is no regular file; `strerror` says so in words.
    """
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
            raise OSError(errno.EINVAL, f"{kind}, not a regular file", str(path))
        yield file, found.st_size


def contents(path: Path, most: int) -> bytes:
    """All that a regular file holds.

    Args:
        path: the file, or a link to it.
        most: bytes that it may hold.

    Raises:
        OSError: as of `regular`, or if it is longer.
    """
    with regular(path) as (file, length):
        if length > most:
            raise OSError(errno.EFBIG, f"a file of {length:,} bytes, longer than {most:,}", str(path))
        return file.read()


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """A binary file to write, which takes its place when the block ends: a reader finds it whole, or the former one.

    Its directory is made where it is missing. If the block raises, nothing is left behind; if the process is killed,
    at most a hidden file whose name ends in `.part`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(partial).chmod(0o666 & ~_umask())  # mkstemp's files are for their owner alone
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            Path(partial).unlink()
        raise


def write(path: Path, content: bytes | str) -> None:
    """Write a file in one step; text as UTF-8 with lines that end in a line feed."""
    with written_whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def private_directory(path: Path) -> Path:
    """A directory that this user alone can read and write, made where it is missing; the same path.

    Files in it are loaded, and what others can write there could run their code. Systems without POSIX users and
    permissions are not checked.

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
            expected="a directory that this user alone can read and write",
            next_step="free the path, or name another",
        ) from error
    if not hasattr(os, "getuid"):
        return path
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISDIR(found.st_mode):
        fault = "a link to a directory"
    elif found.st_uid != os.getuid():
        fault = "a directory of another user"
    elif mode & 0o077:
        fault = f"a directory that is open to others (mode {mode:o})"
    else:
        return path
    raise FitgateError(
        path,
        found=fault,
        expected="a directory that this user alone can read and write",
        next_step="delete it, and it is made again as such",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
