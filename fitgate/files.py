"""Files that are read and written whole or not at all, and directories that only one user can use."""

from __future__ import annotations

import errno
import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from fitgate.errors import FitgateError


class FileError(FitgateError):
    """A file or directory that can't be written."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes a file, or makes a directory: what the system refuses is an error in one line.

    Raises:
        FileError: in place of an `OSError`, of a full disk say, and of a path that no system can have.
    """
    try:
        if "\0" in str(path):
            raise OSError(errno.EINVAL, "a NUL in its name", str(path))
        yield
    except OSError as error:
        raise FileError(
            path,
            found=f"no way to write there ({error.strerror or error})",
            expected="a place that can be written",
            next_step="free the path, its disk or its permissions, or name another",
        ) from error


def make_directory(path: Path) -> Path:
    """A directory, made where it is missing; the same path.

    Raises:
        FileError: if it can't be made.
    """
    with writing(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


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
    at most a hidden file whose name ends in `.part`. A link stays, and what it leads to is written; a device or a pipe
    stays, and has all of it when the block ends.

    Raises:
        FileError: if it can't be written, or is a FIFO that no one reads.
    """
    if _is_special(path):
        content = io.BytesIO()
        yield content
        _write_through(path, content.getvalue())
        return
    path = _led_to(path)
    make_directory(path.parent)
    with writing(path):
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
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
    """Write a file in one step; text as UTF-8 with lines that end in a line feed.

    Raises:
        FileError: if it can't be written.
    """
    with written_whole(path) as file:
        file.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)


def check_writable(path: Path) -> None:
    """Refuse a file that could not be written, before the work whose outcome it is to hold; nothing is left behind.

    Raises:
        FileError: if it is a directory, or its own can't be made or written.
    """
    if _is_special(path):
        return
    path = _led_to(path)
    make_directory(path.parent)
    with writing(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "a directory", str(path))
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(bytes(4096))
            file.flush()


def figures_beside(report: Path) -> Path:
    """The directory for a report's figures: of its name, beside it."""
    return report.with_suffix("") if report.suffix else report.with_name(f"{report.name}-figures")


def append(path: Path, content: str) -> None:
    """Add text to the end of a file, and have the system write it.

    Raises:
        FileError: if it can't be written, or is a FIFO, whose reader may never come, or a socket.
    """
    with writing(path):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        with open(os.open(path, flags, 0o666), "ab") as file:
            kind = os.fstat(file.fileno()).st_mode
            if not (stat.S_ISREG(kind) or stat.S_ISCHR(kind)):  # such as /dev/stdout, on a terminal
                raise OSError(errno.EINVAL, "a pipe, a socket or a device, not a regular file", str(path))
            file.write(content.encode("utf-8", "backslashreplace"))
            file.flush()
            if stat.S_ISREG(kind):
                os.fsync(file.fileno())


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


def _is_special(path: Path) -> bool:
    """Whether it is, or leads to, what no file may replace: a device, a pipe or a socket."""
    with writing(path):
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _led_to(path: Path) -> Path:
    """Where a link leads, though nothing be there yet; any other path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _write_through(path: Path, content: bytes) -> None:
    with writing(path):
        # Without O_NONBLOCK, a FIFO that no one reads would hold us for ever.
        handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(handle, "wb") as file:
            os.set_blocking(handle, True)
            file.write(content)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
