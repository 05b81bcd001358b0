"""The watch over a model's code: what would end the process is told from what the user asks for."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

from fitgate.errors import shown_place

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ProcessExit(SystemExit):
    """What `os._exit` raises instead, under a watch."""


class Watch:
    """Around code of a model's: `os._exit` raises an error there, and signals that ask to stop are noted.

    A KeyboardInterrupt is the user's where a signal came, which only the main thread gets; otherwise the code raised
    it by itself. Another thread that ends the process with status 0 ends itself alone, which is noted.

    Attributes:
        interrupted: whether a signal asked to stop.
        exited: the call of `os._exit` that was refused; empty if there was none.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self.exited = ""
        self._handlers: dict[signal.Signals, Any] = {}
        self._active = False

    def __enter__(self) -> Watch:
        self._process, self._thread, self._active = os.getpid(), threading.get_ident(), True
        self._exit = os._exit
        os._exit = self._refuse  # type: ignore[assignment] # it returns no more than the other
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
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        if os._exit == self._refuse:
            os._exit = self._exit
        self._active = False  # wherever it was kept

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = self.interrupted or os.getpid() == self._process
        self._handlers[signal.Signals(number)](number, frame)

    def _refuse(self, status: int) -> None:
        if self._active and os.getpid() == self._process:  # a forked child may end as it likes
            caller = sys._getframe(1)
            call = f"os._exit({status}) at {shown_place(caller.f_code.co_filename, caller.f_lineno)}"
            if threading.get_ident() == self._thread:
                self.exited = call
                raise ProcessExit(f"os._exit({status})")
            if status == 0:  # another ends the process as failed, as a watchdog does
                self.exited = f"{call}, in a thread"
                raise ProcessExit(f"os._exit({status})")
        self._exit(status)
