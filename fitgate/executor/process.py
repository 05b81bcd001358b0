"""Calls in a fresh process: one, or many of an object that stays there."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from fitgate.executor.child import ASK, RUN, START
from fitgate.executor.connection import Connection
from fitgate.executor.place import Place

T = TypeVar("T")


class Process:
    """A fresh Python process that keeps an object, and calls its methods.

    It works beside this one from its start; `ready` and `ask` wait for it. What a call raises there is raised here,
    with the traceback from there as a note. One thread may use it at a time. As a context manager it ends with its
    block.

    Args:
        call: makes the object there; called without arguments: a class, a function, a lambda, a `functools.partial`.
        label: says in errors whose process it is.
        place: where it runs; None for this process's directory and `sys.path`.

    Raises:
        ExecutorError: if the call can't be sent.
    """

    def __init__(self, call: Callable[[], object], *, label: str, place: Place | None = None):
        self.label = label
        self._connection = _started(START, call, label, place)
        self._ready = False

    def ready(self, timeout: float | None = None) -> None:
        """Wait until its object is made.

        Raises:
            ProcessDied: if it ends before that.
            TimeLimitExceeded: if it takes longer than so many seconds; the process is killed.
            Exception: what making the object raises.
        """
        if not self._ready:
            self._connection.receive(timeout)
            self._ready = True

    def ask(self, method: str, *arguments: Any, timeout: float | None = None) -> Any:
        """Call a method of its object; what it returns.

        Args:
            method: its name.
            arguments: of the call; they, and the result, are copies.
            timeout: seconds after which the process is killed.

        Raises:
            ExecutorError: if the arguments or the result can't be sent, or the process was closed.
            ProcessDied: if it ends before it answers.
            TimeLimitExceeded: if the answer takes longer.
            Exception: what the method raises.
        """
        self.ready(timeout)
        self._connection.send(ASK, method, *arguments)
        return self._connection.receive(timeout)

    def close(self) -> None:
        """Let it end, with what it runs at its exit; kill it if that takes long."""
        self._connection.close()

    def kill(self) -> None:
        """End it at once, with all that it started."""
        self._connection.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None:
            self.close()
        else:
            self.kill()


def run(call: Callable[[], T], *, label: str, timeout: float | None = None, place: Place | None = None) -> T:
    """The result of one call in a fresh process.

    Args:
        call: is called there, without arguments: a function, a lambda, a `functools.partial`.
        label: says in errors whose process it is.
        timeout: seconds after which the process is killed.
        place: where it runs; None for this process's directory and `sys.path`.

    Raises:
        ExecutorError: if the call or its result can't be sent.
        ProcessDied: if the process ends before it answers.
        TimeLimitExceeded: if it takes longer.
        Exception: what the call raises, with the traceback from there as a note.
    """
    connection = _started(RUN, call, label, place)
    try:
        result: T = connection.receive(timeout)
    except BaseException:
        connection.kill()
        raise
    connection.close()
    return result


def _started(verb: str, call: Callable[[], object], label: str, place: Place | None) -> Connection:
    connection = Connection(label, place or Place())
    try:
        connection.send(verb, call)
    except BaseException:
        connection.kill()
        raise
    return connection
