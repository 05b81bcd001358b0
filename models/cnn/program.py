"""The program of training: some steps on one device or several, for one seed or several at once."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import PartitionSpec
from numpy.typing import NDArray

from models.cnn.augment import distorted, shifted
from models.cnn.devices import BATCH, Devices
from models.cnn.recipe import Recipe

CHUNK = 1_000  # images
LARGE = 2**14  # numbers: a leaf of as many is not worth copying into the vector of the small ones


class Scale(NamedTuple):
    """From raw pixels to what the network sees: their side, and the mean and the deviation to standardise by."""

    side: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, images: NDArray[Any], side: int) -> Scale:
        """That of training images `(n, features)`."""
        total = squares = 0.0
        for start in range(0, len(images), CHUNK):  # a copy of all of them as floats would take longer than the sums
            part = images[start : start + CHUNK].astype(np.float32).ravel()
            total += float(part.sum(dtype=np.float64))
            squares += float(np.dot(part, part))
        mean = total / images.size
        return cls(side, mean, math.sqrt(max(squares / images.size - mean**2, 0.0)) or 1.0)

    def raw(self, images: jax.Array) -> jax.Array:
        """Float32 `(n, side, side)`."""
        return images.astype(jnp.float32).reshape(-1, self.side, self.side)

    def standard(self, raw: jax.Array) -> jax.Array:
        """Of mean 0 and variance 1, over the training images."""
        return (raw - self.mean) / self.deviation


class Packing:
    """Parameters as one vector of all small leaves, and the large ones by themselves.

    A step has fewer arrays to send between devices and to update: of small ones the rendezvous is what costs.

    Args:
        parameters: a tree of arrays, or of their shapes.
    """

    def __init__(self, parameters: Any):
        leaves, self._tree = jax.tree.flatten(parameters)
        self._shapes = [leaf.shape for leaf in leaves]
        sizes = [int(np.prod(shape)) for shape in self._shapes]
        self._small = [i for i, size in enumerate(sizes) if size < LARGE]
        self._ends = np.cumsum([sizes[i] for i in self._small])[:-1].tolist()

    def pack(self, tree: Any) -> Any:
        """The tree's numbers, as one vector and the large leaves; NumPy's stay NumPy's, as nothing need be compiled."""
        leaves = jax.tree.leaves(tree)
        concatenate = np.concatenate if isinstance(leaves[0], np.ndarray) else jnp.concatenate
        small = concatenate([leaves[i].reshape(-1) for i in self._small])
        return small, [leaf for i, leaf in enumerate(leaves) if i not in self._small]

    def unpack(self, packed: Any) -> Any:
        """The tree that was packed."""
        vector, large = packed
        small: Any = iter(
            np.split(vector, self._ends) if isinstance(vector, np.ndarray) else jnp.split(vector, self._ends)
        )
        rest = iter(large)
        leaves = [next(small if i in self._small else rest) for i in range(len(self._shapes))]
        return jax.tree.unflatten(
            self._tree, [leaf.reshape(shape) for leaf, shape in zip(leaves, self._shapes, strict=True)]
        )


def learner(
    graph: Any,
    packing: Packing,
    optimizer: optax.GradientTransformation,
    recipe: Recipe,
    scale: Scale,
    devices: Devices,
    together: bool,
) -> Any:
    """The function that is compiled as some steps: from state, images, classes and what was drawn, to state and losses.

    What was drawn are, for each step, the images' positions, their shift and key (`schedule.draw`), and the rate.

    Each device works on its part of a batch, and all take the same step by the mean of their gradients. What is drawn
    for an example follows from its place in the whole batch, so any number of devices gives the same network, but for
    rounding. The losses `(steps, batch)` are each image's own.
    """

    def loss(
        parameters: Any, kept: Any, images: jax.Array, classes: jax.Array, corner: jax.Array, keys: jax.Array
    ) -> tuple[jax.Array, Any]:
        raw = scale.raw(images)
        if recipe.distortion:
            raw = distorted(raw, recipe.distortion, jax.vmap(jax.random.fold_in, (0, None))(keys, 1))
        if recipe.shift:
            raw = shifted(raw, recipe.shift, corner)
        network = nnx.merge(graph, parameters, kept, copy=True)  # statistics are written inside the gradient
        logits = network(scale.standard(raw), dropout_keys=keys)
        targets = optax.smooth_labels(jax.nn.one_hot(classes, logits.shape[1]), recipe.smoothing)
        losses = optax.softmax_cross_entropy(logits, targets)
        return losses.mean(), (nnx.state(network, nnx.Not(nnx.Param)), losses)

    def learn(state: Any, images: jax.Array, classes: jax.Array, drawn: Any) -> tuple[Any, jax.Array]:
        def step(state: Any, drawn: Any) -> tuple[Any, jax.Array]:
            packed, kept, optimizer_state = state
            index, corner, key, rate = drawn
            keys = jax.random.split(jax.random.wrap_key_data(key), len(index) * devices.count)
            keys = jax.lax.dynamic_slice_in_dim(keys, jax.lax.axis_index(BATCH) * len(index), len(index))
            differentiate = jax.grad(loss, has_aux=True)
            gradient, (kept, losses) = differentiate(
                packing.unpack(packed), kept, images[index], classes[index], corner, keys
            )
            gradient = jax.lax.pmean(packing.pack(gradient), BATCH)
            updates, optimizer_state = optimizer.update(gradient, optimizer_state, packed)
            updates = jax.tree.map(lambda update: rate * update, updates)
            return (optax.apply_updates(packed, updates), kept, optimizer_state), losses

        return jax.lax.scan(step, state, drawn)

    everywhere = PartitionSpec()
    order = PartitionSpec(None, None, BATCH) if together else PartitionSpec(None, BATCH)
    return jax.shard_map(
        jax.vmap(learn, in_axes=(0, None, None, 0)) if together else learn,
        mesh=devices.mesh,
        in_specs=(everywhere, everywhere, everywhere, (order, everywhere, everywhere, everywhere)),
        out_specs=(everywhere, order),
        check_vma=False,  # it can't see that the mean over devices is the same on each
    )


def judge(graph: Any, packing: Packing, scale: Scale, recipe: Recipe, together: bool) -> Any:
    """The function from state, images and classes to accuracy."""

    def accuracy(state: Any, images: jax.Array, classes: jax.Array) -> jax.Array:
        network = nnx.merge(graph, packing.unpack(state[0]), state[1])
        return (predict(network, images, scale, recipe.test_time_shift).argmax(axis=1) == classes).mean()

    return jax.vmap(accuracy, in_axes=(0, None, None)) if together else accuracy


def predict(network: Any, images: jax.Array, scale: Scale, shift: int) -> jax.Array:
    """Logits `(n, classes)` of images `(n, side * side)`; with a shift, their mean over five places of each image."""
    raw = scale.raw(images)
    if not shift:
        return network(scale.standard(raw))
    corners = shift + shift * np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])
    return sum(network(scale.standard(shifted(raw, shift, corner))) for corner in corners) / len(corners)
