"""Serving: the trained network as JAX exports it, in a process that has JAX and NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate import Engine
from fitgate.engines import pack, unpack


def convert(estimator: Any, X: NDArray[Any]) -> bytes:
    """What `CNNClassifier.export` gives for pixels of the examples' type, with the labels of the classes."""
    return pack(estimator.export(X.dtype), classes=estimator.classes_)


def load(content: bytes) -> Exported:
    """What predicts by it. Each number of images is compiled when it first comes."""
    import jax
    from jax import export

    network, arrays = unpack(content)
    return Exported(jax.jit(export.deserialize(bytearray(network)).call), arrays["classes"])


class Exported:
    """An exported network, as the classifier that it was made from.

    Args:
        network: from images `(n, features)` to logits `(n, classes)`, float32.
        classes: their labels.
    """

    def __init__(self, network: Callable[[Any], Any], classes: NDArray[Any]):
        self._network, self.classes_ = network, classes

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each image, `(n,)`."""
        return np.asarray(self.classes_[self._logits(X).argmax(axis=1)])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Probabilities of the classes, float32 `(n, classes)`."""
        logits = self._logits(X)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    def _logits(self, X: ArrayLike) -> NDArray[np.float32]:
        return np.asarray(self._network(np.asarray(X)))


EXPORT = Engine(
    "jax_export",
    convert,
    load,
    requires=("jax", "flatbuffers"),
    description="jax.export, compiled by XLA where it is loaded",
)
