"""Once: a value is computed once per session, however many tests and processes ask for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from fitgate.errors import FitgateError, in_one_line
from fitgate.executor.pickling import dumps
from fitgate.files import write, written_whole

T = TypeVar("T")


class ProcessEnded(Exception):
    """The process that computed a value ended before it had done so; computing it again would end the next one."""

    def __str__(self) -> str:
        return "the process that was at it ended: it was killed, crashed, ran out of memory, or called os._exit"


class Once:
    """Keeps what was computed, or the error that was raised instead, under a key.

    Args:
        directory: where processes of one session share their values, guarded by file locks; None in a session of one
            process, which then needs to pickle nothing. It must be private to the user: loading a pickle runs code.
    """

    def __init__(self, directory: Path | None = None):
        self._directory = directory
        self._outcomes: dict[str, tuple[Any, Exception | None]] = {}

    def __call__(self, key: str, compute: Callable[[], T]) -> T:
        """The value under `key`, from `compute` if no one computed it yet.

        Raises:
            Exception: whatever `compute` raised, on every call.
            ProcessEnded: if another process ended while it computed it.
            FitgateError: if what processes share can't be read or written.
        """
        if key not in self._outcomes:
            try:
                self._outcomes[key] = self._shared(key, compute) if self._directory else _outcome(compute)
            except (OSError, RuntimeError) as lost:  # not of `compute`: of the lock, or the file
                raise FitgateError(
                    "what the session's processes share",
                    found=in_one_line(lost),
                    expected="a directory and files that stay open",
                    next_step="let the model close no files that it has not opened, or free the disk",
                ) from None
        value, error = self._outcomes[key]
        if error is not None:
            raise error.with_traceback(None)  # or each raise would lengthen it; the cause keeps its own
        return value

    def _shared(self, key: str, compute: Callable[[], T]) -> tuple[Any, Exception | None]:
        import joblib
        from filelock import FileLock

        assert self._directory is not None
        path = self._directory / f"{key}.pickle"
        with FileLock(self._directory / f"{key}.lock"):
            if path.exists():
                return joblib.load(path)
            begun = self._directory / f"{key}.begun"
            if begun.exists():  # and nobody is at it, or the lock would not be free
                outcome: tuple[Any, Exception | None] = (None, ProcessEnded())
                write(path, dumps(outcome))
                return outcome
            begun.touch()
            try:
                outcome = _outcome(compute)
                try:
                    with written_whole(path) as file:
                        joblib.dump(outcome, file)
                except Exception:  # it holds a lambda, say, which only goes by value
                    write(path, dumps(outcome))
            finally:
                begun.unlink()  # an error of this process's is not its end
            return outcome


def _outcome(compute: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return compute(), None
    except Exception as error:
        return None, error
