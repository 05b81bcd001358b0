"""Side effects: what a model's work leaves behind. The data must be as they were; the process's state is put back."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from fitgate.clock import monotonic
from fitgate.tasks import TaskData
from fitgate.text import counted

PATIENCE = 0.5  # seconds that threads which are ending get to end
# What keeps processes or threads for the next who asks: joblib's and multiprocessing's helpers, and tqdm's monitor.
POOLS = ("loky", "QueueFeederThread", "resource_tracker", "semaphore_tracker", "forkserver", "tqdm")


class ChangedData(Exception):
    """A model changed the data that it was given."""


@contextmanager
def unchanged(data: TaskData) -> Iterator[None]:
    """Around what a model does with a task's data: afterwards they are what they were.

    Raises:
        ChangedData: if the model has changed them, which its own error comes before.
        DataError: if another has, and they could not be restored.
    """
    data.seal()
    changed: list[str] = []
    try:
        yield
    finally:
        changed = data.restore()
    if changed:
        raise ChangedData(f"{changed_data(changed)}; let it work on a copy, by X = X.copy()")


def changed_data(parts: Sequence[str]) -> str:
    """What a model did that has changed some parts of the data."""
    return f"it changed the data that all models share: {', '.join(parts)}"


class Traces:
    """Notes what a model's work changes in the process, and puts it back.

    The working directory is compared with the one before the model was built. The environment, the random states,
    threads and processes are compared with those after: libraries that it imports set, draw and start their own.

    Args:
        seed: that NumPy's and Python's global generators begin with, so that an estimator which draws from these
            depends on its seed alone, and not on the models before it.

    Attributes:
        found: what was changed, in words.
    """

    def __init__(self, seed: int):
        self.found: list[str] = []
        self._directory = _directory()
        self._random = random.getstate(), np.random.get_state(legacy=False)
        self._seed = seed
        self.built()

    def built(self) -> None:
        """Seed the generators, and note the rest: what comes from now on is the estimator's doing."""
        random.seed(self._seed)
        np.random.seed(self._seed % 2**32)
        self._seeded = _random_states()
        self._environment = dict(os.environ)
        self._threads = set(threading.enumerate())
        self._children = set(_children())

    def end(self) -> None:
        """Find what was changed, and put it back: all but threads and processes."""
        if (now := _directory()) != self._directory:
            self.found.append(f"changed the working directory to {now or 'one that is gone'}")
            with suppress(OSError):
                os.chdir(self._directory)
        if changed := self._changed_variables():
            self.found.append(f"changed the environment: {', '.join(changed)}")
        of_python, of_numpy = (a != b for a, b in zip(_random_states(), self._seeded, strict=True))
        if of_numpy:
            self.found.append("used NumPy's global random state")
        if of_python:
            self.found.append("used Python's global random state")
        random.setstate(self._random[0])
        np.random.set_state(self._random[1])
        if threads := self._left_threads():
            self.found.append(f"left {counted(len(threads), 'thread')} running: {', '.join(threads)}")
        if children := self._left_children():
            self.found.append(f"left {counted(len(children), 'process')} running: {', '.join(children)}")

    def _changed_variables(self) -> list[str]:
        before, now = self._environment, dict(os.environ)
        changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
        for name in changed:
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]
        return changed

    def _left_threads(self) -> list[str]:
        until = monotonic() + PATIENCE
        new = [t for t in threading.enumerate() if t not in self._threads and not _of_pool(f"{type(t)} {t.name}")]
        for thread in new:
            thread.join(max(0.0, until - monotonic()))
        return [thread.name for thread in new if thread.is_alive()]

    def _left_children(self) -> list[str]:
        import psutil

        names = []
        for child in _children():
            with suppress(psutil.Error):  # it has ended
                if child not in self._children and child.status() != psutil.STATUS_ZOMBIE:
                    command = " ".join(child.cmdline())
                    names += [] if _of_pool(command) else [f"{child.name()} ({child.pid})"]
        return names


@contextmanager
def watched(seed: int) -> Iterator[Traces]:
    """A watch around a model's work, which has ended when the context ends."""
    traces = Traces(seed)
    try:
        yield traces
    finally:
        traces.end()


def _directory() -> str:
    """The working directory; empty where it is gone."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""


def _random_states() -> tuple[Any, Any]:
    """Python's and NumPy's, as values that can be compared."""
    state = np.random.get_state(legacy=False)
    inner = state["state"]
    key = inner["key"].tobytes() if "key" in inner else repr(inner)
    return random.getstate(), (key, inner.get("pos"), state["has_gauss"], state["gauss"])


def _children() -> list[Any]:
    import psutil

    return psutil.Process().children()


def _of_pool(words: str) -> bool:
    return any(name in words for name in POOLS)
