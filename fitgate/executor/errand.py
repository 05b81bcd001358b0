"""Errands: work that travels to a backend's workers once, and is carried out there for one argument after the other."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.executor.pickling import dumps

# One piece of work at a time in a process: models draw from its random state, and change what else it has but once.
ALONE = threading.Lock()


def pack(work: Callable[[Any], Any]) -> NDArray[np.uint8]:
    """Work as bytes `(size,)`: an array, which joblib's backends send, or map into memory, once for all pieces."""
    return np.frombuffer(dumps(work), np.uint8)


def search_path() -> list[str]:
    """Where this process imports from, for workers that share its files."""
    return list(dict.fromkeys(str(Path(entry).absolute()) for entry in sys.path))


def carry_out(packed: NDArray[np.uint8], path: Sequence[str], argument: Any) -> Any:
    """What packed work gives for an argument, in whichever process.

    Args:
        packed: see `pack`.
        path: directories to import from after the process's own; those that are not there don't matter.
        argument: of the one call.
    """
    import joblib

    with ALONE:
        sys.path += [entry for entry in path if entry not in sys.path and Path(entry).exists()]
        work = pickle.loads(packed.data)  # noqa: S301 # of the session that sent it
        with joblib.parallel_config("threading"):  # parts of a piece stay in its process, or they would wait for pieces
            return work(argument)
