"""Training the network: one compiled program an epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from models.cnn.network import Network


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: peak of the one-cycle schedule (L. N. Smith and N. Topin, arXiv 1708.07120).
        weight_decay: AdamW's (I. Loshchilov and F. Hutter, arXiv 1711.05101).
        shift: each batch is moved by up to so many pixels, both ways, at random.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    shift: int


class Result(NamedTuple):
    """What training gives: the parameters, the mean loss of each epoch, and the seconds that compilation took."""

    parameters: Any
    losses: list[float]
    compile_seconds: float


def pixels(images: jax.Array, side: int) -> jax.Array:
    """Float32 `(n, side, side)` from 0 to 1, of uint8 or float `(n, side * side)` from 0 to 255."""
    return images.astype(jnp.float32).reshape(-1, side, side) / 255


def train(
    network: Network,
    images: NDArray[Any],
    classes: NDArray[np.int32],
    recipe: Recipe,
    seed: int,
    report: Callable[[int, float], None],
) -> Result:
    """Fit a network by the cross-entropy of its logits.

    Args:
        network: with its initial parameters; not changed.
        images: `(n, side * side)`, from 0 to 255.
        classes: int32 `(n,)`, index of each image's class.
        recipe: how to train.
        seed: of the order of the images, of shifts and dropout.
        report: told the index and the mean loss of each epoch that ended.
    """
    n, side = len(images), round(images.shape[1] ** 0.5)
    batch = min(recipe.batch_size, n)
    steps = -(-n // batch)
    graph, parameters, rest = nnx.split(network, nnx.Param, ...)  # type: ignore[misc]
    schedule = optax.cosine_onecycle_schedule(
        steps * recipe.epochs, recipe.learning_rate, pct_start=0.25, div_factor=10, final_div_factor=100
    )
    optimizer = optax.adamw(schedule, b2=0.99, weight_decay=recipe.weight_decay)

    def loss(parameters: Any, x: jax.Array, labels: jax.Array, key: jax.Array) -> jax.Array:
        shift_key, dropout_key = jax.random.split(key)
        x = shifted(pixels(x, side), recipe.shift, shift_key)
        logits = nnx.merge(graph, parameters, rest)(x, dropout_key=dropout_key)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def epoch(state: Any, images: jax.Array, classes: jax.Array, key: jax.Array) -> tuple[Any, jax.Array]:
        def step(state: Any, chosen: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
            parameters, optimizer_state = state
            index, key = chosen
            value, gradient = jax.value_and_grad(loss)(parameters, images[index], classes[index], key)
            updates, optimizer_state = optimizer.update(gradient, optimizer_state, parameters)
            return (optax.apply_updates(parameters, updates), optimizer_state), value

        order_key, step_key = jax.random.split(key)
        # Every image at least once: the last batch is filled up from the front of the order.
        order = jnp.resize(jax.random.permutation(order_key, n), (steps, batch))
        state, losses = jax.lax.scan(step, state, (order, jax.random.split(step_key, steps)))
        return state, losses.mean()

    state = (parameters, optimizer.init(parameters))
    data = (jnp.asarray(images), jnp.asarray(classes))
    key = jax.random.key(seed)
    started = time.perf_counter()
    program = jax.jit(epoch, donate_argnums=0).lower(state, *data, key).compile()
    compile_seconds = time.perf_counter() - started

    losses = []
    state = jax.tree.map(jnp.copy, state)  # the caller's network keeps its own buffers
    for index in range(recipe.epochs):
        state, mean_loss = program(state, *data, jax.random.fold_in(key, index))
        losses.append(float(mean_loss))
        report(index, losses[-1])
    return Result(jax.block_until_ready(state[0]), losses, compile_seconds)


def shifted(x: jax.Array, reach: int, key: jax.Array) -> jax.Array:
    """A batch `(n, side, side)` moved as one by up to `reach` pixels each way, filled with background."""
    if not reach:
        return x
    corner = jax.random.randint(key, (2,), 0, 2 * reach + 1)
    padded = jnp.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    return jax.lax.dynamic_slice(padded, (0, corner[0], corner[1]), x.shape)
