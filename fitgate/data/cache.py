"""The user's cache: what was costly to download, verified."""

from __future__ import annotations

import os
from pathlib import Path

from fitgate.data.errors import DataError

CACHE_DIR_VARIABLE = "FITGATE_CACHE_DIR"


def cache_directory() -> Path:
    """Where this user's caches live on this platform; `FITGATE_CACHE_DIR` moves it."""
    named = os.environ.get(CACHE_DIR_VARIABLE)
    if named:
        return Path(named)
    import pooch

    return Path(pooch.os_cache("fitgate"))


def download(name: str, urls: tuple[str, ...], *, known_hash: str, next_step: str) -> Path:
    """A file in the user's cache, downloaded where it is missing or not what it should be; shows its progress.

    Args:
        name: its path in the cache.
        urls: where to find it, the best first; a mirror is asked where the one before it fails.
        known_hash: of the file, as `md5:...` or `sha256:...`.
        next_step: what an error advises.

    Raises:
        DataError: if no mirror sends the file with that hash, or the cache can't be written.
    """
    import pooch

    path = cache_directory() / name
    if path.exists() and not path.is_file():  # of a FIFO the checksum would never come
        raise DataError(
            path,
            found="no regular file",
            expected=f"a file with {known_hash}, or nothing",
            next_step="delete it, and it is downloaded again",
        )
    problems = []
    for url in urls:
        try:
            pooch.retrieve(url, known_hash=known_hash, fname=path.name, path=path.parent, progressbar=True)
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; another hash is a ValueError
            problems.append(f"{url}: {_line(error)}")
        else:
            return path
    raise DataError(
        path,
        found=f"no download of it ({'; '.join(problems)})",
        expected=f"a file with {known_hash}, and a user's cache that can be written",
        next_step=next_step,
    )


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
