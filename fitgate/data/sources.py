"""Sources: splits from scikit-learn's datasets, from OpenML, and from IDX files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from fitgate.data.drawing import draw
from fitgate.data.errors import DataError
from fitgate.data.folding import CrossValidation
from fitgate.data.idx import find_idx, read_idx
from fitgate.data.openml import fetch
from fitgate.data.split import About, Loaded, Split

Of = Any  # an array, a column's name, a function of what a loader returns, or None
Columns = Any  # arrays by name, names of columns, or a function of what a loader returns
Rule = float | int | CrossValidation
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@runtime_checkable
class Named(Protocol):
    """A function that has a name, unlike a `functools.partial`."""

    __name__: str


def name_of(loader: Callable[[], Any]) -> str:
    """What a loader calls its data, such as `breast_cancer`.

    Raises:
        DataError: if it has no name, or one that says nothing of them.
    """
    own = loader.__name__ if isinstance(loader, Named) else ""
    name = own.removeprefix("load_").removeprefix("fetch_")
    if not own.isidentifier() or name in ("load", "fetch"):  # the first is such as <lambda>
        raise DataError(
            "Dataset.from_sklearn",
            found=f"a loader that is called {own!r}" if own.isidentifier() else "a loader without a name of its own",
            expected="a name for the dataset",
            next_step="pass name=",
        )
    return name


def sklearn_splits(
    load: Callable[[], Any],
    name: str,
    *,
    groups: Of = None,
    columns: Columns = (),
    ids: Of = None,
    rule: Rule,
    seed: int,
) -> Loaded:
    """The data of a loader such as `sklearn.datasets.load_breast_cancer`, parted as by `parted`.

    Args:
        load: returns a bunch, or X and y.
        name: what an error calls the dataset.
        groups, ids: of the examples, as for `Split`; or a function from what the loader returns to that; None for none.
        rule: how they are tested, as for `parted`.
        seed: of the draw.
        columns: beside X, as for `Split`; or a function from what the loader returns to that.

    Raises:
        DataError: if the loader returns something else, or its data can't be split so.
    """
    bunch = load()
    if isinstance(bunch, Mapping) and {"data", "target"} <= bunch.keys():
        X, y = bunch["data"], bunch["target"]
    elif isinstance(bunch, tuple) and len(bunch) == 2:
        X, y = bunch
    else:
        raise DataError(
            name,
            found=f"a loader that returns a value of type {type(bunch).__name__}",
            expected="a scikit-learn bunch with data and target, or X and y",
            next_step="wrap the loader in a function that returns X and y",
        )
    whole = Split(X, y, *(of(bunch) if callable(of) else of for of in (groups, ids, columns)))
    return replace(
        parted(name, whole, rule, seed), about=_about(bunch, whole.y) if isinstance(bunch, Mapping) else About()
    )


def parted(where: str, whole: Split, rule: Rule, seed: int) -> Loaded:
    """Examples that come as one, with a test split as by `drawing.draw`, or in folds as by `CrossValidation.deal`.

    Args:
        where: what an error calls the dataset.
        whole: all examples.
        rule: share of the examples in the test split, or their number; or the cross-validation.
        seed: of the draw.

    Raises:
        DataError: if they can't be parted so.
    """
    if isinstance(rule, CrossValidation):
        return rule.deal(where, whole, seed)
    return Loaded(*draw(where, whole, test_size=rule, seed=seed))


def openml_splits(
    name: str, version: int, *, groups: Of = None, columns: Columns = (), ids: Of = None, rule: Rule, seed: int
) -> Loaded:
    """A dataset of OpenML by name and version, kept in the user's cache, and parted as by `sklearn_splits`.

    Raises:
        DataError: if OpenML can't be reached or does not know it (see `openml.fetch`), or its data can't be split so.
    """
    where = f"OpenML {name} version {version}"
    bunch = fetch(name, version)
    loaded = sklearn_splits(lambda: bunch, where, groups=groups, columns=columns, ids=ids, rule=rule, seed=seed)
    about = About(source=f"OpenML, {name}, version {version}", licence=bunch.get("details", {}).get("licence", ""))
    return replace(loaded, about=about.over(loaded.about))


def idx_splits(directory: Path, files: tuple[str, str, str, str] = IDX_FILES) -> Loaded:
    """Images of any one size and their labels, from four IDX files, raw or gzipped.

    Args:
        directory: where they are.
        files: their names: train images, train labels, test images, test labels.

    Returns:
        X uint8 `(n, height * width)`, row-major; y uint8 `(n,)`; `image_shape` (height, width).

    Raises:
        DataError: if a file is missing, damaged, or does not fit the others.
    """
    train_images, train_labels, test_images, test_labels = (find_idx(directory, name) for name in files)
    train, shape = _images(train_images, train_labels)
    test, test_shape = _images(test_images, test_labels)
    if test_shape != shape:
        raise DataError(
            test_images,
            found=f"images of {_pixels(test_shape)}",
            expected=f"{_pixels(shape)}, as in {train_images.name}",
            next_step="resize them",
        )
    return Loaded(train, test, About(image_shape=shape))


def _images(images: Path, labels: Path) -> tuple[Split, tuple[int, ...]]:
    X, y = read_idx(images, 3), read_idx(labels, 1)
    if not len(X):
        raise DataError(images, found="no images", expected="at least one", next_step="check the file")
    if len(X) != len(y):
        raise DataError(
            labels,
            found=f"{len(y):,} labels for {len(X):,} images",
            expected="one label for each image",
            next_step="check that both files belong to the same split",
        )
    return Split(X.reshape(len(X), -1), y), X.shape[1:]


def _pixels(shape: tuple[int, ...]) -> str:
    return f"{' x '.join(map(str, shape))} pixels"


def _about(bunch: Mapping[str, Any], y: Any) -> About:
    """What a bunch says of itself. Its `target_names` name the classes or outputs, or else the column that y was."""
    outputs = y.shape[1] if y.ndim == 2 else len(np.unique(y))
    names = tuple(str(name) for name in bunch.get("target_names", ()))
    images = bunch.get("images", None)
    title = next((line for line in map(str.strip, bunch.get("DESCR", "").splitlines()) if line and line[0] != "."), "")
    return About(
        class_names=names if len(names) == outputs else (),
        image_shape=images.shape[1:] if images is not None else None,
        source=title,
    )
