"""jax.export: networks as JAX exports them, served by JAX and NumPy alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.engines.artefact import pack, unpack
from fitgate.engines.engine import NotServed
from fitgate.protocols import Exports, KnowsClasses, offered

PLATFORMS = ("cpu", "cuda", "tpu")
# Others may call whatever is in the process, at addresses that they bring: https://docs.jax.dev/en/latest/export
CALLED = frozenset({"shape_assertion"})
ON_CPU = 128  # examples at a time: the convolutions of XLA on CPUs take two to forty times as long each over a thousand
CALL = re.compile(r"custom_call\s*(?:@|\(?\s*call_target_name\s*=\s*)?\"?([\w.]+)")


def convert(estimator: Any, X: Any) -> bytes:
    """What an estimator exports for examples of X's type, on any platform, with the labels of its classes.

    Raises:
        NotServed: if it exports nothing.
    """
    exports, knows = offered(estimator, Exports), offered(estimator, KnowsClasses)
    if exports is None or knows is None:
        raise NotServed("it has no `export` and `classes_`, as `fitgate.protocols.Exports` describes them")
    return pack(exports.export(X.dtype, PLATFORMS), classes=np.asarray(knows.classes_))


def load(content: bytes) -> Exported:
    """What predicts by it. Each number of examples is compiled when it first comes.

    Raises:
        NotServed: if the network calls what is not its own.
        ValueError: if it is nothing of the kind.
    """
    import jax
    from jax import export

    network, arrays = unpack(content)
    exported = export.deserialize(bytearray(network))
    if others := sorted(set(CALL.findall(exported.mlir_module())) - CALLED):
        raise NotServed(f"it calls {', '.join(others)}, which is not in the network itself")
    most = ON_CPU if jax.default_backend() == "cpu" else None
    return Exported(jax.jit(exported.call), arrays["classes"], most)


class Exported:
    """An exported network, as the classifier that it was made from.

    Args:
        network: from examples `(n, features)` to logits `(n, classes)`, float32.
        classes: their labels.
        most: examples that it computes at a time; None for any number.
    """

    def __init__(self, network: Callable[[Any], Any], classes: NDArray[Any], most: int | None = None):
        self._network, self.classes_, self._most = network, classes, most

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each example, `(n,)`."""
        return np.asarray(self.classes_[self._logits(X).argmax(axis=1)])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Probabilities of the classes, float32 `(n, classes)`."""
        logits = self._logits(X)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    def _logits(self, X: ArrayLike) -> NDArray[np.float32]:
        X = np.asarray(X)
        if self._most is None or len(X) <= self._most:
            return np.asarray(self._network(X))
        parts = [self._network(X[i : i + self._most]) for i in range(0, len(X), self._most)]
        return np.concatenate([np.asarray(part) for part in parts])
