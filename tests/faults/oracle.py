"""The oracle: what came of a fault, by what a user sees of it: status, output, record, and the files from before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

INTERRUPTED = 2  # pytest's exit status
LONGEST = 3_000  # characters of a line that is still one clear line
MOST_OUTPUT = 1_000_000  # characters that a session of a few tests may print of what it was given


class Kind(StrEnum):
    """What came of a fault."""

    CLEAR = "clear error"
    FAIL = "verdict FAIL"
    UNAFFECTED = "unaffected"
    FALSE_PASS = "false pass"
    TRACEBACK = "traceback"
    LOST = "lost"
    SILENT = "silent"
    UNESCAPED = "unescaped"
    HANG = "hang"


DEFECTS = (Kind.FALSE_PASS, Kind.TRACEBACK, Kind.LOST, Kind.SILENT, Kind.UNESCAPED, Kind.HANG)


@dataclass(frozen=True)
class Observation:
    """What is seen of a case once it has ended.

    Attributes:
        status: its exit status, negative for a signal; None where it did not end in time, and was ended.
        output: what it printed.
        names: of which a clear line names one: the file, the gate, the model.
        verdict: of its record, as PASS, FAIL or INCOMPLETE; empty where it was to leave no record.
        same: whether it came to just what the sound case comes to, so that the fault changed nothing that matters.
        refused: whether exit status 0 is wrong, even so.
        lost: what is no more as it was, or not as it should be, each in words.
        log: tracebacks that it kept in a log.
        forged: lines that only the planted text can have written.
        begun: whether fitgate was there to write, and not pytest alone.
        texts: what it wrote for people to read, by name: reports, the step summary.
    """

    status: int | None
    output: str
    names: Sequence[str] = ()
    verdict: str = ""
    same: bool = False
    refused: bool = False
    lost: Sequence[str] = ()
    log: str = ""
    forged: Sequence[str] = ()
    begun: bool = True
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What came of a case, and the evidence for it in a line."""

    kind: Kind
    detail: str = ""

    @property
    def is_defect(self) -> bool:
        """Whether it must not be."""
        return self.kind in DEFECTS


def judge(seen: Observation) -> Finding:
    """What came of a case. Of several defects the one that hides most is named."""
    if seen.status is None:
        return Finding(Kind.HANG, _last_line(seen.output))
    if seen.lost:
        return Finding(Kind.LOST, "; ".join(seen.lost))
    if "INTERNALERROR>" in seen.output:
        return Finding(Kind.TRACEBACK, f"an internal error: {_last_line(_internal(seen.output))}")
    if seen.status == 0 and (seen.refused or not seen.same):
        return Finding(Kind.FALSE_PASS, f"exit status 0, verdict {seen.verdict or 'none'}: {_last_line(seen.output)}")
    if seen.status == 0 and seen.verdict not in ("", "PASS"):
        return Finding(Kind.FALSE_PASS, f"exit status 0, and the record's verdict is {seen.verdict}")
    for name, text in _written(seen):
        if forged := next((line for line in seen.forged if line in map(str.strip, text.splitlines())), None):
            return Finding(Kind.FALSE_PASS, f"a forged line in {name}: {forged}")
    for traceback in (*tracebacks(seen.output), *(t for t in tracebacks(seen.log) if not t.is_said)):
        if traceback.is_ours:
            return Finding(Kind.TRACEBACK, f"{traceback.place}: {traceback.error}"[:500])
    for name, text in _written(seen):
        if found := next((c for c in ("\x1b", "\u202e", "\x00", "\x07") if c in text), None):
            return Finding(Kind.UNESCAPED, f"{found!r} in {name}")
        if len(text) > MOST_OUTPUT:
            return Finding(Kind.UNESCAPED, f"{name} of {len(text):,} characters")
    if seen.status == 0:
        return Finding(Kind.UNAFFECTED)
    if seen.verdict in ("FAIL", "INCOMPLETE"):
        return Finding(Kind.FAIL, seen.verdict)
    if seen.status < 0:
        return Finding(Kind.FAIL, f"ended by signal {-seen.status}")
    if seen.status == INTERRUPTED and re.search(r"^!+ .*KeyboardInterrupt.* !+$", seen.output, re.MULTILINE):
        return Finding(Kind.CLEAR, "pytest says that it was interrupted")
    if line := clear_line(seen.output, seen.names):
        return Finding(Kind.CLEAR, line)
    for traceback in tracebacks(seen.output):
        if any(name in traceback.place for name in seen.names):  # pytest's own words on a plugin that it can't load
            return Finding(Kind.CLEAR, f"{traceback.place}: {traceback.error}"[:500])
    return Finding(Kind.SILENT, f"exit status {seen.status}: {_last_line(seen.output)}")


