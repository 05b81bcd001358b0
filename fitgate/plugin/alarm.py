"""The alarm: a second line against a model that hangs where it is timed, which happens in the session's own process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from fitgate.runs import Failure, Limit, ModelFailed

TIMING = 60.0  # seconds that a test of latency may take besides training and evaluating, times the session's factor
AGAIN = 1.0  # seconds until it rings again, for a model that goes on after an error


@contextmanager
def interrupted(named: str, task: str, limits: Sequence[Limit], factor: float) -> Iterator[None]:
    """Around a test of latency: raise `ModelFailed` where the model can't be done any more.

    Python runs it between two of its own instructions, in the main thread: it interrupts no C code that holds on, and
    no loop that catches all. Where another plugin has set an alarm, as pytest-timeout does, that one counts; on
    Windows there is none.

    Args:
        named, task: of what is timed.
        limits: of each that the test may have to wait for, its own first: of one fit, or one evaluation; it may have to
            wait for both, and then asks again. None is set where there are none.
        factor: of `--fit-timing`.
    """
    if (
        not limits
        or not hasattr(signal, "SIGALRM")
        or threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL
    ):
        yield
        return
    seconds = sum(3 * limit.seconds + TIMING * max(1.0, factor) for limit in limits)

    def ring(number: int, frame: FrameType | None) -> None:
        reason = f"no end of its timing after {seconds:g} s ({limits[0].source}), which was interrupted"
        raise ModelFailed(Failure(named, task, "predict", reason))

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
