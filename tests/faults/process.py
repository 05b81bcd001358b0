"""Processes: work done in a fork of this one, which has the libraries loaded; its death is a real process's."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

EXIT = os._exit  # before anything replaces it
WRITES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")


@dataclass(frozen=True)
class Ended:
    """A process that has ended.

    Attributes:
        status: its exit status, negative for a signal; None where it did not end in time, and was killed.
        output: what it and its children printed, both streams.
        seconds: it took.
    """

    status: int | None
    output: str
    seconds: float


def forked(
    work: Callable[[], object],
    directory: Path,
    *,
    limit: float,
    environment: Mapping[str, str] | None = None,
    kill_after: float | None = None,
    at_write: tuple[int, Callable[[], None]] | None = None,
) -> Ended:
    """Do work as the main program of a process of its own.

    Args:
        work: returns an exit status, or raises `SystemExit`.
        directory: where.
        limit: seconds after which it hangs.
        environment: variables to be set.
        kill_after: seconds after which it is killed, by SIGKILL; None for never.
        at_write: before which of its changes to files there, from 0 on, and before all later ones, what is called.
    """
    log = os.memfd_create("output")  # no file: its disk might be what is full
    started = time.perf_counter()
    pid = os.fork()
    if not pid:
        _become(work, directory, log, environment or {}, at_write)
    status = _wait(pid, started, limit, kill_after)
    seconds = time.perf_counter() - started
    for _ in range(2):  # whatever it left behind
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            break
    with open(log, "rb") as file:
        file.seek(0)
        return Ended(status, file.read().decode(errors="replace"), seconds)


def _wait(pid: int, started: float, limit: float, kill_after: float | None) -> int | None:
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        passed = time.perf_counter() - started
        if passed > limit:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        if kill_after is not None and passed >= kill_after:
            os.kill(pid, signal.SIGKILL)
            kill_after = None
        time.sleep(0.002)


def _become(
    work: Callable[[], object],
    directory: Path,
    log: int,
    environment: Mapping[str, str],
    at_write: tuple[int, Callable[[], None]] | None,
) -> None:
    """Do the work in this fork, and end as an interpreter does: other threads are waited for, exit handlers run."""
    code = 1
    try:
        os.setsid()
        for stream in (1, 2):
            os.dup2(log, stream)  # of which both share the place that is written next
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        atexit._clear()  # what the parent registered is the parent's
        os.environ.update(environment)
        os.chdir(directory)
        if at_write:
            _listen(directory, *at_write)
        code = _status(work)
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        EXIT(code & 0xFF)


def _status(work: Callable[[], object]) -> int:
    try:
        code = work()
    except SystemExit as error:
        code = error.code
    except BaseException:
        traceback.print_exc()
        return 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        return 1
    return int(code or 0)  # type: ignore[call-overload]


def _listen(directory: Path, number: int, act: Callable[[], None]) -> None:
    """Act before a process changes files in a directory for the so many-th time, and each time after."""
    changes, acting = iter(range(10**9)), threading.Lock()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            writes = isinstance(arguments[2], int) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        else:
            writes = event in WRITES
        if not writes or not isinstance(arguments[0], str | bytes | os.PathLike) or not acting.acquire(blocking=False):
            return
        try:
            path = os.path.abspath(os.fsdecode(arguments[0]))  # noqa: PTH100 - it resolves no links
            if path.startswith(f"{directory}{os.sep}") and "__pycache__" not in path and next(changes) >= number:
                act()
        finally:
            acting.release()

    sys.addaudithook(hook)