def _written(seen: Observation) -> Iterator[tuple[str, str]]:
    """What it wrote for people to read, each with its name."""
    if seen.begun:
        yield "output", seen.output
    yield from seen.texts.items()


def clear_line(output: str, names: Sequence[str]) -> str | None:
    """The line of an output that says what was found and what was expected, and names what it is about, if one does."""
    for line in output.splitlines():
        said = re.search(r"found .+, expected .+", line)
        if said and len(line) <= LONGEST and any(name in line for name in names):
            return line.strip()
    return None


@dataclass(frozen=True)
class Traceback:
    """A traceback in an output.

    Attributes:
        files: of its frames, the innermost last.
        error: its last line.
    """

    files: Sequence[str]
    error: str

    @property
    def place(self) -> str:
        """The file of the innermost frame that is neither a library's nor this harness's."""
        return next((file for file in reversed(self.files) if not _is_foreign(file)), "")

    @property
    def is_ours(self) -> bool:
        """Whether that is fitgate's: an error from NumPy, say, is of whoever called it.

        An interrupt is the user's, and `os._exit`, which fitgate refuses by raising an error, its caller's.
        """
        if self.error.startswith(("KeyboardInterrupt", "fitgate.runs.watch.ProcessExit")):
            return False
        return bool(re.search(r"(^|/)fitgate(_pytest)?/[\w/]+\.py$", self.place))

    @property
    def is_said(self) -> bool:
        """Whether it ends in an error that says what was found and what was expected."""
        return bool(re.search(r"found .+, expected .+", self.error))


ENTRY = re.compile(r"^([^\s:]+\.py):(\d+): (in .+|[A-Za-z_][\w.]*)$")  # of pytest's own tracebacks
FRAME = re.compile(r'^\s*File "(.+?)", line \d+')
PREFIX = re.compile(r"^(INTERNALERROR> |E   |\s*\+ Exception Group |\s*\| )")


def tracebacks(output: str) -> Iterator[Traceback]:
    """The tracebacks in an output, Python's and pytest's; those of a chain one by one."""
    native: list[str] | None = None  # files of the frames of the one that is being read
    entries: list[str] = []  # likewise of pytest's
    error = ""
    for raw in output.splitlines():
        line = PREFIX.sub("", raw)
        if line.strip().startswith("Traceback (most recent call last)"):
            native = []
        elif native is not None:
            if found := FRAME.match(line):
                native.append(found[1])
            elif line.strip() and not line.startswith(" ") and native:
                yield Traceback(native, line)
                native = None
        elif found := ENTRY.match(raw):
            entries.append(found[1])
            if not found[3].startswith("in ") and raw[-1] != " ":
                yield Traceback(entries, error or found[3])
                entries, error = [], ""
        elif raw.startswith("E  "):
            error = error or raw[1:].strip()
        elif re.match(r"^(=|_){3,} .+ \1{3,}$", raw):  # the head of the next test's
            if entries and error:
                yield Traceback(entries, error)
            entries, error = [], ""
    if entries and error:  # short ones end in the error, and not in its place
        yield Traceback(entries, error)


def _is_foreign(file: str) -> bool:
    library = ("site-packages/" in file and "site-packages/fitgate" not in file) or "/lib/python" in file
    return library or file.startswith("<") or "tests/faults/" in file


def _internal(output: str) -> str:
    return "\n".join(line for line in output.splitlines() if line.startswith("INTERNALERROR>"))


def _last_line(output: str) -> str:
    return next((line.strip()[:300] for line in reversed(output.splitlines()) if line.strip()), "no output")
