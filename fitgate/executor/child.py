"""What a fresh process runs: it reads requests from its standard input, carries them out and sends the answers.

It is run as a file, in an interpreter that may have another working tree's packages on its path, so it imports the
standard library alone, and nothing of this package.

A message is a pickle with its length before it; where it is long, it is the path of a file in the private directory
that holds the pickle, and that whoever reads it deletes.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

RUN, START, ASK = "run", "start", "ask"
HEADER = struct.Struct(">?Q")  # whether the rest is a file's path; its length in bytes
LONGEST_IN_PIPE = 32 * 1024  # bytes; an empty pipe takes them at once, so that sending never waits for the reader


def write_message(stream: IO[bytes], content: bytes, directory: Path) -> None:
    """Send a message; a long one through a file in the directory."""
    in_file = len(content) > LONGEST_IN_PIPE
    if in_file:
        handle, name = tempfile.mkstemp(dir=directory)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        content = os.fsencode(name)
    stream.write(HEADER.pack(in_file, len(content)) + content)
    stream.flush()


def read_message(stream: IO[bytes]) -> bytes | None:
    """Wait for a message; None if the other side has ended."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    in_file, length = HEADER.unpack(header)
    content = stream.read(length)
    if len(content) < length:
        return None
    if not in_file:
        return content
    path = Path(os.fsdecode(content))
    content = path.read_bytes()
    path.unlink()
    return content


def serve(requests: IO[bytes], answers: IO[bytes], directory: Path) -> None:
    """Carry out requests until there are no more."""
    kept: Any = None
    busy = threading.Event()
    while (message := read_message(requests)) is not None:
        try:
            verb, call, arguments = pickle.loads(message)  # noqa: S301 # of the process that started this one
            if verb == RUN:
                _end_with(requests, busy)
                value = call()
            elif verb == START:
                kept, value = call(), None
            else:
                value = getattr(kept, call)(*arguments)
        except BaseException as error:  # what a call raises is its answer, SystemExit too
            answer = _error(error, f"{type(error).__name__}: {error}")
        else:
            answer = _result(value)
        busy.clear()
        write_message(answers, answer, directory)


def dumps(value: Any) -> bytes:
    """A pickle that the process at the other end can read: by value where classes came here by value."""
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        import cloudpickle

        return bytes(cloudpickle.dumps(value))


def keep_to(cores: Sequence[int]) -> None:
    """Keep this process to some of the processor's cores, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
        return
    import psutil

    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):
        process.cpu_affinity(list(cores))


def _result(value: Any) -> bytes:
    try:
        return dumps((True, value))
    except Exception as error:
        return pickle.dumps((False, None, f"a result that can't be sent ({error})", traceback.format_exc()))


def _error(error: BaseException, text: str) -> bytes:
    """The error itself where it can be pickled and read again, its text, and its traceback."""
    content = None
    if isinstance(error, Exception):
        with suppress(Exception):
            pickled = dumps(error)
            pickle.loads(pickled)  # noqa: S301 # fails where its arguments don't suit its class
            content = pickled
    return pickle.dumps((False, content, text, traceback.format_exc()))


def _end_with(requests: IO[bytes], busy: threading.Event) -> None:
    """Let this process not outlive the one that asked, while it is busy: that one's end of the pipe closes."""

    def watch() -> None:
        os.read(requests.fileno(), 1)  # nothing more is sent
        if busy.is_set():
            os._exit(1)

    busy.set()
    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    """Take the pipes away from standard input and output, so that what a model prints is not taken for an answer."""
    directory, cores = Path(sys.argv[1]), [int(core) for core in sys.argv[2].split(",") if core]
    sys.argv[1:] = []
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):  # a process that is killed has then shown its last line
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    if cores:
        keep_to(cores)  # before any library counts them
    serve(requests, answers, directory)


if __name__ == "__main__":
    main()
