"""Exits: a session of a project that uses fitgate does not end with status 0 before it has finished."""

from __future__ import annotations

import atexit
import linecache
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import pytest

NAME = "fitgate-exits"
OWN = str(Path(__file__).parent)
OTHERS = (f"{Path(pytest.__file__).parent}{os.sep}", f"{Path(pytest.__file__).parents[1] / '_pytest'}{os.sep}")
LONGEST = 300  # characters of what it says
ENDINGS = (SystemExit, pytest.skip.Exception, pytest.fail.Exception)  # what pytest does not expect of an import

Place = tuple[str, int]  # a file, and a line of it


class Exits:
    """Guards one session, in the process that reports its status: a plugin of pytest's. A forked child ends unheard.

    It replaces `os._exit` while conftests are imported, and from then on if the project uses fitgate. What a C
    library does to end the process is beyond it.

    Args:
        config: pytest's.
        used: whether the session is known to use fitgate.
    """

    def __init__(self, config: pytest.Config, used: Callable[[], bool]):
        self._config = config
        self._used = used
        self._process = os.getpid()
        self._exit = os._exit
        self._guarding = False
        self._status: int | None = None  # of the session, once it has finished

    def guard(self) -> None:
        """Replace `os._exit`, unless it is."""
        if not self._guarding and "PYTEST_XDIST_WORKER" not in os.environ:  # the controller sees a worker end
            self._guarding, self._exit = True, os._exit
            os._exit = self._end  # type: ignore[assignment]

    def release(self) -> None:
        """Put the real one back, unless somebody else has replaced it since."""
        self._guarding = False
        if os._exit == self._end:
            os._exit = self._exit

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Around imports: what ends them quietly becomes one line.

        Raises:
            UsageError: if a module exits, or skips, in a project that uses fitgate.
        """
        try:
            yield
        except ENDINGS as error:
            places = list(_places(error.__traceback__))
            if not self._concerned(places):
                raise
            raise pytest.UsageError(
                f"{_innermost(places)}: found {_call(error)} as it was imported, expected a module that can be "
                "imported; take it out, or let it raise an error."
            ) from error

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Late conftests, and test modules."""
        with self.importing():
            found = yield
        self._end_child()
        return found

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None]:
        self._end_child()
        yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        self._end_child()
        try:
            yield
        except SystemExit as error:
            if not self._used():
                raise
            found = f"found {_call(error)} at its end, expected a session that ends by itself"
            self._say(f"{_innermost(_places(error.__traceback__))}: {found}; it was not heeded")
            session.exitstatus = session.exitstatus or pytest.ExitCode.INTERNAL_ERROR
        self._status = int(session.exitstatus)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self) -> Generator[None]:
        self._end_child()
        yield

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_unconfigure(self) -> Generator[None]:
        self._end_child()
        try:
            yield
        except SystemExit as error:
            if not (self._used() and self._status):
                raise
            raise SystemExit(self._status) from error
        if self._used() and self._status and _is_pytest_s_own():
            atexit.register(self.guard)  # called before what models have registered by now

    def _end_child(self) -> None:
        """End a process that was forked from the session and goes on with it: reports and records are the session's."""
        if os.getpid() != self._process and self._used():
            self._exit(int(pytest.ExitCode.INTERNAL_ERROR))

    def _end(self, status: int) -> None:
        """What `os._exit` is meanwhile: a forked child, and whoever says that something failed, may end."""
        if self._guarding and status == 0 and os.getpid() == self._process and self._status != 0:
            places = list(_stack(sys._getframe(1)))
            if self._concerned(places):
                status = self._status or int(pytest.ExitCode.TESTS_FAILED)
                when = "before the session had finished" if self._status is None else "after it had failed"
                found = f"found os._exit(0) {when}, expected a session that ends by itself"
                self._say(f"{_innermost(places)}: {found}; the exit status is {status}")
        self._exit(status)

    def _concerned(self, places: Iterable[Place]) -> bool:
        """Whether the project uses fitgate, as far as can be known while its conftests are being imported."""
        return self._used() or "fitgate" in sys.modules or any(_names_us(file) for file, _ in places)

    def _say(self, words: str) -> None:
        """Write a line to standard error, whatever captures it."""
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        if capture:
            capture.suspend(in_=True)
        sys.stdout.flush()
        print(f"fitgate: {words}", file=sys.stderr, flush=True)
        if capture:
            capture.resume()


def _places(traceback: TracebackType | None) -> Iterator[Place]:
    """The places of a traceback, the outermost first."""
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        traceback = traceback.tb_next


def _stack(frame: FrameType | None) -> Iterator[Place]:
    """The places of the calls that lead to a frame, the outermost first."""
    places = []
    while frame is not None:
        places.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return reversed(places)


def _innermost(places: Iterable[Place]) -> str:
    """The innermost place that is neither ours nor pytest's, as `conftest.py:3`."""
    found = [f"{Path(file).name}:{line}" for file, line in places if not file.startswith((OWN, *OTHERS, "<"))]
    return found[-1] if found else "a hook"


def _names_us(file: str) -> bool:
    """Whether a module of the project's speaks of fitgate."""
    return not file.startswith((OWN, *OTHERS, "<")) and any("fitgate" in line for line in linecache.getlines(file))


def _call(error: BaseException) -> str:
    """What ended it, as it is written: in one line, of bounded length, of printable characters alone."""
    words = f"sys.exit({error.code!r})" if isinstance(error, SystemExit) else f"{type(error).__name__}: {error}"
    line = " ".join("".join(c if c.isprintable() else " " for c in words[: 4 * LONGEST]).split())
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} ..."


def _is_pytest_s_own() -> bool:
    """Whether pytest is all that this process does, so that its status is the session's."""
    main = sys.modules.get("__main__")
    name = Path(getattr(main, "__file__", None) or "").name
    return name in ("pytest", "py.test", "pytest.exe") or getattr(main, "__package__", None) == "pytest"
