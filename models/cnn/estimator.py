"""The network as a scikit-learn classifier."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from models.cnn.network import Network, initial_parameters
from models.cnn.training import Recipe, pixels, train

# Predictions are padded to one of these, so that a new number of images does not compile a new program.
BATCH_SIZES = (1, 8, 64, 512)


class CNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A small convolutional network for square grey images, trained by AdamW on a one-cycle schedule.

    Compilation happens ahead of the work, once for each batch shape, and its seconds are kept apart.

    Args:
        epochs: passes over the training images; None for as many as show it 80,000 images, and at least three.
        batch_size: images a training step.
        learning_rate: the schedule's peak.
        weight_decay: of AdamW.
        dropout: share of the hidden units dropped while training.
        shift: training images are moved by up to so many pixels.
        channels: output channels of the two convolutions.
        hidden: width of the hidden layer.
        verbose: whether to print each epoch's loss.
        random_state: int, the seed of everything random; the same seed on the same machine gives the same network.

    Attributes:
        classes_: the labels, sorted, `(n_classes,)`.
        n_features_in_: pixels of an image.
        loss_curve_: mean cross-entropy of each epoch.
        compile_seconds_: seconds spent compiling, by `fit` and `predict[batch size]`.
    """

    def __init__(
        self,
        epochs: int | None = None,
        batch_size: int = 64,
        learning_rate: float = 4e-3,
        weight_decay: float = 1e-4,
        dropout: float = 0.3,
        shift: int = 2,
        channels: tuple[int, int] = (8, 24),
        hidden: int = 128,
        verbose: bool = False,
        random_state: int = 0,
    ):
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.shift = shift
        self.channels = channels
        self.hidden = hidden
        self.verbose = verbose
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> CNNClassifier:
        """Train the network.

        Args:
            X: images from 0 to 255, `(n, side * side)`.
            y: labels `(n,)`, of two or more classes.

        Raises:
            ValueError: if the images are not square, or the labels are not classes.
        """
        images, labels = validate_data(self, X, y, dtype=[np.uint8, np.float32])
        check_classification_targets(labels)
        n, features = images.shape
        side = round(features**0.5)
        if side * side != features:
            raise ValueError(f"X has {features} features, expected the pixels of a square image")
        self.classes_, classes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}, expected at least two")
        recipe = Recipe(
            epochs=self.epochs or max(3, -(-80_000 // n)),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            shift=self.shift,
        )
        graph, shapes = self._graph(side)
        parameters = initial_parameters(shapes, self.random_state)
        result = train(graph, parameters, images, classes.astype(np.int32), recipe, self.random_state, self._report)
        self.loss_curve_ = result.losses
        self.compile_seconds_ = {"fit": result.compile_seconds}
        # As NumPy arrays, so that a fitted estimator pickles without JAX's devices.
        self.parameters_ = jax.tree.map(np.asarray, result.parameters)
        self._programs: dict[tuple[int, str], Any] = {}
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each image, `(n,)`."""
        return np.asarray(self.classes_[self._logits(X).argmax(axis=1)])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Probabilities of the classes, float32 `(n, n_classes)`, in the order of `classes_`."""
        logits = self._logits(X)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:
        """Logits `(n, n_classes)`; of two classes the log odds of the second, `(n,)`."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if "_programs" in state:
            state["_programs"] = {}  # compiled programs belong to this process
        return state

    def _graph(self, side: int) -> tuple[Any, Any]:
        """The network's graph and the shapes of its parameters; nothing is computed or compiled for them."""
        network = partial(
            Network,
            side,
            len(self.classes_),
            channels=self.channels,
            hidden=self.hidden,
            dropout=self.dropout,
            # The one place that decides: XLA's own convolutions are slow on CPUs only.
            fused=jax.default_backend() == "cpu",
        )
        return nnx.split(nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0))))

    def _report(self, epoch: int, loss: float) -> None:
        if self.verbose:
            print(f"epoch {epoch + 1}: loss {loss:.4f}", flush=True)

    def _logits(self, X: ArrayLike) -> NDArray[np.float32]:
        check_is_fitted(self)
        images = validate_data(self, X, dtype=[np.uint8, np.float32], reset=False)
        logits, largest = [], BATCH_SIZES[-1]
        for start in range(0, len(images), largest):
            batch = images[start : start + largest]
            size = next(size for size in BATCH_SIZES if size >= len(batch))
            padded = np.zeros((size, images.shape[1]), images.dtype)
            padded[: len(batch)] = batch
            logits.append(np.asarray(self._program(size, images.dtype)(padded))[: len(batch)])
        return np.concatenate(logits)

    def _program(self, size: int, dtype: np.dtype[Any]) -> Any:
        """The compiled map from `size` images to logits, its parameters already on the device."""
        key = (size, dtype.name)
        if key not in self._programs:
            started = time.perf_counter()
            side = round(self.n_features_in_**0.5)
            graph, _ = self._graph(side)

            def logits(parameters: Any, images: jax.Array) -> jax.Array:
                return nnx.merge(graph, parameters)(pixels(images, side))

            images = jax.ShapeDtypeStruct((size, self.n_features_in_), dtype)
            compiled = jax.jit(logits).lower(self.parameters_, images).compile()
            self.compile_seconds_[f"predict[{size}]"] = time.perf_counter() - started
            parameters = jax.tree.map(jnp.asarray, self.parameters_)
            self._programs[key] = lambda images: compiled(parameters, images)
        return self._programs[key]
