"""OpenML: a dataset by name and version, downloaded once, and kept in the user's cache whole or not at all."""

from __future__ import annotations

import gzip
import os
import socket
import tempfile
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fitgate.data.cache import cache_directory
from fitgate.data.errors import DataError
from fitgate.files import regular

STALL = 60.0  # seconds without a byte after which a connection is given up
RETRIES = 3
DELAY = 1.0  # seconds from one to the next
CHUNK = 2**20  # bytes
# What scikit-learn raises of a network, a cache or an answer that is not what it should be, the last two where the
# answer is JSON of another structure. It stands in the error, which is its cause.
ERRORS = (OSError, HTTPException, ValueError, EOFError, zlib.error, ImportError, LookupError, TypeError)


def fetch(name: str, version: int) -> Any:
    """What `sklearn.datasets.fetch_openml` makes of a dataset.

    It is downloaded into a directory of its own, which takes its place in the cache once all is there and was read.

    Raises:
        DataError: if OpenML can't be reached, does not know it, or sends something else; or it can't be kept.
    """
    kept = cache_directory() / "openml" / f"{quote(name.lower(), safe='')}-{version}"
    with _named(f"OpenML {name} version {version}"):
        if _is_whole(kept):
            return _fetched(name, version, kept)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent, prefix=f".{kept.name}.", suffix=".part") as partial:
            bunch = _fetched(name, version, Path(partial, "whole"))
            _keep(Path(partial), kept)
    return bunch


def _fetched(name: str, version: int, home: Path) -> Any:
    from sklearn.datasets import fetch_openml

    limit = socket.getdefaulttimeout()
    if limit is None:  # as it is by default: then urllib would wait for ever
        socket.setdefaulttimeout(STALL)
    try:
        with warnings.catch_warnings():  # that it tries again is no error, whatever a project makes of warnings
            warnings.filterwarnings("default", module=r"sklearn\.datasets\..*")
            return fetch_openml(name, version=version, data_home=home, n_retries=RETRIES, delay=DELAY)
    finally:
        socket.setdefaulttimeout(limit)


def _is_whole(kept: Path) -> bool:
    """Whether all that is kept can be read; what is damaged is downloaded anew."""
    files = list(kept.rglob("*.gz"))
    try:
        for path in files:
            with regular(path) as (file, _), gzip.GzipFile(fileobj=file) as unpacked:
                while unpacked.read(CHUNK):
                    pass
    except (OSError, EOFError, zlib.error):
        return False
    return bool(files)


def _keep(partial: Path, kept: Path) -> None:
    """Let what was downloaded take its place, unless another process was faster."""
    if os.path.lexists(kept):
        os.replace(kept, partial / "damaged")
    try:
        os.replace(partial / "whole", kept)
    except OSError:
        if not kept.is_dir():
            raise


@contextmanager
def _named(where: str) -> Iterator[None]:
    try:
        yield
    except ERRORS as error:
        words = " ".join(str(error).split()) or "no reason given"
        raise DataError(
            where,
            found=f"no download ({type(error).__name__}: {words})",
            expected="a network connection to OpenML, a dataset of that name and version, and a cache that can be "
            "written",
            next_step="check them and run again",
        ) from error
