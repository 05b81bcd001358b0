"""Transactions on a directory of baselines: all of a set is written, or nothing, whenever the process is killed.

What is new is first written beside, into a hidden directory; then one file, the journal, is put in place, which says
what moves where and what is deleted: from then on readers see the new set, through it. Only then are files moved. A
journal that is left behind is carried out by whoever writes next; readers change nothing.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from fitgate.files import FileError, contents, write
from fitgate.gates.errors import BaselineError

HIDDEN = ".bless"
LONGEST_JOURNAL = 2**24  # bytes
PATIENCE = 10.0  # seconds that one blessing waits for another
TARGET = re.compile(r"(?:[^/\\:.][^/\\:]*/)*[^/\\:.][^/\\:]*(?:\.npz|-[0-9a-f]{8}\.md)")  # baselines, and their pages
STAGED = re.compile(r"[0-9a-f]{8}-\d{1,6}\.npz")


class Journal(msgspec.Struct, frozen=True):
    """What was decided, and may not all be done.

    Attributes:
        moves: from paths in the directory, with slashes, to the names under which what is to stand there was staged.
        deletions: paths of files that are to go.
    """

    moves: dict[str, str] = {}
    deletions: list[str] = []


class Standing:
    """The files of a directory as they stand, those included that a journal is yet to put in place.

    Args:
        directory: of baselines; it need not exist.

    Raises:
        BaselineError: if there is a journal that can't be read.
    """

    def __init__(self, directory: Path):
        self._directory = directory
        self._journal = _read(directory)

    def places(self, path: Path) -> list[Path]:
        """Where the content of a file may be found, the first first; empty where it is deleted."""
        name = _name(self._directory, path)
        staged = self._journal.moves.get(name)
        if staged is not None:
            return [self._directory / HIDDEN / staged, path]  # it moves from the one to the other at some moment
        return [] if name in self._journal.deletions else [path]

    def files(self, folder: Path) -> list[Path]:
        """The files `*.npz` in a folder of the directory, or in the directory itself, sorted."""
        there = {path for path in folder.glob("*.npz") if not path.name.startswith(".")}
        moves = (self._directory / name for name in self._journal.moves)
        coming = {path for path in moves if path.parent == folder and path.suffix == ".npz"}
        return sorted((there | coming) - {self._directory / name for name in self._journal.deletions})


def replace_all(directory: Path, files: Mapping[Path, bytes], deletions: Collection[Path]) -> None:
    """Put files into a directory and delete others, all of them or none.

    Args:
        directory: of baselines, made where it is missing.
        files: baselines and their pages: their content, by paths in the directory, at most one folder deep.
        deletions: further paths in it; those that are not there don't matter.

    Raises:
        BaselineError: if another process is at it, or it can't be written: then all is as before. If the disk fails
            after that was decided, the new set stands, and the error says so.
    """
    hidden = directory / HIDDEN
    try:
        hidden.mkdir(parents=True, exist_ok=True)
        with _alone(directory):
            write(hidden / ".gitignore", "*\n")
            _finish(directory)
            try:
                journal = _stage(directory, files, deletions)
                write(hidden / "journal.json", msgspec.json.encode(journal))
            except (OSError, FileError):
                with suppress(OSError):
                    _clear(hidden)
                raise
            try:
                _settle(hidden)
                _finish(directory)
            except OSError as error:
                raise BaselineError(
                    directory,
                    found=f"new baselines that stand, but could not all be moved to their places ({_why(error)})",
                    expected="a directory that can be written",
                    next_step="mend it, and bless again, which moves them first",
                ) from error
    except (OSError, FileError) as error:
        raise BaselineError(
            directory,
            found=f"a directory that can't be written ({_why(error)}): its baselines are as before",
            expected="one that can, with space for the new files",
            next_step="mend it, or name another by --baselines",
        ) from error


def _why(error: OSError | FileError) -> str:
    """What the system says, in words, of what it refused."""
    cause = error.__cause__ if isinstance(error, FileError) else error
    return getattr(cause, "strerror", None) or str(error)


def _name(directory: Path, path: Path) -> str:
    return path.relative_to(directory).as_posix()


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold the directory's lock, which the system takes from a process that dies."""
    from filelock import FileLock, Timeout

    lock = FileLock(directory / HIDDEN / "lock", timeout=PATIENCE)
    try:
        lock.acquire()
    except Timeout as error:
        raise BaselineError(
            directory,
            found="another `fitgate bless` at work",
            expected="one at a time",
            next_step="wait until it has ended, and run this again",
        ) from error
    try:
        yield
    finally:
        lock.release()


def _read(directory: Path) -> Journal:
    path = directory / HIDDEN / "journal.json"
    try:
        journal = msgspec.json.decode(contents(path, LONGEST_JOURNAL), type=Journal)
        if not all(map(TARGET.fullmatch, [*journal.moves, *journal.deletions])):
            raise ValueError("a path that leads elsewhere")
        if not all(map(STAGED.fullmatch, journal.moves.values())):
            raise ValueError("a staged file of another name")
    except (FileNotFoundError, NotADirectoryError):
        return Journal()
    except (OSError, ValueError, RecursionError) as error:
        raise BaselineError(
            path,
            found=f"what can't be read ({getattr(error, 'strerror', None) or error})",
            expected="what an unfinished `fitgate bless` was to do",
            next_step=f"delete {HIDDEN}, restore the baselines from git, and bless again",
        ) from error
    return journal


def _stage(directory: Path, files: Mapping[Path, bytes], deletions: Collection[Path]) -> Journal:
    """Write what is new beside, and check that nothing will stand in its way."""
    for path in (*files, *deletions):
        if path.is_dir() and not path.is_symlink():
            raise IsADirectoryError(errno.EISDIR, f"{path.name} is a directory", str(path))
        if not TARGET.fullmatch(_name(directory, path)):
            raise OSError(errno.EINVAL, f"{_name(directory, path)!r} is no name of a baseline", str(path))
    moves, token = {}, secrets.token_hex(4)
    for i, (path, content) in enumerate(files.items()):
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = f"{token}-{i}.npz"
        write(directory / HIDDEN / staged, content)
        moves[_name(directory, path)] = staged
    _settle(directory / HIDDEN)
    return Journal(moves, [_name(directory, path) for path in deletions if path not in files])


def _finish(directory: Path) -> None:
    """Carry out a journal, if there is one, and clear away what is left of others."""
    hidden, journal = directory / HIDDEN, _read(directory)
    for name, staged in journal.moves.items():
        with suppress(FileNotFoundError):  # it was moved before
            os.replace(hidden / staged, directory / name)
    for name in journal.deletions:
        (directory / name).unlink(missing_ok=True)
    for folder in {(directory / name).parent for name in (*journal.moves, *journal.deletions)}:
        _settle(folder)
    (hidden / "journal.json").unlink(missing_ok=True)
    _settle(hidden)
    _clear(hidden)


def _clear(hidden: Path) -> None:
    """Delete what was staged, and is not to be used."""
    for path in hidden.iterdir():
        if path.name not in (".gitignore", "lock"):
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def _settle(folder: Path) -> None:
    """Have the system write a directory's entries, where it can be asked to."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
