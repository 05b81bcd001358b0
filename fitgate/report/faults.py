"""Faults: parts of what a session leaves that could not be made. Each costs itself alone, and fails the run."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from fitgate.errors import OUTPUT, FitgateError, described, harmless, shown
from fitgate.files import FileError, append
from fitgate.record import Record

ERRORS = "errors.log"


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

    @contextmanager
    def part(self, what: str) -> Iterator[None]:
        """Around the making of a part, as `the figure confusion.png`: an error ends that part alone."""
        try:
            yield
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except FitgateError as error:
            self.note(f"{what} could not be made: {error}")
        except BaseException as error:  # whatever it is: its traceback is kept, and the run fails
            self.note(f"{what} could not be made: {described(error)}")
            self._log(what)

    def note(self, line: str) -> None:
        """Note what could not be made, once."""
        if (line := shown(line)) not in self._record.faults:
            self._record.faults.append(line)

    def _log(self, what: str) -> None:
        if self._directory is not None:
            with suppress(FileError):  # the record says what failed
                append(self._directory / ERRORS, f"{what}\n\n{harmless(traceback.format_exc(), OUTPUT)}\n\n")
