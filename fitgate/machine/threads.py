"""Threads: how many a session may use, and how many each library has."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")


class ThreadsError(Exception):
    """A number of threads that the machine does not have, or a system that can't set it."""


def limit_threads(count: int) -> None:
    """Let this process, its threads and those it starts run on no more than so many of its cores.

    The operating system enforces it, so it holds for OpenMP, BLAS, XLA and Python's own threads alike. Libraries that
    have counted the cores before get fewer threads, and later ones are told by their environment variables.

    Raises:
        ThreadsError: if there are fewer cores, or the system has no affinity.
    """
    from threadpoolctl import threadpool_limits

    if not hasattr(os, "sched_setaffinity"):
        raise ThreadsError("--threads: this system can't keep a process to some cores, expected Linux; leave it out.")
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= count <= len(cores):
        raise ThreadsError(f"--threads {count}: expected from 1 to {len(cores)}, the cores that this process may use.")
    for thread in Path("/proc/self/task").iterdir():  # the call for 0 would leave the threads that BLAS has started
        try:
            os.sched_setaffinity(int(thread.name), cores[:count])
        except ProcessLookupError:
            continue  # it has ended
    os.environ.update(dict.fromkeys(VARIABLES, str(count)))
    threadpool_limits(count)


def thread_counts() -> dict[str, int]:
    """Cores that this process may use, and threads of each native library that is loaded, by its name."""
    from threadpoolctl import threadpool_info

    from fitgate.machine.environment import usable_cores

    pools = {f"{pool['user_api']} ({Path(pool['filepath']).name.split('-')[0]})": pool for pool in threadpool_info()}
    return {"cores": usable_cores(), **{name: int(pool["num_threads"]) for name, pool in sorted(pools.items())}}
