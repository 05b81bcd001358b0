"""Splits: examples with their targets, and what a source knows about them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data.errors import DataError
from fitgate.statistics import Folds


@dataclass(frozen=True, eq=False)
class Split:
    """Examples and their targets, the same for every model of a session: NumPy arrays are read-only.

    Args:
        X: n examples, one a row: a NumPy array of any dtype and shape `(n, ...)`, a SciPy sparse matrix, a pandas
            DataFrame, or a sequence of strings (kept as a tuple). A list of numbers becomes an array.
        y: n targets, anything that scikit-learn's `type_of_target` knows: `(n,)`, or `(n, n_outputs)`. Kept as a NumPy
            array, or as the sparse matrix that it is.
        groups: `(n,)`, the group of each example where examples depend on each other, such as a patient's. Or the name
            of the column of X, a DataFrame, that holds it: this leaves X, for a model is not to learn who it is.
        ids: `(n,)`, text or whole numbers: what each example is called, by which predictions that were made elsewhere
            find it. Or the name of the column of X that holds them, which leaves X as well. They are no part of the
            data's digest.
        columns: what is known of each example beside X, by name, `(n,)` each: gates may look at it by slices, and no
            model sees it. Or the names of columns of X, a DataFrame, which leave it.

    Raises:
        DataError: if X has no column of that name, or a list can't be made an array.
    """

    X: Any
    y: Any
    groups: Any = None
    ids: Any = None
    columns: Mapping[str, Any] | Collection[str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        columns, leaving = self.columns, set()
        if not isinstance(columns, Mapping):
            leaving = {columns} if isinstance(columns, str) else set(columns)
            columns = {name: _column("columns", self.X, name) for name in sorted(leaving)}
        for name, part in (("groups", self.groups), ("ids", self.ids)):
            if isinstance(part, str):
                leaving.add(part)
                object.__setattr__(self, name, _column(name, self.X, part))
        if leaving:
            object.__setattr__(self, "X", self.X.drop(columns=sorted(leaving)))
        object.__setattr__(self, "columns", {name: _frozen(name, values) for name, values in columns.items()})
        object.__setattr__(self, "X", _examples(self.X))
        object.__setattr__(self, "y", self.y if is_sparse(self.y) else _frozen("y", self.y))
        for name, part in (("groups", self.groups), ("ids", self.ids)):
            if part is not None:
                object.__setattr__(self, name, _frozen(name, part))

    def __reduce__(self) -> tuple[Any, ...]:
        """Stay read-only in another process: pickles of arrays don't."""
        return Split, (self.X, self.y, self.groups, self.ids, self.columns)

    def __len__(self) -> int:
        return _length(self.X)

    def take(self, rows: NDArray[np.intp]) -> Split:
        """Some of its examples, by their places."""
        X, y, groups, ids = (
            None if part is None else rows_of(part, rows) for part in (self.X, self.y, self.groups, self.ids)
        )
        return Split(X, y, groups, ids, {name: rows_of(values, rows) for name, values in self.beside.items()})

    @property
    def beside(self) -> Mapping[str, NDArray[Any]]:
        """Its columns beside X, by name; read-only arrays `(n,)`."""
        assert isinstance(self.columns, Mapping)
        return self.columns

    @property
    def named(self) -> list[str]:
        """What each example is called, as text; its id, or its place where examples have none."""
        return list(map(str, range(len(self)) if self.ids is None else self.ids.tolist()))

    def check(self, where: str) -> None:
        """Check that the parts fit each other.

        Args:
            where: what an error calls this split, with its dataset.

        Raises:
            DataError: if X is of no known type, y, groups or ids are not of the same length, or ids are none.
        """
        if not (isinstance(self.X, np.ndarray | tuple) or is_sparse(self.X) or is_frame(self.X)):
            raise DataError(
                where,
                found=f"X of type {type(self.X).__module__}.{type(self.X).__qualname__}",
                expected="a NumPy array, a SciPy sparse matrix, a pandas DataFrame, or a sequence of strings",
                next_step="convert X in the function that loads this dataset",
            )
        beside = [("ids", self.ids), *((f"column {name}", values) for name, values in self.beside.items())]
        for name, part in (("X", self.X), ("y", self.y), ("groups", self.groups), *beside):
            if isinstance(part, np.ndarray) and not part.ndim:
                raise DataError(
                    where,
                    found=f"a single value as {name}",
                    expected="one row for each example",
                    next_step=f"check {name}",
                )
        if self.groups is not None and self.groups.shape[1:] not in ((), (1,)):
            raise DataError(
                where,
                found=f"groups of shape {self.groups.shape}",
                expected="one group for each example",
                next_step="check groups, or join what makes a group into one value",
            )
        for name, part in (("y", self.y), ("groups", self.groups), *beside):
            if part is not None and _length(part) != len(self):
                raise DataError(
                    where,
                    found=f"{len(self):,} examples in X but {_length(part):,} in {name}",
                    expected=f"as many in {name} as in X",
                    next_step="check that both belong to the same split",
                )
        if self.ids is not None:
            self._check_ids(where)

    def _check_ids(self, where: str) -> None:
        """Refuse ids that are none, or of which two examples have the same."""
        plain = self.ids.tolist()
        wrong = [self.ids] if self.ids.ndim != 1 else [one for one in plain if type(one) not in (str, int)]
        if wrong:
            raise DataError(
                where,
                found=f"ids of shape {self.ids.shape}" if self.ids.ndim != 1 else f"the id {wrong[0]!r}",
                expected="text or a whole number for each example",
                next_step="check ids, or leave them out",
            )
        if len(set(self.named)) < len(plain):
            again, times = Counter(self.named).most_common(1)[0]
            raise DataError(
                where,
                found=f"{times} examples of id {again!r}",
                expected="another id for each",
                next_step="check ids, or leave them out",
            )


