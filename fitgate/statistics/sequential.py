"""A group-sequential test of seeds: a look after each seed, against a baseline whose spread is the yardstick.

Values of a baseline's m seeds are taken for normal with mean mu and SD sigma, those of a candidate's k seeds for normal
with mean mu - fall and the same SD. At a look, T = (mean of m - mean of k) / (s sqrt(1/m + 1/k)), with s the SD of the
baseline's seeds alone. Given s, the T of several looks are a random walk that is observed at the information
mk / (m + k); s / sigma is a chi on m - 1 degrees of freedom over its root, and is integrated out.

Source: P. Armitage, C. K. McPherson, B. C. Rowe, "Repeated significance tests on accumulating data", JRSS A 132 (1969);
C. Jennison, B. W. Turnbull, "Group Sequential Methods" (1999), chapters 2, 3 and 19; boundaries of one height are S. J.
Pocock's, Biometrika 64 (1977).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REMEMBERED = 4096
FAR = 9.0  # standard errors, beyond which a normal variable does not come
NODES = 64  # of a region's quadrature
SPREADS = 16  # of the SD's quadrature, for operating characteristics
HEIGHTS = np.linspace(-4.0, FAR, 105)  # of boundaries whose crossing is tabulated
LEAST_SPREAD = 1e-9


class Looks(NamedTuple):
    """When a candidate is looked at.

    Attributes:
        baseline: seeds of the baseline, two or more.
        first: seeds of the candidate at the first look.
        most: at the last; there is a look after each seed in between.
    """

    baseline: int
    first: int
    most: int

    @property
    def seeds(self) -> Array:
        """Of the candidate at each look."""
        return np.arange(self.first, max(self.first, self.most) + 1, dtype=np.float64)

    @property
    def errors(self) -> Array:
        """The standard error of a fall at each look, in SDs of a seed: sqrt(1/m + 1/k)."""
        return np.sqrt(1 / self.baseline + 1 / self.seeds)


class Operation(NamedTuple):
    """What comes of a plan for a candidate whose mean has truly fallen by so much.

    Attributes:
        fails, passes: how often it ends so.
        open: how often nothing is decided after the last look.
        seeds: of the candidate, on average.
    """

    fails: float
    passes: float
    open: float
    seeds: float


def crossing(looks: Looks, height: float) -> float:
    """Probability that T comes above a height at any of the looks, of a candidate that is no worse.

    So a T's crossing is its p-value, however often one has looked: that of the greatest T so far.

    Raises:
        ValueError: if the baseline has fewer than two seeds.
    """
    if looks.baseline < 2:
        raise ValueError(f"{looks.baseline} seeds of a baseline, expected two or more")
    if math.isnan(height) or height == math.inf:
        return 0.0
    if height == -math.inf:
        return 1.0
    return _crossing(_canonical(looks), round(height, 9))


def height_of(looks: Looks, level: float) -> float:
    """The height that T crosses so often, of a candidate that is no worse: Pocock's boundary for an unknown SD.

    Raises:
        ValueError: if the level is not between 0 and 1, or the baseline has fewer than two seeds.
    """
    if not 0 < level < 1 or looks.baseline < 2:
        raise ValueError(f"level {level} by {looks.baseline} seeds, expected one between 0 and 1, by two or more")
    return _height(_canonical(looks), level)


def operation(looks: Looks, level: float, missed: float, margin: float, fall: float) -> Operation:
    """How often a plan comes to each end, and at what cost.

    FAIL: T is above `height_of(looks, level)` and the fall seen at least half of the margin. PASS: the fall seen lies
    under the margin by `height_of(looks, missed)` standard errors. Else another seed.

    Args:
        looks: when one looks.
        level: of the one test, as 0.01 over the number of tests.
        missed: how often a candidate that has fallen by the margin may pass.
        margin, fall: in SDs of a seed; the fall is the true one.
    """
    return _operation(_canonical(looks), level, missed, round(margin, 4), round(fall, 4))


def lowest_crossing(baseline: int, seeds: int, lowest: float) -> float:
    """A bound of the probability that the lowest of some seeds lies so far below the baseline's mean.

    By C. E. Bonferroni's inequality from the prediction of one seed by others, Student's t with m - 1 degrees of
    freedom. Source: G. J. Hahn, "Factors for calculating two-sided prediction intervals", JASA 64 (1969).

    Args:
        baseline: seeds of the baseline, two or more.
        seeds: of the candidate, all that it may come to.
        lowest: how far the lowest lies below the baseline's mean, in SDs of the baseline's seeds.
    """
    return min(1.0, seeds * _student_tail(lowest / math.sqrt(1 + 1 / baseline), baseline - 1))


def student_tail(size: float, error: float, freedom: int) -> float:
    """The one-sided p-value of a size with a standard error; without error, a size above zero is certain."""
    if error > 0:
        return _student_tail(size / error, freedom)
    return 0.0 if size > 0 else 1.0


def prediction_factor(seeds: int, share: float) -> float:
    """How many SDs of some seeds below their mean another seed falls with this probability.

    Averaged over the draws of the seeds, that is: 3.67 SDs from 20 seeds for one in a thousand, and 6.37 from 6; with
    infinitely many, it is the normal distribution's 3.09. Source: as for `lowest_crossing`.

    Raises:
        ValueError: if there are fewer than two seeds.
    """
    from scipy.stats import t

    if seeds < 2:
        raise ValueError(f"{seeds} seeds, expected two or more")
    return float(t.isf(share, seeds - 1)) * math.sqrt(1 + 1 / seeds)


def _canonical(looks: Looks) -> Looks:
    return Looks(looks.baseline, looks.first, max(looks.first, looks.most))


@lru_cache(REMEMBERED)
def _student_tail(at: float, freedom: int) -> float:
    from scipy.stats import t

    return float(t.sf(at, freedom))


@lru_cache(REMEMBERED)
def _crossing(looks: Looks, height: float) -> float:
    if looks.first == looks.most:
        return _student_tail(height, looks.baseline - 1)
    spreads, weights = _spreads(looks.baseline - 1)
    return float(np.clip(weights @ _known_crossing(looks, height * spreads), 0.0, 1.0))


@lru_cache(REMEMBERED)
def _height(looks: Looks, level: float) -> float:
    from scipy.optimize import brentq
    from scipy.stats import t

    freedom, count = looks.baseline - 1, looks.most - looks.first + 1
    low, high = float(t.isf(level, freedom)), float(t.isf(level / count, freedom))  # of one look, and by Bonferroni
    if count == 1:
        return low
    least, most = low - 1e-3 * (1 + abs(low)), high + 1e-3 * (1 + abs(high))

    def miss(height: float) -> float:
        return math.log(max(_crossing(looks, height), 1e-300) / level)

    if miss(most) > 0 or miss(least) < 0:  # a level beyond what numbers tell apart
        return high
    return float(brentq(miss, least, most, xtol=1e-7))


@lru_cache(256)
def _spreads(freedom: int) -> tuple[Array, Array]:
    """The SD that is estimated, in true ones: values and their weights, close enough for tails of any size.

    The logarithm of a chi square has a smooth density, so the trapezoid rule over it converges fast.
    """
    from scipy.stats import chi2

    logs = np.linspace(math.log(LEAST_SPREAD), math.log(1 + 12 / math.sqrt(freedom)), 1_000)
    squares = freedom * np.exp(2 * logs)
    weights = chi2.pdf(squares, freedom) * squares * 2 * (logs[1] - logs[0])
    return np.exp(logs), weights


def _known_crossing(looks: Looks, heights: Array) -> Array:
    """The crossing of boundaries by Z, for a known SD, `(heights,)`."""
    from scipy.stats import norm

    table = _table(looks)
    found = np.exp(np.interp(heights, HEIGHTS, table))
    beyond = heights > FAR
    if beyond.any():  # as good as disjoint there
        found[beyond] = (looks.most - looks.first + 1) * norm.sf(heights[beyond])
    return np.asarray(found)


@lru_cache(256)
def _table(looks: Looks) -> Array:
    """The logarithm of the crossing of each of `HEIGHTS` by Z, for a known SD."""
    count = len(looks.seeds)
    upper = np.repeat(HEIGHTS[:, None], count, axis=1)
    lower = np.full_like(upper, -np.inf)
    up, _ = _walk(looks, lower, upper, np.zeros(len(HEIGHTS)))
    return np.asarray(np.log(np.clip(up.sum(axis=1), 1e-300, 1.0)))


@lru_cache(REMEMBERED)
def _operation(looks: Looks, level: float, missed: float, margin: float, fall: float) -> Operation:
    """By the walk between two boundaries, for each of some values of the SD that is estimated."""
    from scipy.stats import chi2

    freedom = looks.baseline - 1
    nodes, weights = np.polynomial.legendre.leggauss(SPREADS)
    spread = np.sqrt(chi2.ppf((nodes + 1) / 2, freedom) / freedom)[:, None]
    errors = looks.errors
    upper = np.maximum(_height(looks, level) * spread, margin / 2 / errors)
    lower = np.minimum(margin / errors - _height(looks, missed) * spread, upper)
    up, down = _walk(looks, lower, upper, np.full(SPREADS, fall))
    up, down = weights @ up / 2, weights @ down / 2
    left = max(0.0, 1 - float(up.sum() + down.sum()))
    seeds = float(looks.seeds @ (up + down) + looks.seeds[-1] * left)
    return Operation(float(up.sum()), float(down.sum()), left, seeds)


def _walk(looks: Looks, lower: Array, upper: Array, fall: Array) -> tuple[Array, Array]:
    """How often Z first leaves the region between two boundaries at each look, above and below: `(cases, looks)` each.

    Z at a look is that of the one before, shrunk, and what the new seed adds: the density inside the region is carried
    from look to look on the nodes of a Gauss-Legendre rule.

    Args:
        looks: when one looks.
        lower, upper: `(cases, looks)`, of Z = fall seen / standard error, in true SDs.
        fall: true, in SDs of a seed, `(cases,)`.
    """
    from scipy.special import ndtr

    nodes, rule = np.polynomial.legendre.leggauss(NODES)
    drift = fall[:, None] / looks.errors  # `(cases, looks)`
    information = looks.errors**-2
    up, down = np.empty_like(upper), np.empty_like(lower)
    up[:, 0], down[:, 0] = ndtr(drift[:, 0] - upper[:, 0]), ndtr(lower[:, 0] - drift[:, 0])
    at = mass = np.empty((len(fall), NODES))
    for i in range(upper.shape[1]):
        if i:
            shrink = math.sqrt(information[i - 1] / information[i])
            step = math.sqrt(1 - shrink**2)
            centre = drift[:, i, None] + shrink * (at - drift[:, i - 1, None])
            up[:, i] = (mass * ndtr((centre - upper[:, i, None]) / step)).sum(axis=1)
            down[:, i] = (mass * ndtr((lower[:, i, None] - centre) / step)).sum(axis=1)
        low = np.maximum(lower[:, i], drift[:, i] - FAR)
        high = np.maximum(np.minimum(upper[:, i], drift[:, i] + FAR), low)
        half = (high - low)[:, None] / 2
        points = (low + high)[:, None] / 2 + half * nodes
        if i == 0:
            density = np.exp(-((points - drift[:, 0, None]) ** 2) / 2) / math.sqrt(2 * math.pi)
        else:
            away = (points[:, :, None] - centre[:, None, :]) / step
            density = np.einsum("cij,cj->ci", np.exp(-(away**2) / 2), mass) / (step * math.sqrt(2 * math.pi))
        at, mass = points, density * half * rule
    return up, down
