"""Lingering threads: a session ends with its exit code although a model left some running, for which Python waits."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest

GRACE = 10.0  # seconds that they may take to end by themselves, once Python waits for nothing else
SHOWN = 5  # of their names


class Lingering:
    """Sees to it that the process ends.

    Only where it is pytest's own program: another's, which calls `pytest.main`, may have more to do, and knows its own
    exit code.
    """

    def __init__(self) -> None:
        self._known = set(threading.enumerate())

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if _is_program(session.config):
            session.config.add_cleanup(partial(self._watch, session))

    def _watch(self, session: pytest.Session) -> None:
        """Begin to watch if there is what to watch for: all else of the session is done and written by now."""
        left = [thread for thread in _running() if thread not in self._known]
        if not left:
            return
        status = int(session.exitstatus) or int(sys.exc_info()[0] is not None)  # a plugin may fail at the very end
        shutdown = threading.Event()
        threading.Thread(target=_end, args=(left, shutdown, status), daemon=True).start()
        # Called before Python waits for threads; those of `atexit` would be too late. concurrent.futures relies on it.
        threading._register_atexit(shutdown.set)  # type: ignore[attr-defined]


def _end(left: Iterable[threading.Thread], shutdown: threading.Event, status: int) -> None:
    shutdown.wait()
    for _ in range(round(GRACE / 0.1)):
        if not any(thread.is_alive() for thread in left):
            return
        threading.Event().wait(0.1)
    names = [thread.name for thread in left if thread.is_alive()]
    shown = ", ".join(ascii(name)[1:-1][:100] for name in names[:SHOWN]) + ", ..." * (len(names) > SHOWN)
    print(
        f"fitgate: found {len(names)} thread{'s' * (len(names) > 1)} still running {GRACE:g} s after the session "
        f"({shown}), expected none; ended the process without, let the model that starts them end them.",
        file=sys.stderr,
    )
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def _running() -> list[threading.Thread]:
    """The threads that Python waits for at its end, but for this one."""
    return [t for t in threading.enumerate() if not t.daemon and t is not threading.current_thread()]


def _is_program(config: pytest.Config) -> bool:
    """Whether this process is a call of `pytest`, and this session the one that it was called for."""
    program = Path(sys.argv[0])
    named = program.stem in ("pytest", "py.test") or (program.parent.name, program.name) == ("pytest", "__main__.py")
    return named and list(map(str, config.invocation_params.args)) == sys.argv[1:]
