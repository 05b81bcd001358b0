"""The schedule: how often, in which order and at which rate images are learnt from, and which, the hardest, again.

NumPy and SciPy alone, on the host: `torch_cnn`, the peer, has the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

SHOWN = 60_000  # images, about, however few there are
MOST_EPOCHS = 100
WORTH_MINING = 20_000  # images: of fewer, more epochs do more than the hardest once more
SHOWINGS = 3  # of each hard image
MOST_LOSS = 1.1  # times a guess's: of what costs more the label is likely wrong
HARD = 0.36  # times a guess's
MOST_HARD = 0.6  # times the share that is shown again


def usual_passes(n: int) -> tuple[int, float]:
    """How often all of `n` training images are shown, and which share of them, the hardest, again afterwards."""
    return min(MOST_EPOCHS, max(1, round(SHOWN / n))), 0.1 if n >= WORTH_MINING else 0.0


def rates(peak: float, steps: int) -> NDArray[np.float32]:
    """Learning rate of each step, `(steps,)`: from a tenth of the peak up to it, then down to a thousandth of it.

    Both ways along half a cosine, up over the first quarter of the steps: the one-cycle schedule of L. N. Smith and
    N. Topin, arXiv 1708.07120.
    """
    top = steps // 4
    up, down = np.arange(top) / max(top, 1), np.arange(steps - top) / max(steps - top, 1)
    return np.float32(peak) * np.concatenate([_cosine(0.1, 1.0, up), _cosine(1.0, 1e-3, down)]).astype(np.float32)


def _cosine(start: float, end: float, at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half a cosine, from `start` at 0 to `end` at 1."""
    return end + (start - end) * (1 + np.cos(np.pi * at)) / 2


def generator(seed: int) -> np.random.Generator:
    """What `draw` draws from. Not `default_rng(seed)`, by whose permutation others may have chosen among the images."""
    return np.random.default_rng((seed, 1))


def draw(rng: np.random.Generator, images: NDArray[Any], shape: tuple[int, int], shift: int) -> tuple[Any, ...]:
    """A pass over images in random order: their positions `(steps, batch)`, shifts `(steps, 2)` and keys `(steps, 2)`.

    On the host, where it costs nothing: a sort and random numbers in the program take long to compile. Every image is
    there at least once; what is left of the last batches is filled from the front of the order.

    Args:
        rng: of the seed.
        images: their positions, `(n,)`.
        shape: steps and images a step, of `n` places or more.
        shift: of a batch, at most, in pixels.
    """
    order = np.resize(rng.permutation(images).astype(np.int32), shape)
    corners = rng.integers(0, 2 * shift + 1, (shape[0], 2), np.int32)
    return order, corners, rng.integers(0, 2**32, (shape[0], 2), np.uint32)


def hardest(
    order: NDArray[Any],
    losses: NDArray[Any],
    share: float,
    classes: int,
    n: int,
    smoothing: float = 0.0,
    most_loss: float = MOST_LOSS,
) -> NDArray[np.int64]:
    """The images that cost most when they were last shown, hardest first; none where too many are hard.

    Losses are counted from the least that there can be, the entropy of a smoothed target. Those above `most_loss` times
    that of a guess, ln(classes), are left out: where labels are wrong, the network would otherwise learn the wrong ones
    by heart (docs/digits.md has the figure). Where many are hard, as clothes are and digits are not, the hardest are
    those that can't be told apart, and more of them do harm. They are many if, of the last fifth shown, a share of more
    than `MOST_HARD * share` cost more than `HARD` guesses, and no more than `MOST_LOSS`.

    Args:
        order: in which images were shown, ints of any shape.
        losses: that they had then, of the same shape.
        share: of the images, at most.
        classes: number of them.
        n: number of images.
        smoothing: share of a target that all classes have in common.
        most_loss: times a guess's; infinite for no such limit.

    Returns:
        Their positions, of `round(share * n)` or fewer.
    """
    target = np.full(classes, smoothing / classes)
    target[0] += 1 - smoothing
    least = float(entr(target).sum())
    guess, costs = math.log(classes) - least, losses.ravel() - least
    last = costs[-max(n // 5, 1) :]
    if np.mean((last > HARD * guess) & (last <= MOST_LOSS * guess)) > MOST_HARD * share:
        return np.empty(0, np.int64)
    latest = np.full(n, -np.inf)
    latest[order.ravel()] = costs  # of one that is shown twice the last is kept
    latest[latest > most_loss * guess] = -np.inf
    found = np.argsort(-latest, kind="stable")[: round(share * n)]
    return found[np.isfinite(latest[found])]
