"""Threads: how many a session may use, and how many each library has."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fitgate.errors import FitgateError
from fitgate.machine.environment import usable_cores

if TYPE_CHECKING:
    from threadpoolctl import threadpool_limits

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",  # macOS's Accelerate
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


class ThreadsError(FitgateError):
    """A number of threads that the machine does not have."""


def limit_threads(count: int) -> None:
    """Let this process, its threads and the processes that it starts use no more than so many cores.

    Where the system can keep a process to some of its cores, as Linux can, it enforces the limit for OpenMP, BLAS, XLA
    and Python's own threads alike. Elsewhere, as on macOS and Windows, the limit is what the libraries are asked for:
    those of BLAS and OpenMP that are loaded, by threadpoolctl, and later ones by their environment variables; other
    threads are free. `thread_counts` shows which it was: `cores` is the limit only where the system enforces it.

    Raises:
        ThreadsError: as of `check_threads`.
    """
    check_threads(count, "--fit-threads")
    _limit(count)


def check_threads(count: int, option: str) -> None:
    """Refuse a number of threads that an option names and this process can't have.

    Raises:
        ThreadsError: if there are fewer cores, or `count` is below one.
    """
    usable = usable_cores()
    if not 1 <= count <= usable:
        raise ThreadsError(
            option,
            found=str(count),
            expected=f"a number from 1 to {usable}, the cores that this process may use",
            next_step="name such a number, or leave the option out to use all of them",
        )


@contextmanager
def few_threads(count: int | None) -> Iterator[None]:
    """A context in which this process is limited as by `limit_threads`; None, or all cores and more, is no limit.

    Libraries that choose their number of threads once, as XLA, keep to what they find where they are first used.
    """
    if count is None or count >= usable_cores():
        yield
        return
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    variables = {name: os.environ.get(name) for name in VARIABLES}
    limited = _limit(count)
    try:
        yield
    finally:
        limited.restore_original_limits()
        for name, value in variables.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if cores is not None:
            _keep_to(cores)


def _limit(count: int) -> threadpool_limits:
    """Limit this process, and what was loaded; that is told how to go back."""
    from threadpoolctl import threadpool_limits

    if hasattr(os, "sched_getaffinity"):
        _keep_to(sorted(os.sched_getaffinity(0))[:count])
    os.environ.update(dict.fromkeys(VARIABLES, str(count)))
    return threadpool_limits(count)


def _keep_to(cores: Iterable[int]) -> None:
    for thread in _threads():
        try:
            os.sched_setaffinity(thread, cores)
        except ProcessLookupError:
            continue  # it has ended


def thread_counts() -> dict[str, int]:
    """Cores that this process may use, and threads of each native library that is loaded, by its name."""
    from threadpoolctl import threadpool_info

    pools = {f"{pool['user_api']} ({Path(pool['filepath']).name.split('-')[0]})": pool for pool in threadpool_info()}
    return {"cores": usable_cores(), **{name: int(pool["num_threads"]) for name, pool in sorted(pools.items())}}


def _threads() -> list[int]:
    """Identifiers of all threads of this process; where the system lists none, 0 for the calling one."""
    try:
        return [int(thread.name) for thread in Path("/proc/self/task").iterdir()]
    except OSError:
        return [0]
