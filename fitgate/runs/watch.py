"""The watch over a model's code: what would end the process, or double it, is told from what the user asks for."""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any

from fitgate.clock import monotonic
from fitgate.errors import shown_place

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 0.5  # seconds that a forked child gets to come out of the model's code, besides what this process took
LOOK = 0.01  # seconds from one look at it to the next


class ProcessExit(SystemExit):
    """What `os._exit` raises instead, under a watch."""


class Watch:
    """Around code of a model's: `os._exit` raises an error there, and signals that ask to stop are noted.

    A KeyboardInterrupt is the user's where a signal came, which only the main thread gets; otherwise the code raised
    it by itself. Another thread that ends the process with status 0 ends itself alone, which is noted. A child that
    the code forks, and that comes out of it as the session does, ends there, and this one, which waits for it a moment,
    notes it: it would go on as a second session.

    Attributes:
        interrupted: whether a signal asked to stop.
        called: the call of `os._exit` that was refused, or of `os.fork` whose child was; empty if there was none.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self.called = ""
        self._handlers: dict[signal.Signals, Any] = {}
        self._active = False

    def __enter__(self) -> Watch:
        self._process, self._thread, self._active = os.getpid(), threading.get_ident(), True
        self._exit = os._exit
        os._exit = self._refuse  # type: ignore[assignment] # it returns no more than the other
        self._forks: dict[int, str] = {}
        self._forked = 0.0
        self._came_out: mmap.mmap | None = None
        if hasattr(os, "fork"):
            self._fork: Callable[[], int] = os.fork
            os.fork = self._note_fork
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):  # else the system's own, which ends the process, or nobody's
                    self._handlers[number] = handler
                    signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if os.getpid() != self._process:
            self._end_child()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if os._exit == self._refuse:
            os._exit = self._exit
        if hasattr(os, "fork") and os.fork == self._note_fork:
            os.fork = self._fork
        self._active = False  # wherever it was kept
        self._wait_for_children()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = self.interrupted or os.getpid() == self._process
        self._handlers[signal.Signals(number)](number, frame)

    def _refuse(self, status: int) -> None:
        if self._active and os.getpid() == self._process:  # a forked child may end as it likes
            caller = sys._getframe(1)
            call = f"os._exit({status}) at {shown_place(caller.f_code.co_filename, caller.f_lineno)}"
            if threading.get_ident() == self._thread:
                self.called = call
                raise ProcessExit(f"os._exit({status})")
            if status == 0:  # another ends the process as failed, as a watchdog does
                self.called = f"{call}, in a thread"
                raise ProcessExit(f"os._exit({status})")
        self._exit(status)

    def _note_fork(self) -> int:
        if self._came_out is None:
            self._came_out = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the child, which sets the first byte
        process, caller = self._fork(), sys._getframe(1)
        by = str(caller.f_globals.get("__name__"))
        elsewhere = by.startswith(("multiprocessing", __name__))  # whose end by themselves, or are another watch's
        if process and self._active and os.getpid() == self._process and not elsewhere:
            self._forked = self._forked or monotonic()
            self._forks[process] = f"os.fork() at {shown_place(caller.f_code.co_filename, caller.f_lineno)}"
        return process

    def _end_child(self) -> None:
        if self._came_out is not None:
            self._came_out[0] = 1
        self._exit(1)

    def _wait_for_children(self) -> None:
        """Give those that may yet come out a moment to do so."""
        if self._came_out is None or not self._forks:
            return
        until = monotonic() + PATIENCE + (monotonic() - self._forked)  # what is left to do there has been done here
        while not self._came_out[0] and monotonic() < until and any(map(_runs, self._forks)):
            threading.Event().wait(LOOK)
        if self._came_out[0]:
            self.called = self.called or f"{', '.join(dict.fromkeys(self._forks.values()))}, whose child left its code"


def _runs(process: int) -> bool:
    """Whether a child has not ended yet; its status is left to whoever waits for it."""
    try:
        return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
    except OSError:  # somebody has waited for it
        return False