@dataclass(frozen=True)
class About:
    """What a reader of a report needs to know about a dataset.

    Attributes:
        class_names: the name of class i, where y holds the integers from 0 on; or of output i, where y has columns.
        image_shape: height and width (and channels) where each row of X is an image.
        licence, source: in words.
    """

    class_names: tuple[str, ...] = ()
    image_shape: tuple[int, ...] | None = None
    licence: str = ""
    source: str = ""

    def over(self, other: About) -> About:
        """The same, with what is missing taken from `other`."""
        return About(
            self.class_names or other.class_names,
            self.image_shape or other.image_shape,
            self.licence or other.licence,
            self.source or other.source,
        )


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a source yields that knows more than two splits.

    Attributes:
        train, test: the splits; with folds, those of the first.
        about: what the source knows of them.
        whole: all examples, where they are dealt out to folds; else None.
        folds: of a cross-validation; None where there is but the one test split.
    """

    train: Split
    test: Split
    about: About = About()
    whole: Split | None = None
    folds: Folds | None = None

    @property
    def splits(self) -> dict[str, Split]:
        """All of its splits, by name."""
        return {"train": self.train, "test": self.test} | ({} if self.whole is None else {"whole": self.whole})

    @cached_property
    def tested(self) -> Split:
        """The examples that outputs are kept for, one an output: the test split, or of folds one after the other."""
        return self.test if self.whole is None or self.folds is None else self.whole.take(self.folds.examples)


def is_sparse(data: object) -> bool:
    """Whether it is a SciPy sparse matrix or array; SciPy is not imported to find out."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(data))


def is_frame(data: object) -> bool:
    """Whether it is a pandas DataFrame; pandas is not imported to find out."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def lent(part: Any) -> Any:
    """Examples or targets as a model gets them: what it does to their shape, columns or flags stays its own."""
    if isinstance(part, np.ndarray):
        view = part.view()
        view.setflags(write=False)
        return view
    return part.copy(deep=False) if is_frame(part) else part


def _length(part: Any) -> int:
    return int(part.shape[0]) if is_sparse(part) else len(part)  # len() of a sparse matrix is an error


def _column(what: str, X: Any, name: str) -> NDArray[Any]:
    columns = list(X.columns) if is_frame(X) else []
    if name not in columns:
        raise DataError(
            f"a split's {what}",
            found=f"{name!r}, which is no column of X",
            expected=f"one of {', '.join(map(str, columns))}" if columns else "an array, as X is no DataFrame",
            next_step=f"correct it, or pass {what} as an array, one for each example",
        )
    return np.asarray(X[name])


def rows_of(part: Any, rows: NDArray[np.intp]) -> Any:
    """Some rows of X, y or groups, by their places, in memory of their own; texts stay the ones that they are."""
    if is_frame(part):
        return part.iloc[rows]
    if isinstance(part, tuple):
        return tuple(part[row] for row in rows)
    return part.tocsr()[rows] if is_sparse(part) else part[rows]


def _examples(X: Any) -> Any:
    if isinstance(X, list | tuple) and all(isinstance(example, str) for example in X):
        return tuple(X)
    return _frozen("X", X) if isinstance(X, list | tuple | np.ndarray) else X


def _frozen(name: str, values: Any) -> NDArray[Any]:
    try:
        # A view: the caller's own array stays writable.
        array = values.view() if isinstance(values, np.ndarray) else np.asarray(values).view()
    except ValueError as error:
        raise DataError(
            f"a split's {name}",
            found=f"values that make no array ({error})",
            expected="rows of one length",
            next_step=f"check {name}",
        ) from error
    array.setflags(write=False)
    return array
