"""Digests: the same content has the same SHA-256, whatever its layout in memory.

The canonical form of rows and labels of uint8 is the uncompressed IDX file that holds them, rows that are images in
their shape, so that the published sums of datasets in that format are their digests. All else is a header (kind, dtype,
shape) and the content: arrays as little-endian bytes in C order, strings as lengths and UTF-8, sparse matrices as
sorted CSR, DataFrames as columns. Arrays of another dtype or shape have another digest, even of the same bytes.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data.errors import DataError
from fitgate.data.idx import idx_header
from fitgate.data.split import is_frame, is_sparse

Chunk = bytes | memoryview


def digest(part: Any, image_shape: tuple[int, ...] | None = None) -> str:
    """SHA-256, in hex, of examples or targets in canonical form.

    Args:
        part: a NumPy array, a SciPy sparse matrix, a pandas DataFrame, or a sequence of strings.
        image_shape: the shape of the image in each row of `part`, if rows are images.

    Raises:
        DataError: if it holds values that have no canonical form.
    """
    found = hashlib.sha256()
    for chunk in _canonical(part, image_shape):
        found.update(chunk)
    return found.hexdigest()


def _canonical(part: Any, image_shape: tuple[int, ...] | None) -> Iterator[Chunk]:
    if is_sparse(part):
        return _sparse(part)
    if is_frame(part):
        return _frame(part)
    if isinstance(part, np.ndarray):
        if part.dtype == np.uint8 and image_shape and part.shape[1:] == (math.prod(image_shape),):
            return _idx(part.reshape(len(part), *image_shape))
        return _array(part)
    return _strings(part, (len(part),))


def _array(array: NDArray[Any]) -> Iterator[Chunk]:
    if isinstance(array, np.ma.MaskedArray):
        yield b"masked\n"
        yield from _array(np.ma.getmaskarray(array))
        yield from _array(array.data)
    elif array.dtype.names:
        yield f"record {array.shape}\n".encode()
        yield from _strings(array.dtype.names, (len(array.dtype.names),))
        for name in array.dtype.names:
            yield from _array(array[name])
    elif array.dtype.kind in "UT" or (array.dtype.kind == "O" and all(isinstance(v, str) for v in array.flat)):
        yield from _strings(array.ravel().tolist(), array.shape)
    elif array.dtype.kind == "O":
        yield f"objects {array.shape}\n".encode()
        for value in array.flat:
            yield from _value(value)
    elif array.dtype == np.uint8 and array.ndim <= 2:  # of three, only rows that are images have that form
        yield from _idx(array)
    elif array.dtype.kind in "biufcSMm" and array.dtype.char not in "gG":
        little = array.dtype.newbyteorder("<")
        # The dtype's name without its byte order, but with the unit of a time: f8, M8[ns].
        yield f"array {little.str[1:]} {array.shape}\n".encode()
        yield _content(array.astype(little, copy=False))
    else:
        raise _no_form(f"an array of dtype {array.dtype}")


def _idx(array: NDArray[np.uint8]) -> Iterator[Chunk]:
    yield idx_header(array.shape)
    yield _content(array)


def _content(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _strings(values: Iterable[str], shape: tuple[int, ...]) -> Iterator[Chunk]:
    encoded = [value.encode("utf-8", "surrogatepass") for value in values]
    yield f"strings {shape}\n".encode()
    yield np.array([len(value) for value in encoded], "<u8").tobytes()
    yield b"".join(encoded)


def _sparse(matrix: Any) -> Iterator[Chunk]:
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()  # sorts the indices, too
    rows.eliminate_zeros()
    yield f"sparse {tuple(map(int, rows.shape))}\n".encode()
    for part in (rows.indptr.astype("<i8"), rows.indices.astype("<i8"), rows.data):
        yield from _array(part)


def _frame(frame: Any) -> Iterator[Chunk]:
    yield f"frame {tuple(map(int, frame.shape))}\n".encode()
    yield from _names(list(frame.columns))
    for position in range(len(frame.columns)):
        yield from _column(frame.iloc[:, position])


def _names(names: list[Any]) -> Iterator[Chunk]:
    if all(isinstance(name, str) for name in names):
        yield from _strings(names, (len(names),))
    else:
        yield f"names ({len(names)},)\n".encode()
        for name in names:
            yield from _value(name)


def _column(column: Any) -> Iterator[Chunk]:
    from pandas import CategoricalDtype, StringDtype

    if isinstance(column.dtype, CategoricalDtype):
        yield f"categories, ordered {bool(column.dtype.ordered)}\n".encode()
        yield from _column(column.dtype.categories.to_series())
        yield from _array(column.cat.codes.to_numpy("<i8"))
    elif isinstance(column.dtype, np.dtype) and column.dtype.kind != "O":
        yield from _array(column.to_numpy())
    else:
        if not isinstance(column.dtype, StringDtype | np.dtype):  # strings are the same, whatever pandas keeps them in
            yield f"column {column.dtype}\n".encode()
        values = column.to_numpy(object, copy=True)
        values[column.isna().to_numpy()] = None  # NaN, NaT, NA and None are all "missing" to pandas
        yield from _array(values)


def _value(value: Any) -> Iterator[Chunk]:
    """One element of an array of Python objects."""
    match value:
        case str():
            yield from _strings([value], ())
        case np.ndarray():
            yield from _array(value)
        case None | bytes() | bool() | int() | float() | Decimal() | date() | time() | timedelta():
            yield f"{type(value).__name__} ".encode()
            yield from _strings([str(value)], ())
        case np.generic():
            yield from _array(np.asarray(value))
        case list() | tuple():
            yield f"{type(value).__name__} ({len(value)},)\n".encode()
            for element in value:
                yield from _value(element)
        case _:
            raise _no_form(f"a value of type {type(value).__module__}.{type(value).__qualname__}")


def _no_form(found: str) -> DataError:
    return DataError(
        "digest of the data",
        found=found,
        expected="numbers, strings, dates, categories, or arrays of them",
        next_step="convert it in the function that loads this dataset",
    )
