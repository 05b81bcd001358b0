"""The executor: where work goes that is to run beside this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from fitgate.executor.backend import Backend
from fitgate.executor.place import Place
from fitgate.executor.process import Process, run

T = TypeVar("T")


class Executor:
    """Runs independent calls side by side, on a backend of joblib's, and isolated ones in fresh processes.

    Args:
        backend: a name that joblib knows, such as `loky`, `threading` or `dask`, or that was registered with
            `joblib.register_parallel_backend`; None for joblib's default, processes on this machine.
        address: of the backend's scheduler. For dask a client connects to it; any other backend is given it as
            `scheduler_host`.
        announce: is called with a line of text when work begins, when a part of it is done, and when it ends.
    """

    def __init__(
        self,
        backend: str | None = None,
        address: str | None = None,
        announce: Callable[[str], None] = lambda line: None,
    ):
        self._backend = Backend(backend, address)
        self._announce = announce

    def check(self) -> None:
        """Reach the backend.

        Raises:
            ExecutorError: if that fails.
        """
        self._backend.check()

    def backend(self, shared: Sequence[Any] = ()) -> AbstractContextManager[None]:
        """Within it, joblib, and so scikit-learn, use the backend.

        Args:
            shared: arrays that all the work reads, which are sent to a cluster's workers once.
        """
        return self._backend.active(shared)

    def map(self, what: str, calls: Sequence[Any], shared: Sequence[Any] = (), prefer: str | None = None) -> list[Any]:
        """The results of joblib's delayed calls, in their order; each one done is announced.

        Args:
            what: the work's name.
            calls: the work.
            shared: arrays that are arguments of all the calls.
            prefer: `threads` for work that releases the GIL and is parallel itself, where no backend was named.
        """
        from joblib import Parallel

        results = []
        started = time.perf_counter()
        self._announce(f"{what}: {len(calls)} parts ...")
        with self.backend(shared):
            for result in Parallel(n_jobs=-1, return_as="generator", prefer=prefer)(calls):
                results.append(result)
                self._announce(f"{what}: {len(results)} of {len(calls)} after {time.perf_counter() - started:.1f} s")
        return results

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Within it, joblib uses the backend, too; its beginning and its end are announced."""
        started = time.perf_counter()
        self._announce(f"{what} ...")
        with self.backend():
            yield
        self._announce(f"{what}: done after {time.perf_counter() - started:.1f} s")

    def run(self, call: Callable[[], T], *, label: str, timeout: float | None = None, place: Place | None = None) -> T:
        """The result of one call in a fresh process of this machine; see `fitgate.executor.process.run`."""
        return run(call, label=label, timeout=timeout, place=place)

    def start(self, call: Callable[[], object], *, label: str, place: Place | None = None) -> Process:
        """A fresh process of this machine that keeps what a call returns, to be asked; see `Process`."""
        return Process(call, label=label, place=place)

    def close(self) -> None:
        """Leave the cluster."""
        self._backend.close()
