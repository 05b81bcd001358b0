"""IDX, the file format that MNIST is published in: a magic number, the dimensions, the bytes.

Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from fitgate.data.errors import DataError
from fitgate.files import regular

UNSIGNED_BYTE = 0x08
CHUNK = 2**20  # bytes read at a time, so that a header that lies takes no memory
AGAIN = "download or copy it again"


def find_idx(directory: Path, stem: str) -> Path:
    """The file `stem` in `directory`, raw or gzipped, dashed as published or dotted as some unpackers write it.

    Raises:
        DataError: if there is none, or the directory can't be read.
    """
    dotted = stem.replace("-idx", ".idx")
    names = [stem, f"{stem}.gz", dotted, f"{dotted}.gz"]
    try:
        present = sorted(entry.name for entry in directory.iterdir())
    except OSError as error:
        raise DataError(
            directory,
            found=f"no readable directory ({error.strerror or error})",
            expected="a directory with four IDX files",
            next_step="check the path and its permissions",
        ) from error
    for name in names:
        if name in present:
            return directory / name
    raise DataError(
        directory / stem,
        found="no such file" + (f" beside {', '.join(present[:4])}" if present else " in an empty directory"),
        expected=f"{stem} or {stem}.gz",
        next_step="put all four IDX files into that directory",
    )


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The uint8 array in an IDX file, raw or gzipped, of so many dimensions.

    No more is read, or decompressed, than its header states.

    Raises:
        DataError: if the file can't be read, is no regular file, is empty, truncated, of another type, or not of the
            length that its header states.
    """
    with _readable(path), regular(path) as (file, _):
        if path.suffix != ".gz":
            return _array(path, file, dimensions)
        with gzip.GzipFile(fileobj=file) as unpacked:
            return _array(path, unpacked, dimensions)


def _array(path: Path, file: IO[bytes] | gzip.GzipFile, dimensions: int) -> NDArray[np.uint8]:
    size = 4 + 4 * dimensions
    header = file.read(size)
    if not header:
        raise DataError(path, found="an empty file", expected="IDX data", next_step=AGAIN)
    magic, expected_magic = header[:4], bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if magic != expected_magic:
        raise DataError(
            path,
            found=f"magic number 0x{magic.hex()}",
            expected=f"0x{expected_magic.hex()} (IDX, unsigned bytes, {dimensions} dimension{'s' * (dimensions > 1)})",
            next_step="check that this is the right file, in IDX format, unsigned bytes",
        )
    if len(header) < size:
        raise DataError(path, found=f"{len(header)} bytes", expected=f"a header of {size} bytes", next_step=AGAIN)
    shape = struct.unpack(f">{dimensions}I", header[4:])
    expected = math.prod(shape)
    content = bytearray()
    while len(content) <= expected and (chunk := file.read(min(CHUNK, expected + 1 - len(content)))):
        content += chunk  # one byte too many shows that there are more; where there is none, gzip's checksum holds
    if len(content) != expected:
        raise DataError(
            path,
            found=f"{len(content):,} bytes {'or more ' * (len(content) > expected)}after the header",
            expected=f"{expected:,}, as the header's {' x '.join(map(str, shape))} says",
            next_step=AGAIN,
        )
    array = np.frombuffer(content, np.uint8).reshape(shape)
    array.flags.writeable = False
    return array


def idx_header(shape: tuple[int, ...]) -> bytes:
    """What an IDX file of unsigned bytes starts with, before an array of that shape."""
    return struct.pack(f">4B{len(shape)}I", 0, 0, UNSIGNED_BYTE, len(shape), *shape)


def encode_idx(array: NDArray[np.uint8]) -> bytes:
    """The uncompressed IDX file that holds a uint8 array."""
    return idx_header(array.shape) + array.tobytes()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say in words why a file can't be read."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            path,
            found=f"a damaged or truncated gzip file ({error})",
            expected="complete gzip data",
            next_step=AGAIN,
        ) from error
    except OSError as error:
        raise DataError(
            path,
            found=f"an unreadable file ({error.strerror or error})",
            expected="a readable IDX file",
            next_step="check the path and its permissions",
        ) from error
