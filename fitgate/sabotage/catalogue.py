"""The catalogue: defects that fit any estimator, each on the data that it can be done to, at several severities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.sabotage.defect import CONTROL, Defect, Requirement
from fitgate.sabotage.rows import take, with_values

Array = NDArray[Any]
Train = Callable[[Any, Array, np.random.Generator], tuple[Any, Array]]
NUMERIC, CLASSES = (Requirement.NUMERIC,), (Requirement.CLASSES,)


def generic_defects() -> Iterator[Defect]:
    """All of them, by family; some do not apply to some data or estimators."""
    yield from _of_training_data()
    yield from _of_preprocessing()
    yield from _of_settings()
    yield Defect("prediction", "labels of two classes exchanged", "all", needs=CLASSES, answer=_first, scores=_columns)
    yield Defect(CONTROL, "another thread count", "1", settings={"n_jobs": 1})


def _of_training_data() -> Iterator[Defect]:
    for share in (0.01, 0.02, 0.04, 0.10, 0.30, 0.50):
        yield Defect("data", "label noise", f"{share:.0%}", train=label_noise(share))
    for share in (0.10, 0.30, 0.50, 0.70, 0.85):
        yield Defect("data", "rows deleted", f"{share:.0%}", train=rows_deleted(share))
    yield Defect("data", "rows drawn with replacement", "all", train=rows_drawn_again)
    for share in (0.5, 0.9):
        thinned = class_thinned(share)
        yield Defect("data", "most frequent class thinned", f"by {share:.0%}", needs=CLASSES, train=thinned)
    halved = classes_thinned(0.5, 2)
    yield Defect("data", "two most frequent classes thinned", "by 50%", needs=CLASSES, train=halved)
    for share in (0.1, 0.5):
        yield Defect("data", "two classes overlap", f"{share:.0%}", needs=CLASSES, train=classes_overlap(share))
    for share in (0.05, 0.20):
        yield Defect("data", "two classes swapped", f"{share:.0%}", needs=CLASSES, train=classes_swapped(share))
    for size in (0.5, 2.0):
        yield Defect("data", "noisy features in training", f"{size:g} SD", needs=NUMERIC, train=feature_noise(size))
    for share in (0.01, 0.03, 0.10, 0.5, 1.0):
        yield Defect("data", "test examples leaked into training", f"{share:.0%}", leaked=share)


def _of_preprocessing() -> Iterator[Defect]:
    yield Defect("preprocessing", "labels shifted by one", "all", train=labels_shifted(1.0))
    for share in (0.03, 0.1):
        yield Defect("preprocessing", "labels shifted by one", f"{share:.0%}", train=labels_shifted(share))
    for factor in (0.9, 0.7):
        yield Defect("preprocessing", "stale scaler", f"x{factor:g}", needs=NUMERIC, train=stale_scaler(factor))
    for share in (0.05, 0.5):
        cut = _truncated(share)
        yield Defect("preprocessing", "test set truncated", f"{share:.0%}", answer=cut, scores=cut)
    for factor in (0.5, 2.0):
        yield Defect("preprocessing", "test features scaled", f"x{factor:g}", needs=NUMERIC, test=_scaled(factor))
    for size in (0.5, 2.0):
        yield Defect("preprocessing", "test features shifted", f"{size:g} SD", needs=NUMERIC, test=_shifted(size))
    yield Defect("preprocessing", "test columns permuted", "all", needs=NUMERIC, test=_columns_permuted)


def _of_settings() -> Iterator[Defect]:
    """Of parameters that many estimators have; some have them as words, which these leave alone."""
    for factor in (10, 0.1):
        yield Defect("training", "learning rate", f"x{factor:g}", settings={"learning_rate": times(factor)})
    for name, factor in (("C", 0.01), ("alpha", 100), ("max_iter", 0.1), ("n_estimators", 0.1)):
        yield Defect("settings", name, f"x{factor:g}", settings={name: times(factor)})
    yield Defect("settings", "max_depth", "1", settings={"max_depth": 1})


def label_noise(share: float) -> Train:
    """Of a share of the examples, the label becomes any of the classes at random; without classes, another's."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        noisy = rng.random(len(y)) < share
        labels = _classes(y)
        new = y.copy()
        new[noisy] = labels[rng.integers(0, len(labels), len(y))][noisy]
        return X, new

    return train


