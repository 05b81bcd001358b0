"""Training the network: one compiled program an epoch, for one seed or several at once, on one device or several."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import PartitionSpec
from numpy.typing import NDArray

from models.cnn.augment import Distortion, distorted, shifted
from models.cnn.compilation import Compiled, compiled
from models.cnn.devices import BATCH, Devices

PROGRESS = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: peak of the one-cycle schedule (L. N. Smith and N. Topin, arXiv 1708.07120).
        weight_decay: AdamW's (I. Loshchilov and F. Hutter, arXiv 1711.05101).
        shift: each batch is moved by up to so many pixels, both ways, at random.
        distortion: how each image is bent; None for not at all.
        test_time_shift: what is predicted is the mean over an image and its four copies moved by so many pixels.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    shift: int
    distortion: Distortion | None
    test_time_shift: int


class Examples(NamedTuple):
    """Images `(n, side * side)`, uint8 or float32, with their classes, int32 `(n,)`."""

    images: NDArray[Any]
    classes: NDArray[np.int32]


class Scale(NamedTuple):
    """From raw pixels to what the network sees: their side, and the mean and the deviation to standardise by."""

    side: int
    mean: float
    deviation: float

    def raw(self, images: jax.Array) -> jax.Array:
        """Float32 `(n, side, side)`."""
        return images.astype(jnp.float32).reshape(-1, self.side, self.side)

    def standard(self, raw: jax.Array) -> jax.Array:
        """Of mean 0 and variance 1, over the training images."""
        return (raw - self.mean) / self.deviation


class Result(NamedTuple):
    """What training with one seed gives.

    Attributes:
        variables: of the network, its parameters and what else it keeps, NumPy arrays.
        losses: mean cross-entropy of each epoch.
        accuracies: on the held-out examples, after each epoch; empty if there were none.
        seconds: wall time, compilation apart; of seeds that trained at once, an equal share.
    """

    variables: Any
    losses: list[float]
    accuracies: list[float]
    seconds: float


def train(
    graph: Any,
    starts: Sequence[Any],
    examples: Examples,
    held_out: Examples | None,
    scale: Scale,
    recipe: Recipe,
    seeds: Sequence[int],
    devices: Devices,
) -> tuple[list[Result], list[Compiled]]:
    """Fit networks, one a seed, by the cross-entropy of their logits; the results, and the programs.

    An accelerator trains all seeds at once, as one program mapped over them. A CPU is busy with one: there the seeds
    come one after the other, and share what was compiled.

    Args:
        graph: the network's, as `nnx.split` parts it.
        starts: initial parameters and what else the network keeps, for each seed.
        examples: to train on.
        held_out: whose accuracy is told after each epoch; None for no such examples.
        scale: of the pixels.
        recipe: how to train.
        seeds: of the order of the images, of augmentation and dropout.
        devices: where.
    """
    n = len(examples.classes)
    batch = -(-min(recipe.batch_size, n) // devices.count) * devices.count
    steps = -(-n // batch)
    schedule = optax.cosine_onecycle_schedule(
        max(steps * recipe.epochs, 2), recipe.learning_rate, pct_start=0.25, div_factor=10, final_div_factor=100
    )
    optimizer = optax.adamw(schedule, b2=0.99, weight_decay=recipe.weight_decay)
    together = len(seeds) > 1 and devices.at_once

    def begin(group: Sequence[int]) -> Any:
        """The state from which some of the seeds, by their positions, start."""
        states = [(starts[i], optimizer.init(starts[i][0])) for i in group]
        return devices.whole(jax.tree.map(lambda *each: jnp.stack(each), *states) if together else states[0])

    def draw(rngs: Sequence[np.random.Generator]) -> Any:
        """What is drawn for an epoch, on the devices."""
        drawn = [_draw(rng, n, steps, batch, recipe.shift) for rng in rngs]
        order, corners, keys = (np.stack(each) for each in zip(*drawn, strict=True)) if together else drawn[0]
        return devices.split(order, axis=order.ndim - 1), *devices.whole((corners, keys))

    groups = [list(range(len(seeds)))] if together else [[i] for i in range(len(seeds))]
    data = devices.whole(tuple(examples))
    shown = draw([np.random.default_rng(0) for _ in groups[0]])
    first = begin(groups[0])
    learn = compiled(_learner(graph, optimizer, recipe, scale, devices, together), first, *data, shown, donate=(0,))
    programs = [learn]
    if held_out:
        unseen = devices.whole(tuple(held_out))
        judge = compiled(_judge(graph, scale, recipe, together), first[0], *unseen)
        programs.append(judge)

    results = []
    for group in groups:
        started = time.perf_counter()
        state = begin(group)
        rngs = [np.random.default_rng(seeds[i]) for i in group]
        losses: list[NDArray[Any]] = []
        accuracies: list[NDArray[Any]] = []
        for epoch in range(1, recipe.epochs + 1):
            state, loss = learn.call(state, *data, draw(rngs))
            losses.append(np.atleast_1d(loss))
            told = f"loss {losses[-1].mean():.4f}"
            if held_out:
                accuracies.append(np.atleast_1d(judge.call(state[0], *unseen)))
                told += f", validation accuracy {accuracies[-1].mean():.4f}"
            left = (time.perf_counter() - started) / epoch * (recipe.epochs - epoch)
            PROGRESS.info("epoch %d of %d: %s, %.0f s left", epoch, recipe.epochs, told, left)
        variables = jax.tree.map(np.asarray, state[0])
        seconds = (time.perf_counter() - started) / len(group)
        for i in range(len(group)):
            own = jax.tree.map(lambda array, i=i: array[i], variables) if together else variables
            results.append(Result(own, [float(x[i]) for x in losses], [float(x[i]) for x in accuracies], seconds))
    return results, programs


def _learner(
    graph: Any, optimizer: optax.GradientTransformation, recipe: Recipe, scale: Scale, devices: Devices, together: bool
) -> Any:
    """The function that is compiled as an epoch: from state, images, classes and what was drawn, to state and loss.

    Each device works on its part of a batch, and all take the same step by the mean of their gradients. What is drawn
    for an example follows from its place in the whole batch, so any number of devices gives the same network, but for
    rounding.
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
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, classes)
        return losses.mean(), nnx.state(network, nnx.Not(nnx.Param))

    def learn(state: Any, images: jax.Array, classes: jax.Array, drawn: Any) -> tuple[Any, jax.Array]:
        def step(state: Any, drawn: Any) -> tuple[Any, jax.Array]:
            (parameters, kept), optimizer_state = state
            index, corner, key = drawn
            keys = jax.random.split(jax.random.wrap_key_data(key), len(index) * devices.count)
            keys = jax.lax.dynamic_slice_in_dim(keys, jax.lax.axis_index(BATCH) * len(index), len(index))
            differentiate = jax.value_and_grad(loss, has_aux=True)
            (value, kept), gradient = differentiate(parameters, kept, images[index], classes[index], corner, keys)
            value, gradient = jax.lax.pmean((value, gradient), BATCH)
            updates, optimizer_state = optimizer.update(gradient, optimizer_state, parameters)
            return ((optax.apply_updates(parameters, updates), kept), optimizer_state), value

        state, losses = jax.lax.scan(step, state, drawn)
        return state, losses.mean()

    everywhere = PartitionSpec()
    order = PartitionSpec(None, None, BATCH) if together else PartitionSpec(None, BATCH)
    return jax.shard_map(
        jax.vmap(learn, in_axes=(0, None, None, 0)) if together else learn,
        mesh=devices.mesh,
        in_specs=(everywhere, everywhere, everywhere, (order, everywhere, everywhere)),
        out_specs=everywhere,
        check_vma=False,  # it can't see that the mean over devices is the same on each
    )


