"""Defects of the digits: what can be wrong with images of them, and with settings of the models that read them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.sabotage import Defect, Requirement
from fitgate.sabotage.catalogue import class_thinned, classes_swapped, columns_exchanged, exchanged
from suite.mnist import IMAGE_SHAPE

Array = NDArray[Any]
IMAGES = (Requirement.IMAGES,)
DIGITS = ("digits",)  # the task whose target is the digit itself


def digit_defects() -> Iterator[Defect]:
    """All of them, by family."""
    yield from _of_training_data()
    yield from _of_test_images()
    yield from _of_settings()


def _of_training_data() -> Iterator[Defect]:
    for share in (0.5, 0.9):
        yield Defect("data", "sevens thinned", f"by {share:.0%}", tasks=DIGITS, train=class_thinned(share, 7))
    for share in (0.05, 0.20):
        yield Defect("data", "4 and 9 swapped", f"{share:.0%}", tasks=DIGITS, train=classes_swapped(share, 4, 9))
    for spread in (32, 96):
        yield Defect("data", "pixel noise in training", f"SD {spread}", needs=IMAGES, train=pixel_noise(spread))


def _of_test_images() -> Iterator[Defect]:
    for factor in (2, 8):
        yield Defect("preprocessing", "test images darker", f"1/{factor}", needs=IMAGES, test=darker(factor))
    yield Defect("preprocessing", "test images inverted", "all", needs=IMAGES, test=inverted)
    yield Defect("preprocessing", "test images transposed", "all", needs=IMAGES, test=transposed)
    for sigma in (0.5, 1.0):
        yield Defect("preprocessing", "test images blurred", f"sigma {sigma:g} px", needs=IMAGES, test=blurred(sigma))
    for degrees in (5, 15):
        yield Defect("preprocessing", "test images turned", f"{degrees} degrees", needs=IMAGES, test=turned(degrees))
    for share in (0.02, 0.1):
        yield Defect("preprocessing", "test pixels permuted", f"{share:.0%}", needs=IMAGES, test=permuted(share))
    for pixels in (1, 3):
        yield Defect("preprocessing", "test images moved", f"{pixels} px", needs=IMAGES, test=moved(pixels))


def _of_settings() -> Iterator[Defect]:
    for k in (20, 50):
        yield Defect("classical", "neighbours", f"{k} of 5", ("knn",), settings={"n_neighbors": k})
    for trees in (20, 5):
        yield Defect("classical", "trees", f"{trees} of 100", ("forest",), settings={"n_estimators": trees})
    raw = partial(Defect, "classical", train=_raw_in_training, test=raw_pixels)
    yield raw("gamma", "auto on raw pixels", ("svc",), settings={"gamma": "auto"})
    yield raw("pixels unscaled", "0 to 255", ("sgd",), settings={"max_iter": 50})
    for stop in (20, 2):
        yield Defect("classical", "epochs of SGD", str(stop), ("sgd",), settings={"max_iter": stop, "tol": None})
    swapped = partial(Defect, answer=_fours_as_nines, scores=_their_columns)
    yield swapped("classical", "label columns swapped", "4 and 9", tasks=DIGITS)


def pixel_noise(spread: float) -> Callable[[Array, Array, np.random.Generator], tuple[Array, Array]]:
    """Normal noise on each pixel, of so many levels of grey."""

    def train(X: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        return np.clip(X + rng.normal(0, spread, X.shape), 0, 255).astype(X.dtype), y

    return train


def darker(factor: int) -> Callable[[Array], Array]:
    """Ink of a fraction of its blackness."""
    return lambda X: (X // factor).astype(X.dtype)


def inverted(X: Array) -> Array:
    """White on black as black on white."""
    return 255 - X


def transposed(X: Array) -> Array:
    """Rows of pixels as columns."""
    return X.reshape(-1, *IMAGE_SHAPE).swapaxes(1, 2).reshape(X.shape)


def blurred(sigma: float) -> Callable[[Array], Array]:
    """By a Gaussian of so many pixels."""

    def blur(X: Array) -> Array:
        from scipy.ndimage import gaussian_filter

        return gaussian_filter(X.reshape(-1, *IMAGE_SHAPE), (0, sigma, sigma)).reshape(X.shape)

    return blur


def turned(degrees: float) -> Callable[[Array], Array]:
    """Against the clock, about the middle."""

    def turn(X: Array) -> Array:
        from scipy.ndimage import rotate

        return rotate(X.reshape(-1, *IMAGE_SHAPE), degrees, axes=(2, 1), reshape=False, order=1).reshape(X.shape)

    return turn


def permuted(share: float) -> Callable[[Array], Array]:
    """A share of the pixels, drawn once, each in the place of the next of them."""

    def permute(X: Array) -> Array:
        chosen = np.random.default_rng(0).permutation(X.shape[1])[: round(share * X.shape[1])]
        moved_on = X.copy()
        moved_on[:, chosen] = X[:, np.roll(chosen, 1)]
        return moved_on

    return permute


def moved(pixels: int) -> Callable[[Array], Array]:
    """To the right; what leaves the image comes in on the left."""
    return lambda X: np.roll(X.reshape(-1, *IMAGE_SHAPE), pixels, axis=2).reshape(X.shape)


def raw_pixels(X: Array) -> Array:
    """Pixels that a pipeline's scaling to [0, 1] brings back to [0, 255]."""
    return X.astype(np.float64) * 255


def _raw_in_training(X: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    return raw_pixels(X), y


def _fours_as_nines(predictions: Array, classes: Array) -> Array:
    return exchanged(predictions, 4, 9)


def _their_columns(scores: Array) -> Array:
    return columns_exchanged(scores, 4, 9)
