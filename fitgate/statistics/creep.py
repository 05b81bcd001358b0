"""Creep: since when a series of runs has been at another level, watched run by run with no level or spread known.

Each value becomes a standard normal variable by Student's t of it against those before: under a level that stays, these
are independent, whatever level and spread are. Two cumulative sums of them, one upwards and one downwards, alarm above
a height that such a series reaches in a stated share of all histories. A value counts for three SDs at most, and enters
mean and spread as such, so that one odd run is no alarm. Libraries of change points, as ruptures, divide a finished
series by a penalty; looked at after each run, they have no stated rate of false alarms (`python -m
tests.benchmarks.creep --others 100`).

Sources: E. S. Page, "Continuous inspection schemes", Biometrika 41 (1954); D. M. Hawkins, "Self-starting CUSUM charts
for location and scale", The Statistician 36 (1987); of the limit to three SDs, his "Robustification of cumulative sum
charts by winsorization", Journal of Quality Technology 25 (1993); of the height, by a Markov chain, D. Brook, D. A.
Evans, "An approach to the probability distribution of CUSUM run length", Biometrika 59 (1972).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FIRST = 8  # run of a level, the first that is looked at: those before it show level and spread
RUNS = 40  # looked at: how long the history is in which a flat one alarms with the stated probability
SLACK = 0.5  # SDs, half of the shift that the sums see soonest
MOST = 3.0  # SDs that one value counts for
STATES = 400  # of the Markov chain
HIGHEST = 60.0
REMEMBERED = 256
ALIKE = 1e-12  # of a value: nearer ones are the same but for rounding


class Shift(NamedTuple):
    """A level that others follow.

    Attributes:
        at: place of the first value of the new level, as likely as any.
        seen: place of the value with which it was noticed.
        up: whether the new level is the higher one.
    """

    at: int
    seen: int
    up: bool


def shifts(values: ArrayLike, level: float) -> list[Shift]:
    """The shifts of a series `(n,)` that one notices who looks after each value, in their order.

    After each, the series begins anew with the values of its new level. Those that were noticed stay as they are,
    whatever values follow.

    Args:
        values: in the order in which they came; logarithms of what varies by factors.
        level: the probability with which a flat series of 40 looks has a shift.

    Raises:
        ValueError: if a value is not finite, or the level not between 0 and 1.
    """
    x = np.asarray(values, np.float64)
    if not np.isfinite(x).all():
        raise ValueError("values that are not finite")
    x = x / (np.abs(x).max(initial=0.0) or 1.0)  # as squares of what is tiny or huge would be lost
    found: list[Shift] = []
    height, begun, seen = height_of_sums(level), 0, -1
    while (shift := _next(x, begun, seen, height)) is not None:
        found.append(shift)
        begun, seen = shift.at, shift.seen
    return found


@lru_cache(REMEMBERED)
def height_of_sums(level: float, runs: int = RUNS) -> float:
    """The height that one of the two sums reaches in so many looks at a flat series, with a probability of `level`.

    Half of it is left to each sum: both can't be high, so that little is lost.

    Raises:
        ValueError: if the level is not between 0 and 1.
    """
    from scipy.optimize import brentq

    if not 0 < level < 1:
        raise ValueError(f"level {level}, expected one between 0 and 1")
    return float(brentq(lambda height: math.log(_reached(height, runs) / (level / 2)), 0.1, HIGHEST, xtol=1e-3))


def _next(x: NDArray[np.float64], begun: int, seen: int, height: float) -> Shift | None:
    """The next shift of a level that began at `begun`, noticed after `seen`; None where there is none."""
    from scipy.special import ndtri, stdtr

    mean, squares = 0.0, 0.0  # of the values before, as they count
    sums, since = [0.0, 0.0], [begun, begun]  # upwards and downwards; where each last left zero
    for count, i in enumerate(range(begun, len(x))):
        value = float(x[i])
        if count >= FIRST - 1:
            spread = math.sqrt(squares / (count - 1))
            off = value - mean
            if spread <= ALIKE * abs(mean):
                u = math.copysign(MOST, off) if abs(off) > ALIKE * abs(mean) else 0.0
            else:
                error = spread * math.sqrt(1 + 1 / count)
                u = math.copysign(float(-ndtri(stdtr(count - 1, -abs(off) / error))), off)
                if abs(u) > MOST:
                    u = math.copysign(MOST, u)
                    value = mean + error * math.copysign(_farthest(count - 1), u)
            if i > seen:
                for side, step in ((0, u), (1, -u)):
                    if sums[side] == 0.0:
                        since[side] = i
                    sums[side] = max(0.0, sums[side] + step - SLACK)
                if max(sums) >= height:
                    side = int(sums[1] > sums[0])
                    return Shift(_place(x, begun, since[side], i), i, side == 0)
        delta = value - mean
        mean += delta / (count + 1)
        squares += delta * (value - mean)
    return None


@lru_cache(4096)
def _farthest(freedom: int) -> float:
    """Student's t as far in its tail as `MOST` in the normal distribution's."""
    from scipy.special import ndtr, stdtrit

    return -float(stdtrit(freedom, ndtr(-MOST)))


def _place(x: NDArray[np.float64], begun: int, since: int, seen: int) -> int:
    """Where the values from `begun` to `seen` divide best into two levels, by least squares, from `since` on."""
    part = x[begun : seen + 1]
    before = np.arange(max(since - begun, 1), len(part))
    n, sums, total = len(part), np.cumsum(part)[before - 1], part.sum()
    between = (sums / before - (total - sums) / (n - before)) ** 2 * before * (n - before) / n
    return begun + int(before[np.argmax(between)])


def _reached(height: float, runs: int) -> float:
    """Probability that one sum reaches a height within so many looks, of independent standard normal values."""
    from scipy.special import ndtr

    width = height / STATES
    at = np.concatenate([[0.0], (np.arange(STATES) + 0.5) * width])  # the sum: zero, or the middle of a cell
    edges = np.arange(STATES + 1) * width
    step = edges[None, :] - at[:, None] + SLACK  # what a value must be to end below an edge
    below = np.where(step > MOST, 1.0, ndtr(step))
    chain = np.concatenate([below[:, :1], np.diff(below, axis=1)], axis=1)
    share = np.zeros(STATES + 1)
    share[0] = 1.0
    for _ in range(runs):
        share = share @ chain
    return max(1.0 - float(share.sum()), 1e-300)
