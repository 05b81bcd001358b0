"""The interpreter: what all of a process relies on, which a model's code must not break. What it broke is put back."""

from __future__ import annotations

import builtins
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import starmap
from types import ModuleType, TracebackType
from typing import Any, NamedTuple, Self

from fitgate.errors import in_one_line

CLOCKS = ("monotonic", "perf_counter", "process_time", "thread_time", "time")
RELIED_ON: dict[ModuleType, tuple[str, ...]] = {
    builtins: tuple(name for name in vars(builtins) if name != "_"),  # which an interactive session sets
    time: (*CLOCKS, *(f"{name}_ns" for name in CLOCKS)),
}
STREAMS = ("stdout", "stderr", "__stdout__", "__stderr__")


class ChangedProcess(Exception):
    """A model broke what all of its process relies on."""


class Kept(NamedTuple):
    """One thing as it was.

    Attributes:
        changes: what has become of it, in words; empty where it is as good as it was.
        put_back: restores it, as far as that can be done.
    """

    changes: Callable[[], list[str]]
    put_back: Callable[[], object]


class Interpreter:
    """Around a model's code, as a context manager: afterwards all is as good as it was.

    Only what harms others counts: a limit that was lowered, not one that was raised; a function that was replaced or
    taken away, not one that was added. That a stream be closed, or a hard limit lowered, is refused at once.

    Raises:
        ChangedProcess: if the code broke something; with what it raised then, if it did.
    """

    def __enter__(self) -> Self:
        self._recursion = sys.getrecursionlimit()
        self._kept = [*starmap(_functions, RELIED_ON.items()), *_limits(), *_streams()]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # First of all, and in this very frame: there may be no room for another.
        if (recursion := sys.getrecursionlimit()) < self._recursion:
            sys.setrecursionlimit(self._recursion)
        changed = [f"the recursion limit ({recursion})"] if recursion < self._recursion else []
        for kept in self._kept:
            changed += kept.changes()
            kept.put_back()
        if changed:
            then = "" if error is None else f"; then it raised {in_one_line(error)}"
            raise ChangedProcess(
                f"it changed {', '.join(changed)}, on which all of its process relies, and which is put back where it "
                f"can be{then}"
            ) from error


def _functions(module: ModuleType, names: Iterable[str]) -> Kept:
    """Of a module without which nothing works."""
    namespace = vars(module)
    before = {name: namespace[name] for name in names if name in namespace}

    def changed() -> list[str]:  # without a builtin, of which any may be gone
        return [name for name, function in before.items() if namespace.get(name) is not function]

    def put_back() -> None:
        for name in changed():
            namespace[name] = before[name]

    return Kept(lambda: [f"{module.__name__}.{name}" for name in changed()], put_back)


def _limits() -> Iterator[Kept]:
    """The system's limits on this process, where it has any."""
    try:
        import resource
    except ImportError:  # Windows
        return
    yield _hard_limits(resource)
    for name in vars(resource):
        if name.startswith("RLIMIT_"):
            with suppress(OSError, ValueError):  # one that the system does not know
                yield _limit(resource, name, resource.getrlimit(vars(resource)[name]))


def _hard_limits(resource: Any) -> Kept:
    """That none is lowered, which only the superuser could undo: `setrlimit` sets the soft one alone."""
    own = resource.setrlimit

    def set_soft(number: int, limits: tuple[int, int]) -> None:
        (soft, hard), now = limits, resource.getrlimit(number)[1]
        own(number, (soft, now if _lower(hard, now) else hard))

    def put_back() -> None:
        resource.setrlimit = own

    resource.setrlimit = set_soft
    return Kept(list, put_back)


def _limit(resource: Any, name: str, before: tuple[int, int]) -> Kept:
    number = vars(resource)[name]

    def lowered() -> bool:
        return any(map(_lower, resource.getrlimit(number), before))

    def changes() -> list[str]:
        return [f"{name} ({resource.getrlimit(number)[0]})"] if lowered() else []

    def put_back() -> None:
        if lowered():
            hard = resource.getrlimit(number)[1]
            with suppress(OSError, ValueError):
                resource.setrlimit(number, (hard if _lower(hard, before[0]) else before[0], hard))

    return Kept(changes, put_back)


def _lower(limit: int, other: int) -> bool:
    """Whether a limit is lower than another; -1 stands for none."""
    return limit != -1 and (other == -1 or limit < other)


def _streams() -> Iterator[Kept]:
    """Standard output and error, with what they write to."""
    opened: dict[int, Kept] = {}  # one may go by two names
    for name in STREAMS:
        stream = getattr(sys, name)
        if stream is not None:
            yield _place(name, stream)
            for one in (stream, getattr(stream, "buffer", None)):
                if one is not None and id(one) not in opened:
                    opened[id(one)] = _open(name, one)
    yield from opened.values()


def _place(name: str, before: Any) -> Kept:
    """Where it is looked for; another in its place may be what captures output meanwhile."""

    def changes() -> list[str]:
        return [f"sys.{name} (None)"] if getattr(sys, name, None) is None else []

    def put_back() -> None:
        if changes():
            setattr(sys, name, before)

    return Kept(changes, put_back)


def _open(name: str, stream: Any) -> Kept:
    """That it is open: its method `close` notes the call, and does nothing."""
    calls: list[str] = []
    own = vars(stream).get("close") if hasattr(stream, "__dict__") else None

    def refuse() -> None:
        calls[:] = [f"sys.{name} (closed)"]

    def put_back() -> None:
        with suppress(AttributeError):
            if own is None:
                del stream.close
            else:
                stream.close = own

    with suppress(AttributeError):  # of a kind that takes no attribute
        stream.close = refuse
    return Kept(lambda: calls, put_back)
