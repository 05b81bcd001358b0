"""Spares: a copy of a dataset's content out of the models' reach, and how a part that they changed becomes clean."""

from __future__ import annotations

import ctypes
import pickle
import tempfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data.split import Loaded, Split, is_frame, is_sparse

MOST_BYTES = 2**30  # a copy of more would fill a disk: such data is loaded again
COMPRESSED = ("csr", "csc", "bsr")


class Spare:
    """A copy of all splits in a temporary file without a name, which goes with the process.

    Args:
        data: what to copy.

    Raises:
        OSError: if there is no place for it.
        PicklingError, TypeError, AttributeError: if it holds objects that can't be copied so.
    """

    def __init__(self, data: Loaded):
        self._file = tempfile.TemporaryFile(prefix="fitgate-data-")  # noqa: SIM115 # open as long as the spare is kept
        try:
            pickle.dump({name: (s.X, s.y) for name, s in data.splits.items()}, self._file, protocol=5)
            self._file.flush()
        except BaseException:
            self._file.close()
            raise

    def read(self) -> Loaded:
        """The copy: fresh arrays, with none of what a source says about them."""
        self._file.seek(0)
        written = pickle.load(self._file)  # noqa: S301 # written above, and without a name
        splits = {name: Split(*parts) for name, parts in written.items()}
        return Loaded(splits["train"], splits["test"], whole=splits.get("whole"))


def spare(data: Loaded) -> Spare | None:
    """A copy of what was loaded; None where it is too large, or can't be made: it is then loaded again when needed."""
    if sum(size(part) for split in data.splits.values() for part in (split.X, split.y)) > MOST_BYTES:
        return None
    try:
        return Spare(data)
    except (OSError, pickle.PicklingError, TypeError, AttributeError):
        return None


def size(part: Any) -> int:
    """About how many bytes examples or targets take."""
    if is_sparse(part):
        return int(part.nnz) * (part.dtype.itemsize + 8)
    if is_frame(part):
        return int(part.memory_usage().sum())
    return sum(map(len, part)) if isinstance(part, tuple) else int(part.nbytes)


def mended(damaged: Split, clean: Split, parts: Sequence[str]) -> Split:
    """A split with the clean content of some parts, of `X` and `y`: in the same memory, where that can be written.

    Fitted estimators such as nearest neighbours keep the array that they were given, and are mended with it.
    """
    found = {part: getattr(damaged, part) for part in ("X", "y")}
    found |= {part: _mended(found[part], getattr(clean, part)) for part in parts}
    return Split(**found, groups=damaged.groups, columns=damaged.columns, ids=damaged.ids)


def _mended(damaged: Any, clean: Any) -> Any:
    if is_sparse(damaged) and is_sparse(clean) and damaged.format == clean.format and clean.format in COMPRESSED:
        arrays = [(getattr(damaged, name), getattr(clean, name)) for name in ("data", "indices", "indptr")]
        return damaged if all(_overwrite(*pair) for pair in arrays) else clean
    if isinstance(damaged, np.ndarray) and isinstance(clean, np.ndarray):
        return damaged if _overwrite(damaged, clean) else clean
    return clean


def _overwrite(damaged: NDArray[Any], clean: NDArray[Any]) -> bool:
    """Copy an array's content over another's; whether that is possible, be it by a read-only view."""
    alike = (damaged.shape, damaged.dtype, damaged.strides) == (clean.shape, clean.dtype, clean.strides)
    owner: Any = damaged
    while isinstance(owner, np.ndarray) and owner.base is not None:
        owner = owner.base
    if not alike or damaged.dtype.hasobject or not (damaged.flags.c_contiguous or damaged.flags.f_contiguous):
        return False
    if not (isinstance(owner, bytes | bytearray) or (isinstance(owner, np.ndarray) and owner.flags.owndata)):
        return False  # a mapped file, perhaps, which may not be written
    ctypes.memmove(damaged.ctypes.data, clean.ctypes.data, damaged.nbytes)
    return True
