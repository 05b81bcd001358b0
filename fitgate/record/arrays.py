"""Arrays as plain values of a record, and back, within bounds, whoever wrote the record."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.arrays import array_of, as_plain, dtype_of, size_of

MOST_OF_ONE = 2**30  # bytes
MOST_OF_ALL = 2**32
ARRAY_KEYS = {"dtype", "shape", "zlib"}


def encode_array(value: Any) -> dict[str, Any]:
    """An array as plain values: dtype, shape, and its bytes, compressed; arrays of objects as their text.

    Raises:
        NotImplementedError: for anything else.
    """
    if not isinstance(value, np.ndarray):
        raise NotImplementedError(f"a record holds plain values and arrays, found {type(value).__name__}")
    value = as_plain(value)
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(value).tobytes())).decode()
    return {"dtype": value.dtype.str, "shape": value.shape, "zlib": data}


def decode_array(value: Any) -> NDArray[Any]:
    """The inverse of `encode_array`. Nothing is decompressed beyond what dtype and shape declare.

    Raises:
        ValueError: if it is no such array, or takes over 1 GiB.
    """
    if not isinstance(value, dict) or value.keys() != ARRAY_KEYS or not isinstance(value["zlib"], str):
        raise ValueError("no array")
    dtype, shape = dtype_of(value["dtype"]), value["shape"]
    size = size_of(dtype, shape)
    if size > MOST_OF_ONE:
        raise ValueError(f"an array of {size:,} bytes")
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(base64.b64decode(value["zlib"], validate=True), size + 1)
    except zlib.error as error:
        raise ValueError(f"a damaged array ({error})") from error
    if not stream.eof or stream.unused_data:
        raise ValueError("an array of more or fewer bytes than its shape says, or a damaged one")
    return array_of(content, dtype, shape)


class Arrays:
    """Decodes the arrays of one record, which together may take so much and no more."""

    def __init__(self, most: int = MOST_OF_ALL):
        self._left = most

    def __call__(self, kind: type, value: Any) -> NDArray[Any]:
        """An array, as msgspec's `dec_hook` asks for it.

        Raises:
            ValueError: if it is none, or one too many.
        """
        array = decode_array(value)
        self._left -= array.nbytes
        if self._left < 0:
            raise ValueError("arrays of over 4 GiB together")
        return array
