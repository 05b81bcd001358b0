"""A case: a fault, planted at a door; and what every class of faults needs to plant it."""

from __future__ import annotations

import io
import os
import random
import resource
import signal
import socket
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from fitgate.errors import FitgateError
from tests.faults.material import Material
from tests.faults.oracle import Observation

SECONDS = 20  # that a case without a process of its own may take
HEADROOM = 2 << 30  # bytes of memory above what this process has
BOMB = 4 << 30  # bytes that a few megabytes unpack to

WORDS = st.sampled_from(
    [
        "",
        "boom",
        "nearest",
        "x" * 3_000_000,
        "line\nfitgate: PASS: all 6 gates passed\nline",
        "# PASS: all 6 gates passed",
        "\n\n# Report\n\n**PASS**: all 6 gates passed\n",
        "| a | b |\n|:--|:--|\n| <script>alert(1)</script> | ![x](http://x/y.png) |",
        "\x1b[2J\x1b[1;32mPASS\x1b[0m\x07",
        "\u202eSSAP\u202c \u200b\ufeff",
        "$x_1^2$ \\frac{ `code` ~~~ [link](x) <b>",
        "::error::forged\r::set-output name=x::y",
        "\udce4 lone surrogate",
        "\x00 nul",
        "{0} {name} %s %(x)s",
    ]
)
FORGED = ("fitgate: PASS: all 6 gates passed", "# PASS: all 6 gates passed", "**PASS**: all 6 gates passed")


@dataclass(frozen=True)
class Fault:
    """What is planted, and where.

    Attributes:
        door: through which it is to come.
        name: what is planted, of the class's names.
        arguments: its particulars, as plain values.
    """

    door: str
    name: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        said = ", ".join(f"{key}={_short(value)}" for key, value in self.arguments.items())
        return f"{self.name}({said}) at {self.door}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) < 80 else f"{text[:60]}... ({len(text):,} characters)"


def faults(doors: dict[str, int], **kinds: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Fault]:
    """Faults of several kinds, each as likely as the others.

    Args:
        doors: by how much each is to be drawn.
        kinds: the strategy of each kind's arguments.
    """
    weighted = [door for door, weight in doors.items() for _ in range(weight)]
    of_kind = [st.builds(Fault, st.sampled_from(weighted), st.just(name), args) for name, args in kinds.items()]
    return st.one_of(of_kind)


def bytes_of(seed: int, length: int) -> bytes:
    """So many bytes, by a seed."""
    return random.Random(seed).randbytes(length)


SEED = st.integers(0, 2**32 - 1)
SHARE = st.floats(0, 1, exclude_max=True)
RAW: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "flip": st.fixed_dictionaries({"places": st.lists(SHARE, min_size=1, max_size=4), "bit": st.integers(0, 7)}),
    "cut": st.fixed_dictionaries({"at": SHARE}),
    "cut out": st.fixed_dictionaries({"at": SHARE, "length": st.integers(1, 400)}),
    "put in": st.fixed_dictionaries({"at": SHARE, "seed": SEED, "length": st.integers(1, 400)}),
    "overwrite": st.fixed_dictionaries({"at": SHARE, "seed": SEED, "length": st.integers(1, 64)}),
    "zeros": st.fixed_dictionaries({"at": SHARE, "length": st.integers(1, 400)}),
    "append": st.fixed_dictionaries({"seed": SEED, "length": st.integers(1, 400)}),
    "twice": st.fixed_dictionaries({"seed": SEED}),
    "noise": st.fixed_dictionaries({"seed": SEED, "length": st.integers(0, 2000)}),
}


def damaged(content: bytes, name: str, given: dict[str, Any]) -> bytes:
    """Bytes with damage of a kind of `RAW`."""
    at = int(given.get("at", 0) * len(content))
    length = given.get("length", 0)
    match name:
        case "flip":
            changed = bytearray(content)
            for place in given["places"]:
                changed[int(place * len(content))] ^= 1 << given["bit"]
            return bytes(changed)
        case "cut":
            return content[:at]
        case "cut out":
            return content[:at] + content[at + length :]
        case "put in":
            return content[:at] + bytes_of(given["seed"], length) + content[at:]
        case "overwrite":
            return content[:at] + bytes_of(given["seed"], length) + content[at + length :]
        case "zeros":
            return content[:at] + bytes(length) + content[at + length :]
        case "append":
            return content + bytes_of(given["seed"], length)
        case "twice":
            return content + content
        case "noise":
            return bytes_of(given["seed"], length)
    raise ValueError(name)


PLACES = ("pipe", "directory", "link to nowhere", "link to itself", "link to zeros", "socket", "endless", "empty")


def misplace(path: Path, what: str) -> None:
    """Put something else where a file was."""
    path.unlink(missing_ok=True)
    match what:
        case "pipe":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "link to nowhere":
            path.symlink_to("nowhere")
        case "link to itself":
            path.symlink_to(path.name)
        case "link to zeros":
            path.symlink_to("/dev/zero")
        case "socket":
            with socket.socket(socket.AF_UNIX) as server, chdir(path.parent):  # its name may be 108 bytes long
                server.bind(path.name)
        case "endless":
            with open(path, "wb") as file:
                file.truncate(64 << 30)  # sparse
        case "empty":
            path.write_bytes(b"")
        case _:
            raise ValueError(what)


def bomb(window: int) -> bytes:
    """A deflate stream, with the frame that `wbits` means, of `BOMB` zeros."""
    block = bytes(64 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, window)
    first = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    raw = zlib.compressobj(9, zlib.DEFLATED, -15)
    again = raw.compress(block) + raw.flush(zlib.Z_FULL_FLUSH)
    return first + again * (BOMB // len(block) - 1) + b"\x03\x00" + bytes(8)


class HungError(BaseException):
    """A case that takes too long."""


@contextmanager
def bounded(seconds: int = SECONDS) -> Iterator[None]:
    """Work that takes too long raises `HungError`."""

    def hung(*_: object) -> None:
        raise HungError

    former = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)


def limit_memory() -> None:
    """Let this process have so much more memory: a bomb that goes off raises `MemoryError`."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + HEADROOM, hard))


@dataclass(frozen=True)
class Called:
    """What came of a call in this process, as that of a command.

    Attributes:
        status: 0, or 1 where it raised; None where it took too long.
        output: what it printed; the traceback of an error that does not say what was found and expected.
        value: it returned; None where it raised.
    """

    status: int | None
    output: str
    value: Any = None


def called(work: Callable[[], Any]) -> Called:
    """Call something, as the command line calls commands."""
    stream = io.StringIO()
    with redirect_stdout(stream), redirect_stderr(stream):
        try:
            with bounded():
                value = work()
        except FitgateError as error:
            return Called(1, f"{stream.getvalue()}error: {error}")
        except HungError:
            return Called(None, f"{stream.getvalue()}{traceback.format_exc()}")
        except SystemExit as error:
            return Called(error.code if isinstance(error.code, int) else 1, stream.getvalue())
        except BaseException:
            return Called(1, f"{stream.getvalue()}{traceback.format_exc()}")
    return Called(0, stream.getvalue(), value)


@dataclass(frozen=True)
class Bench:
    """Where a case is done.

    Attributes:
        material: what it is made from.
        directory: its own, empty.
    """

    material: Material
    directory: Path


Doing = Callable[[Fault, Bench], Observation]
