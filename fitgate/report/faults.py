"""Faults: parts of what a session leaves that could not be made. Each costs itself alone, and fails the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from fitgate.errors import FitgateError, LoggedError, in_one_line, traceback_of
from fitgate.files import FileError
from fitgate.record import Record, log_error
from fitgate.text import shown


class Part(Protocol):
    """Is given in words what is about to be made, and is a context around it."""

    def __call__(self, what: str) -> AbstractContextManager[None]: ...


@contextmanager
def whole(what: str) -> Iterator[None]:
    """Around a part whose errors are the caller's."""
    yield


class Faults:
    """Notes in a run's record what could not be made, and keeps the tracebacks of unexpected errors beside it.

    Args:
        record: of the run; its `faults` get a line each.
        directory: of the run; None where there is none.
    """

    def __init__(self, record: Record, directory: Path | None):
        self._record = record
        self._directory = directory
        self._logged: set[LoggedError] = set()

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Around the making of a part, as `the figure confusion.png`: an error ends that part alone."""
        try:
            yield
        except FitgateError as error:
            self.note(f"{what} could not be made: {error}")
        except BaseException as error:  # Ctrl-C, too, ends that part: what ran is kept, and the run fails
            self.note(f"{what} could not be made: {in_one_line(error)}")
            self.log(LoggedError(what, traceback_of(error)))

    def note(self, line: str) -> None:
        """Note what could not be made, once."""
        if (line := shown(line)) not in self._record.faults:
            self._record.faults.append(line)

    def log(self, error: LoggedError) -> None:
        """Keep an error's traceback in the run's directory, once; the record says in a line what failed."""
        if self._directory is not None and error not in self._logged:
            self._logged.add(error)
            try:
                log_error(error, self._directory)
            except FileError as lost:
                self.note(f"a traceback could not be kept: {lost}")
