"""Values in files, for processes to hand to each other through a directory that is this user's alone."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from fitgate.executor.pickling import dumps

ARRAY, PICKLE = ".npy", ".pkl"


def save(directory: Path, name: str, value: Any, by_value: Iterable[ModuleType] = ()) -> Path:
    """Write a value to a file of a private directory; its path, for `load`.

    A NumPy array is written as such, so that the process that loads it needs its memory once, and not that of a pickle
    besides.

    Args:
        directory: private.
        name: of the file, without its ending.
        value: any that cloudpickle knows.
        by_value: modules whose functions and classes go by value, so that who loads it imports no package around them.
    """
    import numpy as np

    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        path = directory / f"{name}{ARRAY}"
        np.save(path, value, allow_pickle=False)
    else:
        path = directory / f"{name}{PICKLE}"
        path.write_bytes(dumps(value, by_value))
    return path


def load(path: Path) -> Any:
    """A value that `save` wrote."""
    if path.suffix == ARRAY:
        import numpy as np

        return np.load(path, allow_pickle=False)
    with path.open("rb") as file:
        return pickle.load(file)  # noqa: S301 # the directory is this user's alone
