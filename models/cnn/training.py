"""Training the network: passes over the images by one compiled program, then over the hardest of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from models.cnn.compilation import Compiled, compiled
from models.cnn.devices import Devices
from models.cnn.program import Packing, Scale, draw, judge, learner
from models.cnn.recipe import SHOWINGS, Recipe, hardest, plan

PROGRESS = logging.getLogger(__name__)


class Examples(NamedTuple):
    """Images `(n, side * side)`, uint8 or float32, with their classes, int32 `(n,)`."""

    images: NDArray[Any]
    classes: NDArray[np.int32]


class Result(NamedTuple):
    """What training with one seed gives.

    Attributes:
        variables: of the network, its parameters and what else it keeps, NumPy arrays.
        losses: mean cross-entropy of each pass.
        accuracies: on the held-out examples, after each pass; empty if there were none.
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
        held_out: whose accuracy is told after each pass; None for no such examples.
        scale: of the pixels.
        recipe: how to train.
        seeds: of the order of the images, of augmentation and dropout.
        devices: where.
    """
    n, classes = len(examples.classes), starts[0][0]["dense2"]["bias"].shape[0]
    layout = plan(recipe, n, devices.count)
    optimizer, packing = recipe.optimizer(layout.total), Packing(starts[0][0])
    together = len(seeds) > 1 and devices.at_once
    groups = [list(range(len(seeds)))] if together else [[i] for i in range(len(seeds))]

    def begin(group: Sequence[int]) -> Any:
        """The state from which some of the seeds, by their positions, start."""
        packed = [packing.pack(starts[i][0]) for i in group]
        states = [(vector, starts[i][1], optimizer.init(vector)) for i, vector in zip(group, packed, strict=True)]
        return devices.whole(jax.tree.map(lambda *each: jnp.stack(each), *states) if together else states[0])

    def put(drawn: Sequence[Any], call: int) -> Any:
        """What was drawn for one call of a pass, for each seed, on the devices."""
        steps = slice(call * layout.steps, (call + 1) * layout.steps)
        parts = [[part[steps] for part in of_seed] for of_seed in drawn]
        order, corners, keys = (np.stack(each) for each in zip(*parts, strict=True)) if together else parts[0]
        return devices.split(order, axis=order.ndim - 1), *devices.whole((corners, keys))

    data = devices.whole(tuple(examples))
    shape = layout.steps, layout.batch
    sample = [draw(np.random.default_rng(0), np.arange(n), shape, 0) for _ in groups[0]]
    learn = compiled(
        learner(graph, packing, optimizer, recipe, scale, devices, together),
        begin(groups[0]),
        *data,
        put(sample, 0),
        donate=(0,),
    )
    programs = [learn]
    if held_out:
        unseen = devices.whole(tuple(held_out))
        judging = compiled(judge(graph, packing, scale, recipe, together), begin(groups[0]), *unseen)
        programs.append(judging)

    results = []
    for group in groups:
        started = time.perf_counter()
        state = begin(group)
        rngs = [np.random.default_rng(seeds[i]) for i in group]
        shown, drawn, losses = [np.arange(n) for _ in group], list[Any](), np.empty((0, 0, 0))
        means: list[NDArray[Any]] = []
        accuracies: list[NDArray[Any]] = []
        for number, calls in enumerate(layout.calls, 1):
            if number > recipe.epochs:
                found = (hardest(d[0], x, recipe.hardest, classes, n) for d, x in zip(drawn, losses, strict=True))
                shown = [np.tile(images, SHOWINGS) if len(images) else np.arange(n) for images in found]
            drawn = [
                draw(rng, of, (calls * layout.steps, layout.batch), recipe.shift)
                for rng, of in zip(rngs, shown, strict=True)
            ]
            parts = []
            for call in range(calls):
                state, loss = learn.call(state, *data, put(drawn, call))
                parts.append(loss)
            losses = np.concatenate([np.asarray(part) for part in parts], axis=-2).reshape(len(group), -1, layout.batch)
            means.append(losses.mean(axis=(1, 2)))
            told = f"loss {means[-1].mean():.4f}"
            if held_out:
                accuracies.append(np.atleast_1d(judging.call(state, *unseen)))
                told += f", validation accuracy {accuracies[-1].mean():.4f}"
            left = (time.perf_counter() - started) * (sum(layout.calls) / sum(layout.calls[:number]) - 1)
            PROGRESS.info("epoch %d of %d: %s, %.0f s left", number, len(layout.calls), told, left)
        variables = jax.tree.map(np.asarray, state[:2])
        seconds = (time.perf_counter() - started) / len(group)
        for i in range(len(group)):
            packed, kept = jax.tree.map(lambda array, i=i: array[i], variables) if together else variables
            results.append(
                Result(
                    (packing.unpack(packed), kept),
                    [float(x[i]) for x in means],
                    [float(x[i]) for x in accuracies],
                    seconds,
                )
            )
    return results, programs