def _judge(graph: Any, scale: Scale, recipe: Recipe, together: bool) -> Any:
    """The function from variables, images and classes to accuracy."""

    def judge(variables: Any, images: jax.Array, classes: jax.Array) -> jax.Array:
        logits = predict(nnx.merge(graph, *variables), images, scale, recipe.test_time_shift)
        return (logits.argmax(axis=1) == classes).mean()

    return jax.vmap(judge, in_axes=(0, None, None)) if together else judge


def predict(network: Any, images: jax.Array, scale: Scale, shift: int) -> jax.Array:
    """Logits `(n, classes)` of images `(n, side * side)`; with a shift, their mean over five places of each image."""
    raw = scale.raw(images)
    if not shift:
        return network(scale.standard(raw))
    corners = shift + shift * np.array([(0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)])
    return sum(network(scale.standard(shifted(raw, shift, corner))) for corner in corners) / len(corners)


def _draw(rng: np.random.Generator, n: int, steps: int, batch: int, shift: int) -> tuple[NDArray[Any], ...]:
    """An epoch's order of `n` images `(steps, batch)`, its shifts `(steps, 2)` and its keys `(steps, 2)`.

    On the host, where it costs nothing: a sort and random numbers in the program take long to compile. Every image is
    there at least once; the last batch is filled up from the front of the order.
    """
    order = np.resize(rng.permutation(n).astype(np.int32), (steps, batch))
    corners = rng.integers(0, 2 * shift + 1, (steps, 2), np.int32)
    return order, corners, rng.integers(0, 2**32, (steps, 2), np.uint32)
