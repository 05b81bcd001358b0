"""Weak slices: parts of a table in which a model is wrong more often, that nobody named.

A small decision tree over the errors is grown on one half of the test split, and its leaves are counted on the other,
so that the search makes no slice worse than it is. The p-values are Holm's over all leaves of all models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from fitgate.data import Split, slices_of
from fitgate.data.errors import DataError
from fitgate.data.split import is_frame
from fitgate.gates.evidence import group_codes
from fitgate.metrics import right
from fitgate.record.entries import WeakSlice
from fitgate.record.record import Record
from fitgate.statistics import holm
from fitgate.tasks import CLASSES
from fitgate.text import NAME, shown

LEVEL = 0.01  # of all of a session's together
LEAST = 200  # examples of a test split, and
LEAST_OF_LEAF = 20  # of a half of a slice
DEEP = 3  # conditions of a slice
MOST_ROWS, MOST_COLUMNS, MOST_VALUES = 10_000, 300, 10  # of what a tree is grown on, the last of a column of text
Array = NDArray[Any]


class Feature(NamedTuple):
    """A column as a tree reads it.

    Attributes:
        name: of the column.
        values: float `(n,)`.
        value: of text, whose presence the values tell; None of numbers.
    """

    name: str
    values: NDArray[np.float64]
    value: str | None = None


def weak_slices(record: Record, split_of: Callable[[str], Split]) -> list[WeakSlice]:
    """The slices in which models are surely wrong more often than elsewhere, those of the lowest p-value first.

    They are looked for on tasks of classes, in tables with named columns, of one test split.

    Args:
        record: of a run.
        split_of: from a task's name to the test split.
    """
    counted = [
        one
        for task in record.tasks
        if task.kind in CLASSES and task.target.ndim == 1 and record.folds(task.name) is None
        for e in record.evaluations
        if e.task == task.name and len(task.target) >= LEAST
        for one in _counted(e.model, task.name, ~right(task.target, e.predictions), split_of(task.name))
    ]
    adjusted = zip(counted, holm([one.p_value for one in counted]).tolist(), strict=True)
    found = [structs.replace(one, p_value=p_value) for one, p_value in adjusted if p_value < LEVEL]
    return sorted(found, key=lambda one: one.p_value)


def _counted(model: str, task: str, wrong: NDArray[np.bool_], split: Split) -> Iterator[WeakSlice]:
    """The slices that a tree names, as the half that it was not grown on counts them; p-values are not adjusted."""
    features = list(_features(split))
    groups = group_codes(split.groups)
    own = np.arange(len(wrong)) if groups is None else groups
    first = (np.random.default_rng(0).permutation(int(own.max()) + 1) % 2 == 0)[own]  # groups stay together
    grown, other = np.flatnonzero(first)[:MOST_ROWS], np.flatnonzero(~first)
    if not 0 < len(features) <= MOST_COLUMNS or len(set(wrong[grown].tolist())) < 2 or not len(other):
        return
    X = np.column_stack([feature.values for feature in features])
    for rule, inside in _leaves(features, X[grown], wrong[grown], X[other]):
        n, k, every = int(inside.sum()), int(wrong[other][inside].sum()), int(wrong[other].sum())
        if LEAST_OF_LEAF <= n < len(other):
            p_value = _p_value(inside, wrong[other], None if groups is None else groups[other])
            yield WeakSlice(model, task, rule, n, k, len(other) - n, every - k, p_value)


def _leaves(
    features: Sequence[Feature], X: Array, wrong: Array, other: Array
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The leaves of a tree that have more errors than all examples, in words, and which others are in them."""
    from sklearn.tree import DecisionTreeClassifier

    least = max(LEAST_OF_LEAF, len(X) // 50)
    estimator = DecisionTreeClassifier(max_depth=DEEP, min_samples_leaf=least, random_state=0).fit(X, wrong)
    tree = estimator.tree_
    places = estimator.apply(other)
    leaf_of = estimator.apply(X)

    def walk(node: int, path: list[tuple[int, float, bool]]) -> Iterator[tuple[int, list[tuple[int, float, bool]]]]:
        if tree.children_left[node] == -1:
            yield node, path
            return
        step = (int(tree.feature[node]), float(tree.threshold[node]))
        yield from walk(int(tree.children_left[node]), [*path, (*step, False)])
        yield from walk(int(tree.children_right[node]), [*path, (*step, True)])

    for leaf, path in walk(0, []):
        if path and wrong[leaf_of == leaf].mean() > wrong.mean():
            yield _in_words(features, path), places == leaf


def _in_words(features: Sequence[Feature], path: Sequence[tuple[int, float, bool]]) -> str:
    """A path from the root as conditions, as `age > 40 and country is FR`."""
    bounds: dict[int, list[float]] = {}
    for i, threshold, above in path:
        low, high = bounds.get(i, [-math.inf, math.inf])
        bounds[i] = [max(low, threshold), high] if above else [low, min(high, threshold)]
    parts = []
    for i, (low, high) in bounds.items():
        feature = features[i]
        if feature.value is not None:
            parts.append(f"{feature.name} is {'' if low > 0 else 'not '}{feature.value}")
        elif math.isinf(low):
            parts.append(f"{feature.name} <= {high:.4g}")
        else:
            parts.append(f"{feature.name} > {low:.4g}" + ("" if math.isinf(high) else f" and <= {high:.4g}"))
    return " and ".join(parts)


def _features(split: Split) -> Iterator[Feature]:
    """The columns of a table, and those beside it, as numbers: of text, whether it is each of the most frequent."""
    if not is_frame(split.X):
        return
    columns = {**{str(name): split.X.iloc[:, i] for i, name in enumerate(split.X.columns)}, **split.beside}
    for name, column in list(columns.items())[:MOST_COLUMNS]:
        label, values = shown(name, NAME), np.asarray(column)
        if values.dtype.kind in "biuf":
            numbers = values.astype(np.float64)
            finite = np.isfinite(numbers)
            if finite.any():
                yield Feature(label, np.where(finite, numbers, np.median(numbers[finite])))
            if not finite.all():
                yield Feature(label, (~finite).astype(np.float64), "missing")
            continue
        try:
            slices = slices_of(Split(split.X.iloc[:, :0], np.zeros(len(split)), columns={name: values}), name)
        except DataError:  # of many values, such as names
            continue
        counts = np.bincount(slices.places, minlength=len(slices.names))
        for i in np.argsort(-counts, kind="stable")[:MOST_VALUES]:
            yield Feature(label, (slices.places == i).astype(np.float64), slices.names[i])


def _p_value(inside: NDArray[np.bool_], wrong: NDArray[np.bool_], groups: Array | None) -> float:
    """One-sided, that examples inside are no more often wrong: Fisher's exact test, or Student's t over groups."""
    from scipy.stats import hypergeom, t

    if groups is None:
        return float(hypergeom.sf(int(wrong[inside].sum()) - 1, len(wrong), int(wrong.sum()), int(inside.sum())))
    beyond = np.bincount(groups[inside], wrong[inside] - wrong.mean())
    beyond = beyond[np.bincount(groups[inside]) > 0]
    error = math.sqrt(float((beyond**2).sum()))
    return float(t.sf(beyond.sum() / error, len(beyond) - 1)) if error and len(beyond) > 1 else 1.0
