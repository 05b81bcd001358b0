"""The log of errors: tracebacks of what nobody expected, in a run's directory. The record keeps a line of each."""

from __future__ import annotations

from pathlib import Path

from fitgate.errors import LoggedError
from fitgate.files import append

ERRORS = "errors.log"


def log_error(error: LoggedError, directory: Path) -> Path:
    """Add an error to the log of a run.

    Args:
        error: what happened.
        directory: of the run.

    Returns:
        the log's path.

    Raises:
        FileError: if it can't be written.
    """
    path = directory / ERRORS
    append(path, f"{error.about}\n\n{error.traceback}\n\n")
    return path
