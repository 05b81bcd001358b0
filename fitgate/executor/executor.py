"""The executor: where work goes that is to run beside this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from fitgate.clock import perf_counter
from fitgate.executor.backend import Backend, lethal_work, lost_work
from fitgate.executor.errand import carry_out, pack, search_path
from fitgate.executor.errors import ProcessDied
from fitgate.executor.place import Place
from fitgate.executor.process import Process, run

T = TypeVar("T")

FEW = 20  # parts, each of which is announced as it is done
PAUSE = 2.0  # seconds from one such line to the next, where there are more
MOST_DEATHS = 3  # of workers, after which the work is taken for what kills them


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
        """The results of joblib's delayed calls, in their order; how many are done is announced on the way.

        Args:
            what: the work's name.
            calls: the work.
            shared: arrays that are arguments of all the calls.
            prefer: `threads` for work that releases the GIL and is parallel itself, where no backend was named.

        What a worker had begun when it died is begun again.

        Raises:
            ProcessDied: if workers die again and again.
            Exception: what a call raises.
        """
        from joblib import Parallel, delayed

        results: dict[int, Any] = {}
        started, shown, deaths = perf_counter(), -PAUSE, 0
        self._announce(f"{what}: {len(calls)} parts ...")
        while len(results) < len(calls):
            left = [(i, call) for i, call in enumerate(calls) if i not in results]
            numbered = [delayed(_numbered)(i, f, *args, **options) for i, (f, args, options) in left]
            try:
                with self.backend(shared):
                    for i, result in Parallel(n_jobs=-1, return_as="generator_unordered", prefer=prefer)(numbered):
                        results[i] = result
                        passed = perf_counter() - started
                        if len(calls) <= FEW or passed - shown >= PAUSE or len(results) == len(calls):
                            self._announce(f"{what}: {len(results)} of {len(calls)} after {passed:.1f} s")
                            shown = passed
            except (*lost_work(), *lethal_work()) as error:
                deaths += 1
                if deaths > MOST_DEATHS or isinstance(error, lethal_work()):
                    raise ProcessDied(
                        what,
                        found=f"workers that died of it, or were killed ({type(error).__name__}), "
                        f"and {len(results)} of {len(calls)} parts done",
                        expected="a result of each part",
                        next_step="see why they end, such as too little memory, or do it without --fit-backend",
                    ) from error
                self._announce(f"{what}: a worker died; what it had not finished is begun again")
        return [results[i] for i in range(len(calls))]

    def spread(self, what: str, work: Callable[[Any], T], arguments: Sequence[Any]) -> list[T]:
        """What work gives for each of several arguments, in their order, done side by side by the backend's workers.

        The work, with all that belongs to it, is sent once, by value where a worker could not import it. A worker does
        one piece at a time, and imports what it needs from where this process does, where it shares its files.

        Args:
            what: its name.
            work: a function, or a `functools.partial`.
            arguments: of one call each.

        Raises:
            ProcessDied: if it ends its worker again and again.
            Exception: what a call raises.
        """
        from joblib import delayed

        packed, path = pack(work), search_path()
        return self.map(what, [delayed(carry_out)(packed, path, argument) for argument in arguments], shared=(packed,))

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Within it, joblib uses the backend, too; its beginning and its end are announced."""
        started = perf_counter()
        self._announce(f"{what} ...")
        with self.backend():
            yield
        self._announce(f"{what}: done after {perf_counter() - started:.1f} s")

    def run(self, call: Callable[[], T], *, label: str, timeout: float | None = None, place: Place | None = None) -> T:
        """The result of one call in a fresh process of this machine; see `fitgate.executor.process.run`."""
        return run(call, label=label, timeout=timeout, place=place)

    def start(self, call: Callable[[], object], *, label: str, place: Place | None = None) -> Process:
        """A fresh process of this machine that keeps what a call returns, to be asked; see `Process`."""
        return Process(call, label=label, place=place)

    def close(self) -> None:
        """Leave the cluster."""
        self._backend.close()


def _numbered(i: int, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> tuple[int, Any]:
    """What a call gives, with its number: results come as they are ready."""
    return i, function(*arguments, **options)
