"""Backends: joblib's, on this machine or on a cluster."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

from fitgate.executor.errors import ExecutorError

ON_THIS_MACHINE = ("loky", "multiprocessing", "sequential", "threading")
SECONDS_TO_CONNECT = 5
BACKEND, SCHEDULER = "--fit-backend", "--fit-scheduler"


class Backend:
    """What joblib hands its calls to.

    Args:
        name: that joblib knows, such as `loky`, `threading` or `dask`, or that was registered with
            `joblib.register_parallel_backend`; None for joblib's default, processes on this machine.
        address: of its scheduler. For dask a client connects to it; any other backend is given it as `scheduler_host`.
    """

    def __init__(self, name: str | None, address: str | None):
        self._name = name
        self._address = address

    def check(self) -> None:
        """Reach it.

        Raises:
            ExecutorError: if there is no such backend, or nobody answers at its address.
        """
        from joblib.parallel import BACKENDS, EXTERNAL_BACKENDS

        if self._address and not self._name:
            raise ExecutorError(
                f"{SCHEDULER} {self._address}",
                found=f"no {BACKEND}",
                expected="one that has a scheduler",
                next_step=f"add {BACKEND} dask",
            )
        if self._name and self._name not in {*BACKENDS, *EXTERNAL_BACKENDS}:
            raise ExecutorError(
                f"{BACKEND} {self._name}",
                found="a name that joblib does not know",
                expected=f"one of {', '.join(sorted({*BACKENDS, *EXTERNAL_BACKENDS}))}",
                next_step="correct it, or register the backend with joblib",
            )
        if self._name in ON_THIS_MACHINE and self._address:
            raise ExecutorError(
                f"{BACKEND} {self._name}",
                found=f"{SCHEDULER} {self._address}",
                expected=f"none, as {self._name} runs on this machine",
                next_step=f"leave {SCHEDULER} out, or name the backend whose it is",
            )
        if self._name == "dask" and not self._address:
            raise ExecutorError(
                f"{BACKEND} dask",
                found=f"no {SCHEDULER}",
                expected="the address of the cluster",
                next_step=f"add {SCHEDULER} tcp://HOST:8786",
            )
        with self.active():
            pass

    @contextmanager
    def active(self, shared: Sequence[Any] = ()) -> Iterator[None]:
        """Within it, joblib, and so scikit-learn, use this backend.

        Args:
            shared: arrays that all the work reads. Dask sends them to each worker beforehand, or it would rather give
                all of some short work to the one that has them.
        """
        import joblib

        if self._name is None:
            yield
            return
        given: dict[str, Any] = {}
        if self._name == "dask":
            given = {"client": self._client, "scatter": list(shared)}
        elif self._address:
            given = {"scheduler_host": self._address}
        with joblib.parallel_config(self._name, **given):
            yield

    def close(self) -> None:
        """Leave the cluster."""
        if "_client" in vars(self):
            self._client.close()

    @cached_property
    def _client(self) -> Any:
        try:
            from distributed import Client
        except ImportError as error:
            raise ExecutorError(
                f"{BACKEND} dask",
                found="no package distributed",
                expected="it to be installed",
                next_step="run pip install 'fitgate[dask]'",
            ) from error
        try:
            return Client(self._address, timeout=SECONDS_TO_CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:
            raise ExecutorError(
                f"{SCHEDULER} {self._address}",
                found=f"no answer ({error})",
                expected="the address of a running dask scheduler",
                next_step="start one with dask scheduler, or correct the address",
            ) from error


def lost_work() -> tuple[type[BaseException], ...]:
    """The errors by which backends say that work was lost with a worker, and may be tried again."""
    from concurrent.futures import CancelledError
    from concurrent.futures.process import BrokenProcessPool  # joblib's TerminatedWorkerError is one

    return BrokenProcessPool, CancelledError, asyncio.CancelledError


def lethal_work() -> tuple[type[BaseException], ...]:
    """The errors by which backends that try again by themselves say that work has ended one worker after the other."""
    if "distributed" not in sys.modules:
        return ()
    from distributed import KilledWorker

    return (KilledWorker,)
