"""The recipe: how much is learnt from each step, at which rate, and how the steps are laid out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import optax

from models.cnn.augment import Distortion
from models.cnn.schedule import SHOWINGS

STEPS = range(24, 65)  # of a call of the program, where passes are of different lengths


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: passes over the training images.
        hardest: share of them that is shown again, after those; 0 for none. See `schedule.hardest`.
        most_loss: times a guess's: images that cost more are not shown again.
        batch_size: images a step.
        learning_rate: the peak of `schedule.rates`.
        weight_decay: AdamW's (I. Loshchilov and F. Hutter, arXiv 1711.05101).
        smoothing: of the labels: the share of a target that all classes have in common (C. Szegedy et al., arXiv
            1512.00567).
        shift: each batch is moved by up to so many pixels, both ways, at random.
        distortion: how each image is bent; None for not at all.
        test_time_shift: what is predicted is the mean over an image and its four copies moved by so many pixels.
    """

    epochs: int
    hardest: float
    most_loss: float
    batch_size: int
    learning_rate: float
    weight_decay: float
    smoothing: float
    shift: int
    distortion: Distortion | None
    test_time_shift: int

    def optimizer(self) -> optax.GradientTransformation:
        """AdamW at a rate of one: each step's own comes from the host, so that a program serves any number of steps."""
        return optax.chain(
            optax.scale_by_adam(b1=0.8, b2=0.99), optax.add_decayed_weights(self.weight_decay), optax.scale(-1.0)
        )


@dataclass(frozen=True)
class Plan:
    """How the steps of training are laid out: passes of one or several calls of one program.

    Attributes:
        batch: images a step.
        steps: of a call.
        calls: of each pass: the epochs, then what shows the hardest images again.
    """

    batch: int
    steps: int
    calls: Sequence[int]

    @property
    def total(self) -> int:
        """All steps."""
        return self.steps * sum(self.calls)


def plan(recipe: Recipe, n: int, devices: int) -> Plan:
    """How the steps of training on `n` images are laid out.

    A pass is filled up to whole calls by the images that come first in it, so calls are as long as wastes least.

    Args:
        recipe: how to train.
        n: number of training images.
        devices: by which a batch is to be divisible.
    """
    batch = math.ceil(min(recipe.batch_size, n) / devices) * devices
    epoch, again = math.ceil(n / batch), math.ceil(SHOWINGS * round(recipe.hardest * n) / batch)
    lengths = [epoch] * recipe.epochs + [again] * bool(again)
    if not again:
        return Plan(batch, epoch, [1] * recipe.epochs)
    steps = min(STEPS, key=lambda steps: sum(-(-length // steps) for length in lengths) * steps)
    return Plan(batch, steps, [-(-length // steps) for length in lengths])