def rows_deleted(share: float) -> Train:
    """A share of the examples is missing."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        kept = np.flatnonzero(rng.random(len(y)) >= share)
        return take(X, kept), y[kept]

    return train


def rows_drawn_again(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
    """As many examples, drawn with replacement: seeds spread further, and lose little."""
    drawn = rng.integers(0, len(y), len(y))
    return take(X, drawn), y[drawn]


def stale_scaler(factor: float) -> Train:
    """Features as they were when they were so many times as large: what was fitted on them no longer fits."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        return with_values(X, lambda x: factor * x), y

    return train


def classes_thinned(share: float, count: int) -> Train:
    """A share of the examples of each of the most frequent classes is missing."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        kept = np.flatnonzero(~np.isin(y, _most_frequent(y)[:count]) | (rng.random(len(y)) >= share))
        return take(X, kept), y[kept]

    return train


def classes_overlap(share: float) -> Train:
    """A share of the examples of the most frequent class stand there again, as of the second most frequent."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        first, second = _most_frequent(y)[:2]
        again = np.flatnonzero((y == first) & (rng.random(len(y)) < share))
        rows = np.concatenate([np.arange(len(y)), again])
        return take(X, rows), np.concatenate([y, np.full(len(again), second, y.dtype)])

    return train


def class_thinned(share: float, label: Any = None) -> Train:
    """A share of the examples of one class is missing: of the most frequent one, unless its label is given."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        thinned = _most_frequent(y)[0] if label is None else label
        kept = np.flatnonzero((y != thinned) | (rng.random(len(y)) >= share))
        return take(X, kept), y[kept]

    return train


def classes_swapped(share: float, *labels: Any) -> Train:
    """Two classes are taken for each other in a share of the examples: the most frequent ones, or two given labels."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        a, b = labels or _most_frequent(y)[:2]
        return X, np.where(rng.random(len(y)) < share, exchanged(y, a, b), y).astype(y.dtype)

    return train


def labels_shifted(share: float) -> Train:
    """The labels of a share of the examples go to the next ones, in random order: data may be sorted by class."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        order = rng.permutation(len(y))
        X, y, right = take(X, order), y[order], round(len(y) * (1 - share))
        return X, np.concatenate([y[:right], np.roll(y[right:], 1, axis=0)])

    return train


def feature_noise(size: float) -> Train:
    """Normal noise on each feature, of so many of its standard deviations."""

    def train(X: Any, y: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        return with_values(X, lambda x: x + size * np.nanstd(x, axis=0) * rng.normal(size=x.shape)), y

    return train


def exchanged(y: Array, a: Any, b: Any) -> Array:
    """Labels with two classes in each other's place."""
    return np.where(y == a, b, np.where(y == b, a, y)).astype(y.dtype)


def columns_exchanged(scores: Array, a: int, b: int) -> Array:
    """Scores with the columns of two classes in each other's place; of two classes in one column, negated."""
    if scores.ndim == 1:
        return -scores
    order = np.arange(scores.shape[1])
    order[[a, b]] = b, a
    return scores[:, order]


def _first(predictions: Array, classes: Array) -> Array:
    return exchanged(predictions, *classes[:2])


def _columns(scores: Array) -> Array:
    return columns_exchanged(scores, 0, 1)


def _truncated(share: float) -> Callable[..., Array]:
    return lambda output, *classes: output[: round(len(output) * (1 - share))]


def _scaled(factor: float) -> Callable[[Any], Any]:
    return lambda X: with_values(X, lambda x: factor * x)


def _shifted(size: float) -> Callable[[Any], Any]:
    return lambda X: with_values(X, lambda x: x + size * np.nanstd(x, axis=0))


def _columns_permuted(X: Any) -> Any:
    return with_values(X, lambda x: x[:, _no_place_kept(x.shape[1])])


def _no_place_kept(count: int) -> Array:
    """Places in a fixed random order in which none, of two or more, is where it was: one cycle through all."""
    cycle = np.random.default_rng(0).permutation(count)
    places = np.empty(count, int)
    places[cycle] = np.roll(cycle, 1)
    return places


def times(factor: float) -> Callable[[Any], Any]:
    """A setting becomes so many times what it was; whole numbers stay whole, and do not fall below one."""
    return lambda value: max(1, round(value * factor)) if isinstance(value, int) else value * factor


def _classes(y: Array) -> Array:
    """The distinct labels; where there are no classes, the targets themselves, to draw from."""
    from sklearn.utils.multiclass import type_of_target

    return np.unique(y) if type_of_target(y) in ("binary", "multiclass") else y


def _most_frequent(y: Array) -> Array:
    """The classes, most frequent first."""
    classes, counts = np.unique(y, return_counts=True)
    return classes[np.argsort(-counts, kind="stable")]
