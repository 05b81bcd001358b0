"""Checks of what a dataset's loader returns: two splits that fit, with the content that was expected."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping

import numpy as np

from fitgate.data.digest import digest
from fitgate.data.errors import DataError
from fitgate.data.folding import CrossValidation
from fitgate.data.split import About, Loaded, Split


def rule(name: str, test_size: float | int | None, evaluation: CrossValidation | None) -> float | int | CrossValidation:
    """How examples are to be tested: by a split of that size, a quarter where none is given, or in folds.

    Raises:
        DataError: if both are asked for, or what is no evaluation.
    """
    if evaluation is None:
        return 0.25 if test_size is None else test_size
    if not isinstance(evaluation, CrossValidation):
        raise DataError(
            name,
            found=f"evaluation={evaluation!r}",
            expected="CrossValidation(folds=5, repeats=10), or the like",
            next_step="correct it, or leave it out",
        )
    if test_size is not None:
        raise DataError(
            name,
            found="a size of the test split beside cross-validation, which tests all examples",
            expected="test_size or evaluation",
            next_step="leave one of them out",
        )
    return evaluation


def pins(name: str, expected: str | Mapping[str, str] | None, profiles: tuple[str, ...]) -> dict[str, str]:
    """The digest that is expected of each profile, for those that have one.

    Raises:
        DataError: if a digest is of no profile, or does not say of which.
    """
    if not profiles:
        raise DataError(name, found="no profile", expected="at least one", next_step="pass a function that loads it")
    if isinstance(expected, str):
        expected = {profiles[0]: expected} if len(profiles) == 1 else {"": expected}
    unknown = sorted(set(expected or {}) - set(profiles))
    if unknown:
        raise DataError(
            name,
            found=f"a digest of {f'profile {unknown[0]!r}' if unknown[0] else 'no profile'}",
            expected=f"of {', '.join(profiles)}" if profiles[0] else "one digest, as this dataset has no profiles",
            next_step="pass digest={profile: hex}" if profiles[0] else "pass digest=hex",
        )
    return dict(expected or {})


def loaded(where: str, result: object) -> Loaded:
    """What a loader returned, as the splits that it should be.

    Raises:
        DataError: if it returned something else.
    """
    match result:
        case Loaded():
            return result
        case (Split() as train, Split() as test):
            return Loaded(train, test)
    raise DataError(
        where,
        found=f"a loader that returned a value of type {type(result).__name__}",
        expected="two splits, train and test",
        next_step="return (Split(X, y), Split(X, y)) from it",
    )


def check_test_split(name: str, X: object, y: object, drawn: Mapping[str, object]) -> None:
    """Check that a test split that is given is whole, and that nothing is asked for which only a drawn one can have.

    Args:
        name: of the dataset.
        X, y: of the test split.
        drawn: what was asked of the draw, by name; None for what was not.

    Raises:
        DataError: if it isn't, or something is.
    """
    if X is None or y is None:
        raise DataError(
            name, found="half of a test split", expected="X_test and y_test, or neither", next_step="pass both"
        )
    for what, asked in drawn.items():
        if asked is not None:
            raise DataError(
                name,
                found=f"{what} beside a test split that is given",
                expected=f"{what} where a test split is drawn",
                next_step="leave one of them out, or pass Dataset a function that returns two Split(X, y, groups)",
            )


def check(where: str, data: Loaded, about: About) -> None:
    """Check that the splits are whole, and that class names and image shape fit them.

    Raises:
        DataError: if they don't.
    """
    for part, split in data.splits.items():
        place = f"{where}, {part} split"
        split.check(place)
        if about.class_names:
            _check_names(place, split, about.class_names)
        if about.image_shape and isinstance(split.X, np.ndarray):
            _check_images(place, split.X.shape[1:], about.image_shape)
    if not len(data.test):
        raise DataError(
            f"{where}, test split",
            found="no examples",
            expected="at least one, as models are judged by it",
            next_step="check the source, or choose a larger test split",
        )


def _check_names(where: str, split: Split, names: tuple[str, ...]) -> None:
    y, last = split.y, len(names) - 1
    if y.ndim == 2 and y.shape[1] != len(names):
        raise DataError(
            where,
            found=f"{y.shape[1]} columns in y",
            expected=f"{len(names)}, one for each of class_names",
            next_step="name each column",
        )
    if y.ndim == 1 and y.dtype.kind in "iu" and len(y) and not 0 <= y.min() <= y.max() <= last:
        position = int(np.argmax((y < 0) | (y > last)))
        raise DataError(
            where,
            found=f"label {y[position]} at position {position:,}",
            expected=f"labels from 0 to {last}, one for each of class_names",
            next_step=f"map the labels to 0..{last}, or name every class",
        )


def _check_images(where: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if found not in (expected, (math.prod(expected),)):
        raise DataError(
            where,
            found=f"{' x '.join(map(str, found))} values in each row of X",
            expected=f"{math.prod(expected)}, for images of {' x '.join(map(str, expected))} pixels",
            next_step="resize the images, or declare the image_shape that they have",
        )


def digests(data: Loaded, image_shape: tuple[int, ...] | None) -> dict[str, str]:
    """SHA-256, in hex, of each split's two parts in canonical form; rows that are images are hashed in their shape.

    Where there are folds, of these as well.
    """
    found = {
        f"{name} {part}": digest(of_part, image_shape if part == "X" else None)
        for name, split in data.splits.items()
        for part, of_part in (("X", split.X), ("y", split.y))
    }
    if data.folds is not None:
        found["folds"] = digest(np.concatenate([data.folds.sizes, data.folds.examples]))
    return found


def digests_now(data: Loaded, image_shape: tuple[int, ...] | None) -> dict[str, str]:
    """The same of data that models may have changed; empty for what no longer has a canonical form."""
    try:
        return digests(data, image_shape)
    except DataError:
        return {f"{name} {part}": "" for name in data.splits for part in ("X", "y")}


def joined(parts: Mapping[str, str]) -> str:
    """One SHA-256, in hex, of all parts."""
    return hashlib.sha256("".join(parts.values()).encode()).hexdigest()


def check_digest(where: str, found: str, pinned: str) -> None:
    """Check that data has the digest that was pinned.

    Raises:
        DataError: if it has another.
    """
    if found != pinned.lower():
        raise DataError(
            where,
            found=f"data with SHA-256 {found}",
            expected=f"{pinned}, the digest that the dataset declares",
            next_step="restore the original data, or declare the new digest if it was meant to change",
        )
