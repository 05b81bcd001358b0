"""The network as a scikit-learn classifier."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from models.cnn.augment import Distortion
from models.cnn.compilation import Compiled
from models.cnn.devices import Devices
from models.cnn.inference import Inference
from models.cnn.network import Network, initial_variables, operations, smallest_side
from models.cnn.process import is_prepared, prepare_process
from models.cnn.program import Scale
from models.cnn.recipe import Recipe
from models.cnn.schedule import MOST_LOSS, usual_passes
from models.cnn.training import Examples, train


class CNNClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A small convolutional network for grey images, trained by AdamW on a one-cycle schedule.

    Compilation happens ahead of the work, once for each batch shape, and its seconds are kept apart. Progress goes to
    the logger `models.cnn.training`, an epoch a line: `logging.basicConfig(level="INFO")` shows it.

    Args:
        epochs: passes over the training images; None for `usual_passes`.
        hardest: share of them, the hardest, that is shown three times again afterwards; None for `usual_passes`.
        most_loss: times a guess's: images that cost more are taken for mislabelled, and not shown again.
        batch_size: images a training step.
        learning_rate: the schedule's peak.
        weight_decay: of AdamW.
        smoothing: share of a target that all classes have in common.
        dropout: share of the hidden units dropped while training.
        shift: training images are moved by up to so many pixels, a batch at a time, and by no more than an eighth of
            their side.
        distortion: how each training image is bent; None for not at all.
        test_time_shift: predictions are means over the image and its four copies that are moved by so many pixels up,
            down, left and right; 0 for the image alone.
        channels: output channels of each convolution, of which every one halves the image.
        kernels: side of each one's kernel: odd ones are followed by 2x2 max-pooling, even ones have stride 2.
        normalise: whether convolutions are followed by batch normalisation.
        hidden: width of the hidden layer.
        image_shape: height and width of the images, which are alike; None for the square that the features fill.
            Features that fill none are followed by background up to the next one.
        validation_fraction: share of the training images that is held out to tell the accuracy of after each epoch;
            the same ones whatever the `random_state`.
        device: where it trains and predicts: a backend of JAX's, such as `cpu`, or one of its devices, such as `cpu:0`;
            None for all devices of the default backend.
        random_state: the seed of everything random, or what gives one; the same int on the same device and versions
            gives the same network.

    Attributes:
        classes_: the labels, sorted, `(n_classes,)`.
        n_features_in_: pixels of an image.
        loss_curve_: mean cross-entropy, with smoothed labels, of each epoch, then of the hardest images.
        validation_scores_: accuracy on the held-out images after each of these; empty if there were none.
        fit_seconds_: wall time of training, compilation apart.
        compile_seconds_: seconds spent compiling, or fetching what was compiled before, by `fit` and
            `predict[batch size]` and `round_trip[batch size]`.
        compile_saved_seconds_: by the same names, how much longer that took when it was compiled; 0 if it was now.
        device_bytes_: the most of its devices' memory that was in use, all together; None where they do not tell.
        execution_: what it was trained on, and how convolutions are computed there.
    """

    def __init__(
        self,
        epochs: int | None = None,
        hardest: float | None = None,
        most_loss: float = MOST_LOSS,
        batch_size: int = 128,
        learning_rate: float = 1.5e-2,
        weight_decay: float = 0.062,
        smoothing: float = 0.1,
        dropout: float = 0.0,
        shift: int = 1,
        distortion: Distortion | None = None,
        test_time_shift: int = 0,
        channels: tuple[int, ...] = (8, 24),
        kernels: tuple[int, ...] = (5, 4),
        normalise: bool = False,
        hidden: int = 128,
        image_shape: tuple[int, int] | None = None,
        validation_fraction: float = 0.0,
        device: str | None = None,
        random_state: Any = 0,
    ):
        self.epochs = epochs
        self.hardest = hardest
        self.most_loss = most_loss
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.smoothing = smoothing
        self.dropout = dropout
        self.shift = shift
        self.distortion = distortion
        self.test_time_shift = test_time_shift
        self.channels = channels
        self.kernels = kernels
        self.normalise = normalise
        self.hidden = hidden
        self.image_shape = image_shape
        self.validation_fraction = validation_fraction
        self.device = device
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> CNNClassifier:
        """Train the network.

        Args:
            X: images `(n, height * width)`, of any scale: they are standardised by the training images' mean and
                deviation.
            y: labels `(n,)`, of two or more classes.

        Raises:
            ValueError: if the images do not have `image_shape`, the labels are not classes, or `channels` and
                `kernels` are not of one length.
        """
        self._fit([self], X, y, [self._seed()])
        return self

    def fit_seeds(self, X: ArrayLike, y: ArrayLike, seeds: Sequence[int]) -> list[CNNClassifier]:
        """Clones of this estimator, trained with each of several seeds; arguments and errors as for `fit`.

        On an accelerator they train at once, as one program, and are what each gives alone to rounding; on a CPU one
        after the other, compiled once, and are just that.
        """
        fitted = [clone(self).set_params(random_state=seed) for seed in seeds]
        self._fit(fitted, X, y, list(seeds))
        return fitted

    @property
    def fits_seeds_at_once(self) -> bool:
        """Whether `fit_seeds` trains them as one program on this estimator's devices."""
        return Devices.named(self.device).at_once

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The most probable class of each image, `(n,)`."""
        best = self._logits(X).argmax(axis=1)
        return np.asarray(self.classes_[best])

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Probabilities of the classes, float32 `(n, n_classes)`, in the order of `classes_`."""
        logits = self._logits(X)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    def decision_function(self, X: ArrayLike) -> NDArray[np.float32]:
        """Logits `(n, n_classes)`; of two classes the log odds of the second, `(n,)`."""
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def round_trip(self, X: ArrayLike) -> None:
        """What `predict` does but for the network: images go to the devices, and as many numbers come back as logits.

        The time that this takes is that of transfers and of starting a program, within `predict`'s.
        """
        self._logits(X, infer=False)

    def export(self, dtype: DTypeLike = np.uint8, platforms: Sequence[str] | None = None) -> bytes:
        """The trained network for a process that is to answer soon, with JAX and NumPy alone.

        `jax.jit(jax.export.deserialize(exported).call)` is there the function from images `(n, n_features_in_)` to
        logits `(n, n_classes)`, float32, in the order of `classes_`. Each number of images is compiled by itself.

        Args:
            dtype: of the pixels: uint8 or float32.
            platforms: that it is to run on, such as `cpu`, `cuda` and `tpu`; None for that of JAX's default backend.

        Raises:
            ImportError: if `flatbuffers`, by which JAX writes and reads it, is not installed.
        """
        check_is_fitted(self, "variables_")
        prepare = partial(_squared, side=self._scale.side, pad=jnp.pad)
        return self._inference().exported(prepare, self.n_features_in_, dtype, platforms)

    def export_weights(self) -> dict[str, NDArray[Any]]:
        """What it has learned, as named arrays, for `import_weights`; of labels that are numbers or truth values."""
        check_is_fitted(self, "variables_")
        if self.classes_.dtype.kind not in "biuf":
            raise TypeError(f"labels of dtype {self.classes_.dtype} are no weights, expected numbers or truth values")
        leaves, _ = jax.tree_util.tree_flatten_with_path(self.variables_)
        return {
            **{jax.tree_util.keystr(path): leaf for path, leaf in leaves},
            "classes_": self.classes_,
            "scale": np.array(self._scale, np.float64),
            "n_features_in_": np.array(self.n_features_in_),
            "loss_curve_": np.array(self.loss_curve_, np.float64),
            "validation_scores_": np.array(self.validation_scores_, np.float64),
        }

    def import_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Become what `export_weights` was called on, as far as predictions and curves show it.

        Raises:
            KeyError, ValueError: if these are the weights of another network.
        """
        side, mean, deviation = weights["scale"].tolist()
        self._scale = Scale(int(side), mean, deviation)
        self.classes_, self.n_features_in_ = weights["classes_"], int(weights["n_features_in_"])
        devices = Devices.named(self.device)
        _, *shapes = self._graph(self._scale.side, len(self.classes_), devices)
        leaves, tree = jax.tree_util.tree_flatten_with_path(tuple(shapes))
        arrays = [weights[jax.tree_util.keystr(path)] for path, _ in leaves]
        for (path, expected), array in zip(leaves, arrays, strict=True):
            if array.shape != expected.shape:
                name = jax.tree_util.keystr(path)
                raise ValueError(f"{name} of shape {array.shape}, expected {expected.shape}")
        self.variables_ = jax.tree_util.tree_unflatten(tree, arrays)
        self.loss_curve_, self.validation_scores_ = (
            weights[name].tolist() for name in ("loss_curve_", "validation_scores_")
        )
        self.compile_seconds_: dict[str, float] = {}
        self.compile_saved_seconds_: dict[str, float] = {}
        self.execution_ = devices.execution
        self.device_bytes_: int | None = None
        self._inferences: list[Inference] = []

    @property
    def operations_(self) -> int:
        """Floating-point operations of the network's products, for one image."""
        return operations(self._scale.side, len(self.classes_), self.channels, self.kernels, self.hidden)

    def __getstate__(self) -> dict[str, Any]:
        """All but the compiled programs, which belong to this process."""
        state = dict(super().__getstate__())
        if "_inferences" in state:
            state["_inferences"] = []
        return state | {"_prepared": is_prepared()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Where the process that it comes from was prepared, this one is: it is served by as many cores."""
        if state.pop("_prepared", False):
            prepare_process()
        super().__setstate__(state)

    def _fit(self, fitted: Sequence[CNNClassifier], X: ArrayLike, y: ArrayLike, seeds: list[int]) -> None:
        """Train one network for each of the estimators that are to be fitted."""
        images, labels = validate_data(self, X, y, dtype=[np.float32, np.uint8])
        check_classification_targets(labels)
        labels, classes = np.unique(column_or_1d(labels, warn=True), return_inverse=True)
        if len(labels) < 2:
            raise ValueError(f"y has one class, {labels[0]!r}, expected at least two")
        side = self._side(images.shape[1])
        scale = Scale.of(images, side)
        shown, held_out = self._split(Examples(_squared(images, side), classes.astype(np.int32)))
        epochs, again = usual_passes(len(shown.classes))
        recipe = Recipe(
            epochs=self.epochs or epochs,
            hardest=again if self.hardest is None else self.hardest,
            most_loss=self.most_loss,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            smoothing=self.smoothing,
            shift=min(self.shift, _smallest_square(images.shape[1]) // 8),
            distortion=self.distortion,
            test_time_shift=self.test_time_shift,
        )
        devices = Devices.named(self.device)
        graph, *shapes = self._graph(side, len(labels), devices)
        starts = [initial_variables(shapes, seed) for seed in seeds]
        results, programs = train(graph, starts, shown, held_out, scale, recipe, seeds, devices)
        for estimator, result in zip(fitted, results, strict=True):
            estimator.n_features_in_ = images.shape[1]
            if hasattr(self, "feature_names_in_"):
                estimator.feature_names_in_ = self.feature_names_in_
            estimator.classes_ = labels
            estimator._scale = scale
            estimator.variables_ = result.variables
            estimator.loss_curve_ = result.losses
            estimator.validation_scores_ = result.accuracies
            estimator.fit_seconds_ = result.seconds
            estimator.compile_seconds_ = {"fit": sum(program.seconds for program in programs)}
            estimator.compile_saved_seconds_ = {"fit": sum(program.saved_seconds for program in programs)}
            estimator.execution_ = devices.execution
            estimator.device_bytes_ = devices.peak_bytes
            estimator._inferences = []  # one, once it is asked to predict

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))

    def _side(self, features: int) -> int:
        """Pixels a side of the square that the network sees."""
        if len(self.kernels) != len(self.channels):
            raise ValueError(
                f"kernels has {len(self.kernels)} sides, expected one for each of {self.channels} channels"
            )
        if self.image_shape is not None:
            height, width = self.image_shape
            if height != width or height * width != features:
                raise ValueError(f"X has {features} features, expected {height} x {width} of a square image_shape")
        return max(_smallest_square(features), smallest_side(self.kernels))

    def _split(self, examples: Examples) -> tuple[Examples, Examples | None]:
        """What to train on, and what to hold out."""
        if not self.validation_fraction:
            return examples, None
        from sklearn.model_selection import train_test_split

        shown, held_out = train_test_split(
            np.arange(len(examples.classes)),
            test_size=self.validation_fraction,
            stratify=examples.classes,
            random_state=0,
        )
        return Examples(*(array[shown] for array in examples)), Examples(*(array[held_out] for array in examples))

    def _graph(self, side: int, outputs: int, devices: Devices) -> Any:
        """The network's graph, and the shapes of its parameters and statistics; nothing is computed for them."""
        network = partial(
            Network,
            side,
            outputs,
            channels=self.channels,
            kernels=self.kernels,
            hidden=self.hidden,
            dropout=self.dropout,
            normalise=self.normalise,
            fused=devices.fused,
        )
        return nnx.split(nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0))), nnx.Param, ...)

    def _logits(self, X: ArrayLike, infer: bool = True) -> NDArray[np.float32]:
        if not self._is_plain(X):
            check_is_fitted(self, "variables_")
            X = validate_data(self, X, dtype=[np.float32, np.uint8], reset=False)
        return self._inference().logits(_squared(np.asarray(X), self._scale.side), infer)

    def _inference(self) -> Inference:
        """What predicts, made when it is first asked for."""
        if not self._inferences:
            found = Inference(
                lambda devices: self._graph(self._scale.side, len(self.classes_), devices),
                self.variables_,
                self._scale,
                len(self.classes_),
                self.test_time_shift,
                Devices.named(self.device),
                self._note_compiled,
            )
            self._inferences.append(found)
        return self._inferences[0]

    def _is_plain(self, X: ArrayLike) -> bool:
        """Whether scikit-learn's checks, slower than the network on one image, could find nothing: bytes are finite."""
        return (
            type(X) is np.ndarray
            and X.dtype == np.uint8
            and X.ndim == 2
            and len(X) > 0
            and X.shape[1] == self.__dict__.get("n_features_in_")
            and "variables_" in self.__dict__
            and "feature_names_in_" not in self.__dict__
        )

    def _note_compiled(self, name: str, program: Compiled) -> None:
        self.compile_seconds_[name] = program.seconds
        self.compile_saved_seconds_[name] = program.saved_seconds


def _squared(images: Any, side: int, pad: Any = np.pad) -> Any:
    """Images `(n, features)` in the middle of squares of background, `(n, side * side)`; of JAX's by its own `pad`."""
    n, features = images.shape
    if features == side * side:
        return images
    inner = _smallest_square(features)
    filled = pad(images, ((0, 0), (0, inner * inner - features))).reshape(n, inner, inner)
    before = (side - inner) // 2
    around = (before, side - inner - before)
    return pad(filled, ((0, 0), around, around)).reshape(n, side * side)


def _smallest_square(features: int) -> int:
    """Side of the smallest square of so many pixels or more."""
    return math.isqrt(features - 1) + 1
