"""Examples of a test split as bytes, and back: arrays alone, whoever wrote them."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.arrays import dtype_of
from fitgate.data.split import is_sparse
from fitgate.gates.npz import MOST, Archive

ARRAY, SPARSE, TEXTS = {"X"}, {"data", "indices", "indptr", "shape"}, {"utf8", "ends"}


def examples_packed(X: Any) -> bytes:
    """Examples as an archive of arrays.

    Args:
        X: an array of truth values, numbers, texts or times, a sparse matrix, or a tuple of texts.

    Raises:
        ValueError: if it is something else, or takes over 512 MiB; its text says what there is, as a noun.
    """
    if is_sparse(X):
        rows = X.tocsr()
        parts = {name: getattr(rows, name) for name in ("data", "indices", "indptr")} | {"shape": np.array(rows.shape)}
    elif isinstance(X, tuple):
        texts = [text.encode("utf-8", "surrogatepass") for text in X]
        parts = {
            "utf8": np.frombuffer(b"".join(texts), np.uint8),
            "ends": np.cumsum([len(text) for text in texts], dtype=np.int64),
        }
    elif isinstance(X, np.ndarray):
        parts = {"X": X}
    else:
        raise ValueError(f"examples of type {type(X).__name__}")
    for part in parts.values():
        dtype_of(part.dtype.str)
    if (size := sum(part.nbytes for part in parts.values())) > MOST:
        raise ValueError(f"examples of {size:,} bytes, over {MOST:,}")
    with io.BytesIO() as file:
        np.savez_compressed(file, **parts)
        return file.getvalue()


def examples_unpacked(content: bytes) -> Any:
    """The inverse of `examples_packed`; arrays are read-only.

    Raises:
        ValueError: if it is no such archive; its text says what is there instead, as a noun.
    """
    archive = Archive(content, ARRAY | SPARSE | TEXTS)
    parts = {name: archive.array(name) for name in archive.members}
    if parts.keys() == ARRAY:
        return parts["X"]
    if parts.keys() == SPARSE:
        return _sparse(parts)
    if parts.keys() == TEXTS:
        return _texts(parts["utf8"], parts["ends"])
    raise ValueError(f"an archive of {', '.join(sorted(parts)) or 'nothing'}")


def _sparse(parts: dict[str, NDArray[Any]]) -> Any:
    from scipy.sparse import csr_matrix

    try:
        data, indices, indptr, shape = (parts[name] for name in ("data", "indices", "indptr", "shape"))
        found = csr_matrix((data, indices, indptr), tuple(map(int, shape)))
        found.check_format(full_check=True)
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        raise ValueError(f"no sparse matrix ({error})") from error
    return found


def _texts(utf8: NDArray[Any], ends: NDArray[Any]) -> tuple[str, ...]:
    whole, places = utf8.tobytes(), [0, *map(int, ends.ravel())]
    if utf8.dtype != np.uint8 or ends.dtype.kind not in "iu" or places[-1] != len(whole) or places != sorted(places):
        raise ValueError("texts whose ends are none")
    try:
        return tuple(whole[start:end].decode("utf-8", "surrogatepass") for start, end in pairwise(places))
    except UnicodeDecodeError as error:
        raise ValueError("texts that are no UTF-8") from error
