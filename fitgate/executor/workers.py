"""Workers: independent calls side by side, on a backend of joblib's, on this machine or on a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

ON_THIS_MACHINE = ("loky", "multiprocessing", "sequential", "threading")
SECONDS_TO_CONNECT = 5


class WorkersError(Exception):
    """A backend that is not there, or can't be reached."""


class Workers:
    """Where parallel work is done.

    Args:
        backend: a name that joblib knows, such as `loky`, `threading` or `dask`, or that was registered with
            `joblib.register_parallel_backend`; None for joblib's default, processes on this machine.
        address: of the backend's scheduler. For dask a client connects to it; any other backend is given it as
            `scheduler_host`.
        announce: is told in words how the work goes.
    """

    def __init__(
        self,
        backend: str | None = None,
        address: str | None = None,
        announce: Callable[[str], None] = lambda words: None,
    ):
        self._backend = backend
        self._address = address
        self._announce = announce

    def check(self) -> None:
        """Reach the backend.

        Raises:
            WorkersError: if that fails.
        """
        from joblib.parallel import BACKENDS, EXTERNAL_BACKENDS

        if self._address and not self._backend:
            raise WorkersError(f"--scheduler {self._address}: expected a --backend to go with it, such as dask")
        if self._backend and self._backend not in {*BACKENDS, *EXTERNAL_BACKENDS}:
            known = ", ".join(sorted({*BACKENDS, *EXTERNAL_BACKENDS}))
            raise WorkersError(f"--backend {self._backend}: joblib knows no such backend, expected one of: {known}")
        if self._backend in ON_THIS_MACHINE and self._address:
            raise WorkersError(f"--backend {self._backend} is on this machine, expected no --scheduler with it")
        if self._backend == "dask" and not self._address:
            raise WorkersError("--backend dask: expected the cluster's address, as --scheduler tcp://HOST:8786")
        with self.backend():
            pass

    @contextmanager
    def backend(self, shared: Sequence[Any] = ()) -> Iterator[None]:
        """Within it, joblib, and so scikit-learn, use this backend.

        Args:
            shared: arrays that all the work reads. Dask sends them to each worker beforehand, or it would rather give
                all of some short work to the one that has them.
        """
        import joblib

        if self._backend is None:
            yield
            return
        given: dict[str, Any] = {}
        if self._backend == "dask":
            given = {"client": self._client, "scatter": list(shared)}
        elif self._address:
            given = {"scheduler_host": self._address}
        with joblib.parallel_config(self._backend, **given):
            yield

    def run(self, what: str, calls: Sequence[Any], shared: Sequence[Any] = (), prefer: str | None = None) -> list[Any]:
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
        """Within it, joblib uses this backend, too; its beginning and its end are announced."""
        started = time.perf_counter()
        self._announce(f"{what} ...")
        with self.backend():
            yield
        self._announce(f"{what}: done after {time.perf_counter() - started:.1f} s")

    def close(self) -> None:
        """Leave the cluster."""
        if "_client" in vars(self):
            self._client.close()

    @cached_property
    def _client(self) -> Any:
        try:
            from distributed import Client
        except ImportError as error:
            raise WorkersError("--backend dask: distributed is not installed; pip install -e '.[dask]'") from error
        try:
            return Client(self._address, timeout=SECONDS_TO_CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise WorkersError(f"--scheduler {self._address}: no dask scheduler answers there ({error})") from error
