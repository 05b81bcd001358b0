"""The log of errors: tracebacks of what nobody expected, in a run's directory. The record keeps a line of each."""

from __future__ import annotations

from pathlib import Path

from fitgate.errors import LoggedError

ERRORS = "errors.log"


def log_error(error: LoggedError, directory: Path) -> Path:
    """Add an error to the log of a run.

    Args:
        error: what happened.
        directory: of the run.

    Returns:
        the log's path.
    """
    path = directory / ERRORS
    with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{error.about}\n\n{error.traceback}\n\n")
    return path
