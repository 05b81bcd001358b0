"""Training the network: passes over the images by one compiled program, then over the hardest of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from models.cnn.compilation import Compiled, compiled
from models.cnn.devices import Devices
from models.cnn.program import Packing, Scale, judge, learner
from models.cnn.recipe import Recipe, plan
from models.cnn.schedule import SHOWINGS, draw, generator, hardest, rates

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
    together = len(seeds) > 1 and devices.at_once
    size = len(seeds) if together else 1
    trainer = Trainer(graph, starts[:size], examples, held_out, scale, recipe, devices)
    results: list[Result] = []
    for first in range(0, len(seeds), size):
        results += trainer.run(starts[first : first + size], seeds[first : first + size])
    return results, trainer.programs


class Trainer:
    """The programs, and the examples on the devices: what training with any seeds has in common.

    Arguments are those of `train`, but for

    Args:
        starts: of as many seeds as are trained at once.

    Attributes:
        programs: that were compiled.
        steps: of training.
    """

    def __init__(
        self,
        graph: Any,
        starts: Sequence[Any],
        examples: Examples,
        held_out: Examples | None,
        scale: Scale,
        recipe: Recipe,
        devices: Devices,
    ):
        self._recipe, self._devices, self._together = recipe, devices, len(starts) > 1
        self._n, self._outputs = len(examples.classes), starts[0][0]["dense2"]["bias"].shape[0]
        self._plan = plan(recipe, self._n, devices.count)
        self.steps = self._plan.total
        self._rates = rates(recipe.learning_rate, self.steps)
        self._packing, self._optimizer = Packing(starts[0][0]), recipe.optimizer()
        self._examples = devices.whole(tuple(examples))
        state = self._begun(starts)
        drawn = [draw(np.random.default_rng(0), np.arange(self._n), (self._plan.steps, self._plan.batch), 0)]
        steps = learner(graph, self._packing, self._optimizer, recipe, scale, devices, self._together)
        sample = self._put(drawn * len(starts), 0, 0)
        self._learn = compiled(steps, state, *self._examples, sample, donate=(0,), soon=not devices.at_once)
        self.programs = [self._learn]
        self._held_out = None
        if held_out:
            self._held_out = devices.whole(tuple(held_out))
            accuracy = judge(graph, self._packing, scale, recipe, self._together)
            self.programs.append(compiled(accuracy, state, *self._held_out))

    def run(self, starts: Sequence[Any], seeds: Sequence[int]) -> list[Result]:
        """Train with some seeds: as many as the programs are for."""
        started = time.perf_counter()
        recipe, calls = self._recipe, self._plan.calls
        state, done = self._begun(starts), 0
        rngs, shown = [generator(seed) for seed in seeds], [np.arange(self._n)] * len(seeds)
        means, accuracies = [], []
        for number, length in enumerate(calls, 1):
            shape = length * self._plan.steps, self._plan.batch
            drawn = [draw(rng, images, shape, recipe.shift) for rng, images in zip(rngs, shown, strict=True)]
            parts = []
            for call in range(length):
                state, part = self._learn.call(state, *self._examples, self._put(drawn, call, done))
                parts.append(part)
                done += 1
            losses = np.concatenate([np.asarray(part) for part in parts], axis=-2).reshape(len(seeds), *shape)
            means.append(losses.mean(axis=(1, 2)))
            if number == recipe.epochs < len(calls):
                shown = [self._again(order, mine) for (order, *_), mine in zip(drawn, losses, strict=True)]
            words = f"loss {means[-1].mean():.4f}"
            if self._held_out:
                accuracies.append(np.atleast_1d(self.programs[-1].call(state, *self._held_out)))
                words += f", validation accuracy {accuracies[-1].mean():.4f}"
            left = (time.perf_counter() - started) * (sum(calls) / done - 1)
            PROGRESS.info("epoch %d of %d: %s, %.0f s left", number, len(calls), words, left)
        networks = [self._variables(state, i) for i in range(len(seeds))]
        seconds = (time.perf_counter() - started) / len(seeds)
        return [
            Result(network, [float(x[i]) for x in means], [float(x[i]) for x in accuracies], seconds)
            for i, network in enumerate(networks)
        ]

    def _begun(self, starts: Sequence[Any]) -> Any:
        """The state from which some seeds start, on the devices."""
        packed = [(self._packing.pack(parameters), kept) for parameters, kept in starts]
        states = [(vector, kept, self._optimizer.init(vector)) for vector, kept in packed]
        return self._devices.whole(jax.tree.map(lambda *each: np.stack(each), *states) if self._together else states[0])

    def _put(self, drawn: Sequence[Any], call: int, done: int) -> Any:
        """What was drawn for one call of a pass, with the rates of its steps, which come after `done` calls."""
        here, ever = (slice(i * self._plan.steps, (i + 1) * self._plan.steps) for i in (call, done))
        parts = [[*(part[here] for part in of_seed), self._rates[ever]] for of_seed in drawn]
        order, *rest = (np.stack(each) for each in zip(*parts, strict=True)) if self._together else parts[0]
        return self._devices.split(order, axis=order.ndim - 1), *self._devices.whole(rest)

    def _again(self, order: NDArray[Any], losses: NDArray[Any]) -> NDArray[np.int64]:
        """The images to show again, by what was shown and what it cost; all where none is left."""
        how = self._recipe
        found = hardest(order, losses, how.hardest, self._outputs, self._n, how.smoothing, how.most_loss)
        return np.tile(found, SHOWINGS) if len(found) else np.arange(self._n)

    def _variables(self, state: Any, i: int) -> Any:
        """The network's, of a seed by its place, as NumPy arrays."""
        packed, kept = jax.tree.map(lambda array: np.asarray(array[i] if self._together else array), state[:2])
        return self._packing.unpack(packed), kept
