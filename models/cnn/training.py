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
    graph: Any,
    parameters: Any,
    images: NDArray[Any],
    classes: NDArray[np.int32],
    recipe: Recipe,
    seed: int,
    report: Callable[[int, float], None],
) -> Result:
    """Fit a network by the cross-entropy of its logits.

    Args:
        graph, parameters: the network, as `nnx.split` parts it.
        images: `(n, side * side)`, from 0 to 255.
        classes: int32 `(n,)`, index of each image's class.
        recipe: how to train.
        seed: of the order of the images, of shifts and dropout.
        report: told the index and the mean loss of each epoch that ended.
    """
    n, side = len(images), round(images.shape[1] ** 0.5)
    batch = min(recipe.batch_size, n)
    steps = -(-n // batch)
    schedule = optax.cosine_onecycle_schedule(
        steps * recipe.epochs, recipe.learning_rate, pct_start=0.25, div_factor=10, final_div_factor=100
    )
    optimizer = optax.adamw(schedule, b2=0.99, weight_decay=recipe.weight_decay)

    def loss(parameters: Any, x: jax.Array, labels: jax.Array, corner: jax.Array, key: jax.Array) -> jax.Array:
        logits = nnx.merge(graph, parameters)(shifted(pixels(x, side), recipe.shift, corner), dropout_key=key)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

    def epoch(state: Any, images: jax.Array, classes: jax.Array, plan: Any) -> tuple[Any, jax.Array]:
        def step(state: Any, drawn: Any) -> tuple[Any, jax.Array]:
            parameters, optimizer_state = state
            index, corner, key = drawn
            key = jax.random.wrap_key_data(key)
            value, gradient = jax.value_and_grad(loss)(parameters, images[index], classes[index], corner, key)
            updates, optimizer_state = optimizer.update(gradient, optimizer_state, parameters)
            return (optax.apply_updates(parameters, updates), optimizer_state), value

        state, losses = jax.lax.scan(step, state, plan)
        return state, losses.mean()

    def draw(rng: np.random.Generator) -> tuple[Any, ...]:
        # On the host, where it costs nothing: a sort and random numbers in the program take long to compile.
        # Every image at least once: the last batch is filled up from the front of the order.
        order = np.resize(rng.permutation(n).astype(np.int32), (steps, batch))
        corners = rng.integers(0, 2 * recipe.shift + 1, (steps, 2), np.int32)
        return order, corners, rng.integers(0, 2**32, (steps, 2), np.uint32)

    started = time.perf_counter()
    state = jax.eval_shape(lambda parameters: (parameters, optimizer.init(parameters)), parameters)
    data = (jnp.asarray(images), jnp.asarray(classes))
    program = jax.jit(epoch, donate_argnums=0).lower(state, *data, draw(np.random.default_rng(seed))).compile()
    compile_seconds = time.perf_counter() - started

    losses = []
    rng = np.random.default_rng(seed)
    state = (parameters, optimizer.init(parameters))
    for index in range(recipe.epochs):
        state, mean_loss = program(state, *data, draw(rng))
        losses.append(float(mean_loss))
        report(index, losses[-1])
    return Result(jax.block_until_ready(state[0]), losses, compile_seconds)


def shifted(x: jax.Array, reach: int, corner: jax.Array) -> jax.Array:
    """A batch `(n, side, side)` moved as one, by `reach - corner` pixels down and right, filled with background.

    `corner`, int `(2,)`, is from 0 to `2 * reach`.
    """
    padded = jnp.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    return jax.lax.dynamic_slice(padded, (0, corner[0], corner[1]), x.shape)
