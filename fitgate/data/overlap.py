"""Overlap: rows of the test split that stand in the training split too, counted by their content."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.data.errors import DataError
from fitgate.data.split import Split, is_frame, is_sparse

POLICIES = ("warn", "fail")
BLOCK = 2**24  # bytes of rows that are copied at once


class Overlap(NamedTuple):
    """Test examples that stand in the training split, wherever they stand there.

    Attributes:
        rows: test examples whose X equals that of a training example.
        alike: those of them whose y equals that of such a one as well.
        n: of how many test examples.
    """

    rows: int
    alike: int
    n: int

    def refuse(self, where: str) -> None:
        """Let data with such examples not be used.

        Raises:
            DataError: if there is one.
        """
        if self.rows:
            raise DataError(
                where,
                found=f"{self.rows:,} of {self.n:,} test examples in the training split, {self.alike:,} of them with "
                "the same target",
                expected='none, by overlap="fail"',
                next_step="draw the splits without duplicates, name groups, or declare overlap='warn'",
            )


def check_overlap(name: str, policy: str) -> None:
    """Refuse what is no policy.

    Raises:
        DataError: if it is none.
    """
    if policy not in POLICIES:
        raise DataError(
            name, found=f"overlap={policy!r}", expected=" or ".join(map(repr, POLICIES)), next_step="correct it"
        )


def overlap(train: Split, test: Split) -> Overlap:
    """Count the rows of a test split that stand in a training split.

    Rows are compared by 64-bit hashes: two that differ pass for equal with a probability of 5e-20.
    """
    if not len(train) or not len(test):
        return Overlap(0, 0, len(test))
    rows, known = row_hashes(test.X, train.X), row_hashes(train.X, test.X)
    found = set(known)
    places = [i for i, row in enumerate(rows) if row in found]
    if not places:
        return Overlap(0, 0, len(test))
    targets, of_known = row_hashes(test.y, train.y), row_hashes(train.y, test.y)
    pairs = {(row, target) for row, target in zip(known, of_known, strict=True)}
    return Overlap(len(places), sum((rows[i], targets[i]) in pairs for i in places), len(test))


def row_hashes(part: Any, other: Any) -> list[Hashable]:
    """A number for each row that rows of the same content share.

    Args:
        part: examples or targets.
        other: those that they are to be compared with, whose type numbers are brought to.
    """
    if isinstance(part, tuple):
        return list(map(hash, part))
    if is_sparse(part):
        return _of_sparse(part, np.result_type(part.dtype, other.dtype))
    if is_frame(part):
        return _of_frame(part)
    dtype = other.dtype if isinstance(other, np.ndarray) else part.dtype
    if part.dtype.hasobject or dtype.hasobject or part.dtype.names:
        return [hash(repr(row)) for row in part.tolist()]
    try:
        common = np.result_type(part.dtype, dtype)
    except TypeError:  # numbers and strings: none is equal
        common = part.dtype
    return list(_of_array(part.reshape(len(part), -1), common))


def _of_array(array: NDArray[Any], common: np.dtype[Any]) -> Iterator[Hashable]:
    block = max(1, BLOCK // max(1, array.shape[1] * common.itemsize))
    for start in range(0, len(array), block):
        rows = np.ascontiguousarray(array[start : start + block], common)
        rows = rows + 0 if common.kind in "fc" else rows  # -0 is 0
        yield from (hash(row.tobytes()) for row in rows)


def _of_sparse(matrix: Any, common: Any) -> list[Hashable]:
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()  # sorts the indices, too
    rows.eliminate_zeros()
    places, values, bounds = rows.indices.astype(np.int64), rows.data.astype(common), rows.indptr
    parts = (slice(*ends) for ends in pairwise(bounds))
    return [hash((places[part].tobytes(), values[part].tobytes())) for part in parts]


def _of_frame(frame: Any) -> list[Hashable]:
    from pandas.util import hash_pandas_object

    try:
        return list(hash_pandas_object(frame, index=False).tolist())
    except TypeError:  # values that have no hash, such as lists
        return [hash(repr(row)) for row in frame.itertuples(index=False, name=None)]
