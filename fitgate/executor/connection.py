"""A connection to a fresh process: started, asked, heard, and ended with all that it started."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import weakref
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any, TypeVar

from fitgate.clock import monotonic
from fitgate.executor import child
from fitgate.executor.errors import ExecutorError, ProcessDied, TimeLimitExceeded
from fitgate.executor.output import Output
from fitgate.executor.pickling import dumps
from fitgate.executor.place import Place

LOOK = 0.25  # seconds between looks whether it still runs: a process that it forked may keep its pipe open
GRACE = 10.0  # seconds in which it may end by itself
DRAIN = 1.0  # seconds for its last output to arrive
LINES_IN_ERROR = 3
LONGEST_IN_ERROR = 200  # characters of a line
LINES_IN_NOTE = 20

E = TypeVar("E", bound=ExecutorError)


class Connection:
    """A fresh Python process and the pipes to it.

    Args:
        label: says in errors whose process it is.
        place: where it runs.
    """

    def __init__(self, label: str, place: Place):
        self.label = label
        self._by_value = place.by_value
        directory = tempfile.TemporaryDirectory(prefix="fitgate-", ignore_cleanup_errors=True)  # open to this user only
        self._directory = Path(directory.name)
        command = [sys.executable, "-P", child.__file__, directory.name, ",".join(map(str, place.cores))]
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        options = pipes | _group_of_its_own()
        self._process = subprocess.Popen(command, cwd=place.directory, env=place.variables(), **options)
        self._end = weakref.finalize(self, _end, self._process, directory)
        self._stdin: IO[bytes] = self._process.stdin  # type: ignore[assignment] # it was started with a pipe
        self._output = Output(self._process.stderr)  # type: ignore[arg-type] # a pipe of bytes is a BufferedReader
        self._answers: SimpleQueue[bytes | None] = SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()

    def send(self, verb: str, call: object, *arguments: Any) -> None:
        """Send a request; see `fitgate.executor.child.serve`.

        Raises:
            ExecutorError: if it can't be pickled, or the process was ended.
        """
        if not self._end.alive:
            raise ExecutorError(
                self.label,
                found="a process that was ended before",
                expected="one that runs",
                next_step="start another",
            )
        try:
            message = dumps((verb, call, arguments), self._by_value)
        except Exception as error:
            raise ExecutorError(
                self.label,
                found=f"work that can't be sent to another process ({type(error).__name__}: {error})",
                expected="a call and arguments that cloudpickle can pickle",
                next_step="make open files, locks and connections inside the call rather than outside",
            ) from error
        with suppress(OSError):  # where it has died, `receive` says so
            child.write_message(self._stdin, message, self._directory)

    def receive(self, timeout: float | None) -> Any:
        """Wait for the result of the last request.

        Raises:
            ProcessDied, TimeLimitExceeded: if there is none, or none within so many seconds; the process is killed.
            ExecutorError: if it can't be read here.
            Exception: what the call raised there, with its traceback as a note.
        """
        answer = self._next(timeout)
        try:
            succeeded, *content = pickle.loads(answer)  # noqa: S301 # of a process that this one started
            if succeeded:
                return content[0]
            pickled, text, traceback = content
            error = None if pickled is None else pickle.loads(pickled)  # noqa: S301 # the same
        except Exception as unreadable:
            raise ExecutorError(
                self.label,
                found=f"an answer that can't be read here ({type(unreadable).__name__}: {unreadable})",
                expected="one whose classes can be imported here",
                next_step="return plain values or arrays",
            ) from unreadable
        if error is None:
            error = ExecutorError(
                self.label, found=text, expected="a result", next_step="mend what raised it, as the traceback shows"
            )
        error.add_note(f"In a process of its own ({self.label}):\n{traceback.rstrip()}")
        raise error

    def close(self) -> None:
        """Let it end, with what it runs at its exit; kill it if that takes long."""
        with suppress(OSError):
            self._stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
            self._output.wait(DRAIN)  # processes that it started may clean up behind it
        self.kill()

    def kill(self) -> None:
        """End it at once, and all that it started."""
        self._end()
        self._output.wait(DRAIN)

    def _next(self, timeout: float | None) -> bytes:
        end = None if timeout is None else monotonic() + timeout
        ended = False
        while True:
            left = LOOK if end is None else min(LOOK, max(0.0, end - monotonic()))
            try:
                answer = self._answers.get(timeout=left)
            except Empty:
                if ended:  # as the look before this one found, so no answer is on its way
                    raise self._died() from None
                ended = self._process.poll() is not None
                if timeout is not None and end is not None and not ended and monotonic() >= end:
                    raise self._late(timeout) from None
                continue
            if answer is None:
                raise self._died()
            return answer

    def _died(self) -> ProcessDied:
        with suppress(subprocess.TimeoutExpired):  # its pipe closes a moment before it ends
            self._process.wait(DRAIN)
        code = self._process.poll()
        self.kill()
        error = ProcessDied(
            self.label,
            found=f"a process that {_ending(code)}; {self._last_output()}",
            expected="an answer",
            next_step="look for the cause in its output, or run the same work in a session of your own",
        )
        return self._noted(error)

    def _late(self, timeout: float) -> TimeLimitExceeded:
        self.kill()
        error = TimeLimitExceeded(
            self.label,
            found=f"no answer after {timeout:g} s, so that its process was stopped; {self._last_output()}",
            expected="an answer within the time limit",
            next_step="give it more time, or less work",
        )
        return self._noted(error)

    def _last_output(self) -> str:
        lines = self._output.last_lines(LINES_IN_ERROR, LONGEST_IN_ERROR)
        return f"its last output was {' | '.join(lines)!r}" if lines else "it printed nothing"

    def _noted(self, error: E) -> E:
        if lines := self._output.last_lines(LINES_IN_NOTE):
            error.add_note("\n".join(["The last lines of its output:", *lines]))
        return error


def _listen(pipe: BufferedReader, answers: SimpleQueue[bytes | None]) -> None:
    with pipe, suppress(OSError):
        while (answer := child.read_message(pipe)) is not None:
            answers.put(answer)
    answers.put(None)


def _group_of_its_own() -> dict[str, Any]:
    """How to start a process so that it can be killed with all that it starts."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _end(process: subprocess.Popen[bytes], directory: tempfile.TemporaryDirectory[str]) -> None:
    """Kill a process with all that it started, and delete its directory."""
    if sys.platform == "win32":
        import psutil

        with suppress(psutil.NoSuchProcess):
            for started in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    started.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # macOS permits no signal to a group that has ended
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
    with suppress(OSError):
        process.stdin.close()  # type: ignore[union-attr] # it was started with a pipe
    directory.cleanup()


def _ending(code: int | None) -> str:
    if code is None:
        return "closed its pipes, and was stopped"
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal has no name
        name = f"signal {-code}"
    return f"was killed by {name}" + (", often the system's answer to too little memory" if name == "SIGKILL" else "")
