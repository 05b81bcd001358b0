"""Arrays out of bytes that nobody vouches for: each is checked to be what its type and shape say."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_DIMENSIONS = 32
WIDEST = 2**26  # bytes of an element: text of 16 million characters
TYPES = re.compile(r"\|b1|[|<>=][iu]1|[<>=][iu][248]|[<>=]f[248]|[<>=]c(?:8|16)|[|<>=]S\d{1,9}|[<>=]U\d{1,9}")
TIMES = re.compile(r"[<>=][mM]8(?:\[\d{0,9}(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?")
CODE_POINTS = 0x110000


def dtype_of(text: object) -> np.dtype[Any]:
    """The dtype of a name such as `<f8`: of truth values, numbers, texts or times.

    Raises:
        ValueError: if it is another's, such as one of objects or records, or of elements of over 64 MiB.
    """
    if not isinstance(text, str) or not (TYPES.fullmatch(text) or TIMES.fullmatch(text)):
        raise ValueError(f"an array of dtype {str(text)[:40]!r}")
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError, OverflowError) as error:  # too wide for NumPy
        raise ValueError(f"an array of dtype {text!r}") from error
    if dtype.itemsize > WIDEST:
        raise ValueError(f"an array of dtype {text!r}")
    return dtype


def size_of(dtype: np.dtype[Any], shape: object) -> int:
    """How many bytes an array takes.

    Raises:
        ValueError: if the shape is none, or has more than 32 dimensions.
    """
    if not isinstance(shape, Sequence) or isinstance(shape, str) or len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"an array of shape {str(shape)[:40]}")
    if not all(type(length) is int and 0 <= length < 2**48 for length in shape):
        raise ValueError(f"an array of shape {str(tuple(shape))[:40]}")
    return math.prod(shape) * dtype.itemsize


def array_of(content: bytes | memoryview, dtype: np.dtype[Any], shape: Sequence[int]) -> NDArray[Any]:
    """The array, read-only, that bytes in C order hold.

    Raises:
        ValueError: if these are more or fewer, or are no values of that dtype: truth values other than 0 and 1, or
            characters that there are not.
    """
    if len(content) != size_of(dtype, shape):
        raise ValueError(f"{len(content):,} bytes for an array of {dtype.str} and shape {tuple(shape)}")
    array: NDArray[Any] = np.ndarray(tuple(shape), dtype, buffer=content)
    if dtype.kind == "b" and np.any(np.frombuffer(content, np.uint8) > 1):
        raise ValueError("an array of truth values with others than 0 and 1")
    if dtype.kind == "U" and np.any(np.frombuffer(content, dtype.byteorder.replace("|", "=") + "u4") >= CODE_POINTS):
        raise ValueError("an array of texts with characters that there are not")
    array.flags.writeable = False
    return array


def as_plain(array: NDArray[Any]) -> NDArray[Any]:
    """An array that can be written as bytes: of objects, records and texts of any length, the texts of its elements."""
    if array.dtype.kind in "OT":
        return array.astype(str)
    if array.dtype.kind == "V":
        return np.array([str(element) for element in array.flat], str).reshape(array.shape)
    return array.astype(np.float64) if array.dtype.kind == "f" and array.dtype.itemsize > 8 else array
