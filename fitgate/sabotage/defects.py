"""Defects: what can be wrong with data, preprocessing, training and settings, at several severities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data import Split

Array = NDArray[Any]
ALL = ("sgd", "forest", "svc", "knn", "cnn")
SEEDED = ("sgd", "forest", "cnn")


@dataclass(frozen=True)
class Defect:
    """A way to spoil a model without its harness's knowing.

    Attributes:
        family: `data`, `preprocessing`, `model`, `training` or `classical`.
        name: what is wrong.
        severity: how much of it.
        models: names of those that it applies to.
        train: from training images, labels and a generator, to what the estimator is fitted on.
        test: from the images that are to be predicted to those that the estimator gets to see.
        answer: from its predictions to those that it gives.
        settings: parameters that its estimator is set to; numbers may be functions of what they were.
        code: while it is open, the code itself is wrong.
        spoil: what is done to the fitted estimator.
        leaked: the share of the test examples that it is trained on as well.
    """

    family: str
    name: str
    severity: str
    models: tuple[str, ...] = ALL
    train: Callable[[Array, Array, np.random.Generator], tuple[Array, Array]] = field(
        default=lambda x, y, rng: (x, y), repr=False
    )
    test: Callable[[Array], Array] = field(default=lambda x: x, repr=False)
    answer: Callable[[Array], Array] = field(default=lambda y: y, repr=False)
    settings: dict[str, Any] = field(default_factory=dict, repr=False)
    code: Callable[[], AbstractContextManager[Any]] = field(default=nullcontext, repr=False)
    spoil: Callable[[Any], None] = field(default=lambda estimator: None, repr=False)
    leaked: float = 0.0


class Spoiled:
    """An estimator with a defect, and the test split that it may have got hold of."""

    def __init__(self, estimator: Any, defect: Defect, seed: int, test: Split):
        self.estimator = estimator
        self.defect = defect
        self.seed = seed
        self.leak = round(defect.leaked * len(test))
        self.test = test

    def fit(self, X: Array, y: Array) -> Spoiled:
        """Fit the estimator on what the defect leaves of the training data."""
        for name, value in self.defect.settings.items():
            target = _holder(self.estimator, name)
            target.set_params(**{name: value(target.get_params()[name]) if callable(value) else value})
        X, y = self.defect.train(X, y, np.random.default_rng(self.seed))
        X = np.concatenate([X, self.test.images[: self.leak]])
        y = np.concatenate([y, self.test.labels[: self.leak]])
        with self.defect.code():
            self.estimator.fit(X, y)
        self.defect.spoil(self.estimator)
        return self

    def predict(self, X: Array) -> Array:
        """What comes of it."""
        with self.defect.code():
            return self.defect.answer(np.asarray(self.estimator.predict(self.defect.test(X))))


def _holder(estimator: Any, name: str) -> Any:
    """The estimator, or the last step of the pipeline, that has a parameter."""
    return estimator.steps[-1][1] if name not in estimator.get_params() and hasattr(estimator, "steps") else estimator


def defects() -> Iterator[Defect]:
    """All of them, by family."""
    from models.cnn.defects import network_defects

    yield from _data()
    yield from _preprocessing()
    yield from network_defects()
    yield from _training()
    yield from _classical()


def _data() -> Iterator[Defect]:
    for share in (0.01, 0.03, 0.10):
        yield Defect("data", "label noise", f"{share:.0%}", train=_noisy_labels(share))
    for share in (0.10, 0.30, 0.70):
        yield Defect("data", "rows deleted", f"{share:.0%}", train=_fewer(share))
    for share in (0.5, 0.9):
        yield Defect("data", "sevens thinned", f"by {share:.0%}", train=_thinned(7, share))
    for share in (0.05, 0.20):
        yield Defect("data", "4 and 9 swapped", f"{share:.0%}", train=_swapped(4, 9, share))
    yield Defect("data", "unshuffled batches", "by class", ("cnn",), train=_sorted, code=_unshuffled)
    for spread in (32, 96):
        yield Defect("data", "pixel noise in training", f"SD {spread}", train=_noisy_pixels(spread))
    for share in (0.5, 1.0):
        yield Defect("data", "test examples leaked into training", f"{share:.0%}", leaked=share)


def _preprocessing() -> Iterator[Defect]:
    for factor in (2, 8):
        yield Defect("preprocessing", "test images darker", f"1/{factor}", test=_darker(factor))
    yield Defect("preprocessing", "test images inverted", "all", test=lambda x: 255 - x)
    yield Defect("preprocessing", "test images transposed", "all", test=_transposed)
    for pixels in (1, 3):
        yield Defect("preprocessing", "test images moved", f"{pixels} px", test=_moved(pixels))
    yield Defect("preprocessing", "labels shifted by one", "all", train=_shifted_labels(1.0))
    yield Defect("preprocessing", "labels shifted by one", "a tenth", train=_shifted_labels(0.1))
    for share in (0.05, 0.5):
        yield Defect("preprocessing", "test set truncated", f"{share:.0%}", answer=_truncated(share))


def _training() -> Iterator[Defect]:
    for factor in (10, 0.1):
        yield Defect("training", "learning rate", f"x{factor:g}", ("cnn",), settings={"learning_rate": _times(factor)})
    for epochs in (15, 3):
        yield Defect("training", "epochs", f"{epochs} of 30", ("cnn",), settings={"epochs": epochs})
    yield Defect("training", "batch", "x8", ("cnn",), settings={"batch_size": 1_024})


def _classical() -> Iterator[Defect]:
    for k in (20, 50):
        yield Defect("classical", "neighbours", f"{k} of 5", ("knn",), settings={"n_neighbors": k})
    for trees in (20, 5):
        yield Defect("classical", "trees", f"{trees} of 100", ("forest",), settings={"n_estimators": trees})
    yield Defect("classical", "gamma", "auto on raw pixels", ("svc",), _raw, _raw_images, settings={"gamma": "auto"})
    yield Defect("classical", "pixels unscaled", "0 to 255", ("sgd",), _raw, _raw_images, settings={"max_iter": 50})
    for stop in (20, 2):
        yield Defect("classical", "epochs of SGD", str(stop), ("sgd",), settings={"max_iter": stop, "tol": None})
    yield Defect("classical", "label columns swapped", "4 and 9", answer=_exchange(4, 9))


def _noisy_labels(share: float) -> Callable[..., tuple[Array, Array]]:
    def train(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        noisy = rng.random(len(y)) < share
        return x, np.where(noisy, rng.integers(0, 10, len(y)), y).astype(y.dtype)

    return train


def _fewer(share: float) -> Callable[..., tuple[Array, Array]]:
    def train(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        kept = rng.random(len(y)) >= share
        return x[kept], y[kept]

    return train


def _thinned(digit: int, share: float) -> Callable[..., tuple[Array, Array]]:
    def train(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        kept = (y != digit) | (rng.random(len(y)) >= share)
        return x[kept], y[kept]

    return train


def _swapped(a: int, b: int, share: float) -> Callable[..., tuple[Array, Array]]:
    def train(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        return x, np.where(rng.random(len(y)) < share, _exchange(a, b)(y), y).astype(y.dtype)

    return train


def _exchange(a: int, b: int) -> Callable[[Array], Array]:
    return lambda y: np.where(y == a, b, np.where(y == b, a, y)).astype(y.dtype)


def _sorted(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    order = np.argsort(y, kind="stable")
    return x[order], y[order]


def _unshuffled() -> AbstractContextManager[Any]:
    from models.cnn.defects import in_order

    return in_order()


def _noisy_pixels(spread: float) -> Callable[..., tuple[Array, Array]]:
    def train(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        return np.clip(x + rng.normal(0, spread, x.shape), 0, 255).astype(x.dtype), y

    return train


def _darker(factor: int) -> Callable[[Array], Array]:
    return lambda x: (x // factor).astype(x.dtype)


def _transposed(x: Array) -> Array:
    return x.reshape(-1, 28, 28).swapaxes(1, 2).reshape(x.shape)


def _moved(pixels: int) -> Callable[[Array], Array]:
    return lambda x: np.roll(x.reshape(-1, 28, 28), pixels, axis=2).reshape(x.shape)


def _shifted_labels(share: float) -> Callable[..., tuple[Array, Array]]:
    """In random order, as the labels of neighbours may be the same."""

    def train(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        order = rng.permutation(len(y))
        x, y, right = x[order], y[order], round(len(y) * (1 - share))
        return x, np.concatenate([y[:right], np.roll(y[right:], 1)])

    return train


def _truncated(share: float) -> Callable[[Array], Array]:
    return lambda y: y[: round(len(y) * (1 - share))]


def _raw_images(x: Array) -> Array:
    return x.astype(np.float64) * 255


def _raw(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Pixels that the pipeline's scaling to [0, 1] brings back to [0, 255]."""
    return _raw_images(x), y


def _times(factor: float) -> Callable[[float], float]:
    return lambda value: value * factor
