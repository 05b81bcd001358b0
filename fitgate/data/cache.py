"""The user's cache: datasets that were costly to decode or to download, kept whole or not at all."""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fitgate.data.idx import DataError

Arrays = dict[str, NDArray[np.uint8]]


def cache_directory() -> Path:
    """Where this user's caches live on this platform; `DIGIT_BENCH_CACHE_DIR` moves it."""
    from platformdirs import user_cache_path

    return Path(os.environ.get("DIGIT_BENCH_CACHE_DIR") or user_cache_path("digit-bench", appauthor=False))


def cached(name: str) -> Arrays | None:
    """The arrays stored under `name`, or None where nothing is.

    Raises:
        DataError: if a file is there but can't be read.
    """
    path = cache_file(name)
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise DataError(
            path,
            found=f"an unreadable cache file ({error})",
            expected="a cached dataset",
            advice="delete that file and run again",
        ) from error


def store(name: str, arrays: Arrays) -> None:
    """Store arrays under `name` in one step: a reader finds the whole file or none, also after a crash.

    Raises:
        DataError: if the cache can't be written.
    """
    path = cache_file(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise DataError(
            path,
            found=f"no way to write there ({error.strerror or error})",
            expected="a writable user cache",
            advice="free some space, or name another directory in DIGIT_BENCH_CACHE_DIR",
        ) from error


def cache_file(name: str) -> Path:
    """The file that holds what is stored under `name`."""
    return cache_directory() / f"{name}.npz"
