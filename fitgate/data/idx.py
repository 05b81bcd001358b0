"""IDX, the file format that MNIST is published in: a magic number, the dimensions, the bytes.

Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fitgate.data.errors import DataError

UNSIGNED_BYTE = 0x08


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

    Raises:
        DataError: if the file is empty, truncated, of another type, or not of the length that its header states.
    """
    content = _read_bytes(path)
    again = "download or copy it again"
    if not content:
        raise DataError(path, found="an empty file", expected="IDX data", next_step=again)
    magic, expected_magic = content[:4], bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if magic != expected_magic:
        raise DataError(
            path,
            found=f"magic number 0x{magic.hex()}",
            expected=f"0x{expected_magic.hex()} (IDX, unsigned bytes, {dimensions} dimension{'s' * (dimensions > 1)})",
            next_step="check that this is the right file, in IDX format, unsigned bytes",
        )
    header = 4 + 4 * dimensions
    if len(content) < header:
        raise DataError(path, found=f"{len(content)} bytes", expected=f"a header of {header} bytes", next_step=again)
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    if len(content) - header != math.prod(shape):
        raise DataError(
            path,
            found=f"{len(content) - header:,} bytes after the header",
            expected=f"{math.prod(shape):,}, as the header's {' x '.join(map(str, shape))} says",
            next_step=again,
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def idx_header(shape: tuple[int, ...]) -> bytes:
    """What an IDX file of unsigned bytes starts with, before an array of that shape."""
    return struct.pack(f">4B{len(shape)}I", 0, 0, UNSIGNED_BYTE, len(shape), *shape)


def encode_idx(array: NDArray[np.uint8]) -> bytes:
    """The uncompressed IDX file that holds a uint8 array."""
    return idx_header(array.shape) + array.tobytes()


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" and content else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            path,
            found=f"a damaged or truncated gzip file ({error})",
            expected="complete gzip data",
            next_step="download or copy it again",
        ) from error
    except OSError as error:
        raise DataError(
            path,
            found=f"an unreadable file ({error.strerror or error})",
            expected="a readable IDX file",
            next_step="check the path and its permissions",
        ) from error
