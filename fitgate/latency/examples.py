"""Examples to ask about: copies in memory of their own, and variants that nobody has seen."""

from __future__ import annotations

import sys
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data.split import is_frame, is_sparse, rows_of

Rows = NDArray[np.intp]
TRIES = 20


class Examples:
    """A test split's examples, whatever type they are of.

    Args:
        X: an array, sparse matrix, data frame or sequence of texts.
        n: how many there are.
    """

    def __init__(self, X: Any, n: int):
        self._X = X.tocsr() if is_sparse(X) else X
        self._format = X.format if is_sparse(X) else ""
        self._n = n

    def __len__(self) -> int:
        return self._n

    def copies(self, rows: Rows) -> Any:
        """Examples by their places, of the type of X: no two calls share memory, so that an address tells nothing.

        Arrays are read-only, as in the split. Texts of one character and objects in arrays stay the ones that they are.
        """
        found = rows_of(self._X, rows)
        if isinstance(found, tuple):
            return copied(found)
        return found.asformat(self._format) if self._format else _frozen(found)

    def variants(self, rows: Rows, rng: np.random.Generator) -> Any | None:
        """Examples that differ a little from those at some places, and that neither X nor an earlier call had.

        Each has what other examples have, too: an array's or a frame's one value comes from the same column of
        another row, a sparse row or a text ends as another does. None where no such examples were found, as of X that
        is one column of few categories.
        """
        found = [self._variant(row, rng) for row in rows]
        return None if any(variant is None for variant in found) else self._joined(found)

    def _variant(self, row: int, rng: np.random.Generator) -> Any | None:
        made = rows_of(self._X, np.array([row]))
        for _ in range(TRIES):
            made = self._crossed(made, int(rng.integers(self._n)), rng)
            (key,) = _keys(made)
            if key not in self._known:
                self._known.add(key)
                return made
        return None

    def _crossed(self, made: Any, donor: int, rng: np.random.Generator) -> Any:
        """One example, with something of another's; itself where the two are alike."""
        other = rows_of(self._X, np.array([donor]))
        if isinstance(made, tuple):
            return (_ending(made[0], other[0], rng),)
        if self._format:
            from scipy.sparse import hstack

            at = int(rng.integers(made.shape[1] + 1))
            return hstack([made[:, :at], other[:, at:]], format="csr", dtype=made.dtype)
        if is_frame(made):
            column = int(rng.integers(made.shape[1]))
            made = made.copy()
            made.isetitem(column, other.iloc[:, column].array)
            return made
        different = np.flatnonzero(made.ravel() != other.ravel())
        if len(different):
            place = rng.choice(different)
            made.reshape(-1)[place] = other.reshape(-1)[place]
        return made

    def _joined(self, made: list[Any]) -> Any:
        """Examples of one row each, together, as a model is asked."""
        if isinstance(self._X, tuple):
            return tuple(text for (text,) in made)
        if self._format:
            from scipy.sparse import vstack

            return vstack(made, format=self._format)
        if is_frame(self._X):
            return sys.modules["pandas"].concat(made)
        return _frozen(np.concatenate(made))

    @cached_property
    def _known(self) -> set[Any]:
        return set(_keys(self._X))


def copied(X: Any) -> Any:
    """Examples of any type, in memory of their own."""
    return tuple((text + " ")[:-1] for text in X) if isinstance(X, tuple) else _frozen(X.copy())


def _frozen(X: Any) -> Any:
    if isinstance(X, np.ndarray):
        X.flags.writeable = False
    return X


def _ending(text: str, other: str, rng: np.random.Generator) -> str:
    """A text that from some word on is another."""
    words, others = text.split(" "), other.split(" ")
    at = int(rng.integers(len(words) + 1))
    return " ".join([*words[:at], *others[at:]])


def _keys(X: Any) -> list[Any]:
    """What tells each example from others, by its content: of those that are large, a hash."""
    if isinstance(X, tuple):
        return list(X)
    if is_sparse(X):
        X.sum_duplicates()
        ends = zip(X.indptr[:-1], X.indptr[1:], strict=True)
        return [hash((X.indices[a:b].tobytes(), X.data[a:b].tobytes())) for a, b in ends]
    if is_frame(X):
        objects = {column: str for column, dtype in X.dtypes.items() if dtype.kind == "O"}  # lists can't be hashed
        return list(sys.modules["pandas"].util.hash_pandas_object(X.astype(objects), index=False))
    if X.dtype == object:
        return [hash(repr(row)) for row in X.tolist()]
    return [hash(row.tobytes()) for row in np.ascontiguousarray(X)]
