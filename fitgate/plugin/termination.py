"""Termination: a session that is asked to end by SIGTERM ends as by Ctrl-C, with its record and report."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

import pytest


def end_as_by_interrupt(config: pytest.Config) -> None:
    """Until the session's end, take SIGTERM for SIGINT, where nobody else handles it and this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return
    process = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:  # a forked child, which dies of it like any other
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        raise KeyboardInterrupt

    def restore() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, interrupt)
    config.add_cleanup(restore)
