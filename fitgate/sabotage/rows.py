"""Rows: examples taken from X, put together, or changed, whatever type X has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data.split import is_frame, is_sparse

Array = NDArray[Any]
NUMBERS = "iuf"  # NumPy's kinds of type


def take(X: Any, places: Array) -> Any:
    """The examples at some places, in their order.

    Args:
        X: n examples, of any type that a `Split` may hold.
        places: int `(m,)`.
    """
    if is_frame(X):
        return X.iloc[places]
    return X[places] if isinstance(X, np.ndarray) or is_sparse(X) else tuple(X[i] for i in places)


def joined(first: Any, second: Any) -> Any:
    """The examples of one X and then those of another of the same type."""
    if is_frame(first):
        import pandas as pd

        return pd.concat([first, second], ignore_index=True)
    if is_sparse(first):
        from scipy.sparse import vstack

        return vstack([first, second], format="csr")
    return np.concatenate([first, second]) if isinstance(first, np.ndarray) else (*first, *second)


def is_numeric(X: Any) -> bool:
    """Whether its features are numbers in columns: a NumPy array, or a data frame without other columns."""
    if is_frame(X):
        return all(isinstance(kind, np.dtype) and kind.kind in NUMBERS for kind in X.dtypes)
    return isinstance(X, np.ndarray) and X.ndim > 1 and X.dtype.kind in NUMBERS


def with_values(X: Any, change: Callable[[Array], Array]) -> Any:
    """X with other numbers, in its own type: whole numbers are rounded, and kept within what their type can hold.

    Args:
        X: as `is_numeric` has it.
        change: from float64 `(n, features)` to the same shape.
    """
    values = np.asarray(X)
    new = change(values.reshape(len(values), -1).astype(np.float64)).reshape(values.shape)
    if is_frame(X):
        return type(X)(new, index=X.index, columns=X.columns)
    if values.dtype.kind in "iu":
        limits = np.iinfo(values.dtype)
        new = np.clip(np.rint(new), limits.min, limits.max)
    return new.astype(values.dtype)
