"""The recipe: how often each image is shown, in which order, and at which rate is learnt from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optax
from numpy.typing import NDArray

from models.cnn.augment import Distortion

SHOWN = 60_000  # images, about, however few there are
MOST_EPOCHS = 100
WORTH_MINING = 20_000  # images: of fewer, more epochs do more than the hardest once more
SHOWINGS = 3  # of each hard image
MOST_LOSS = 1.09  # times a guess's: of what costs more the label is likely wrong
STEPS = range(24, 65)  # of a call of the program, where passes are of different lengths


@dataclass(frozen=True)
class Recipe:
    """How to train.

    Attributes:
        epochs: passes over the training images.
        hardest: share of them that is shown again, after those; 0 for none. See `hardest`.
        batch_size: images a step.
        learning_rate: peak of the one-cycle schedule (L. N. Smith and N. Topin, arXiv 1708.07120).
        weight_decay: AdamW's (I. Loshchilov and F. Hutter, arXiv 1711.05101).
        smoothing: of the labels: the share of a target that all classes have in common (C. Szegedy et al., arXiv
            1512.00567).
        shift: each batch is moved by up to so many pixels, both ways, at random.
        distortion: how each image is bent; None for not at all.
        test_time_shift: what is predicted is the mean over an image and its four copies moved by so many pixels.
    """

    epochs: int
    hardest: float
    batch_size: int
    learning_rate: float
    weight_decay: float
    smoothing: float
    shift: int
    distortion: Distortion | None
    test_time_shift: int

    def optimizer(self, steps: int) -> optax.GradientTransformation:
        """AdamW, its rate on half a cosine up over a quarter of the steps, from a tenth, then down to a thousandth."""
        schedule = optax.cosine_onecycle_schedule(
            max(steps, 2), self.learning_rate, pct_start=0.25, div_factor=10, final_div_factor=100
        )
        return optax.adamw(schedule, b1=0.8, b2=0.99, weight_decay=self.weight_decay)


def usual_passes(n: int) -> tuple[int, float]:
    """How often all of `n` training images are shown, and which share of them, the hardest, again afterwards."""
    return min(MOST_EPOCHS, max(1, round(SHOWN / n))), 0.1 if n >= WORTH_MINING else 0.0


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


def hardest(order: NDArray[Any], losses: NDArray[Any], share: float, classes: int, n: int) -> NDArray[np.int64]:
    """The images that cost most when they were last shown, hardest first.

    Those whose loss is above `MOST_LOSS` times that of a guess, ln(classes), are left out: where labels are wrong,
    the network would otherwise learn the wrong ones by heart (docs/digits.md has the figure).

    Args:
        order: in which images were shown, ints of any shape.
        losses: that they had then, of the same shape.
        share: of the images, at most.
        classes: number of them.
        n: number of images.

    Returns:
        Their positions, of `round(share * n)` or fewer.
    """
    latest = np.full(n, -np.inf)
    latest[order.ravel()] = losses.ravel()  # of one that is shown twice the last is kept
    latest[latest > MOST_LOSS * math.log(classes)] = -np.inf
    found = np.argsort(-latest, kind="stable")[: round(share * n)]
    return found[np.isfinite(latest[found])]
