"""Calibration: how far stated probabilities lie from how often things happen, how sure that is, and whether it rose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_BINS, LEAST_IN_BIN = 15, 20
Array = NDArray[np.float64]


class Bins(NamedTuple):
    """Examples in bins by their probability; arrays of a value a bin `(bins,)`.

    Attributes:
        sizes: how many examples.
        stated: their mean probability.
        happened: the share of them that happened.
        order: the examples in the order of their probabilities, `(n,)`.
    """

    sizes: Array
    stated: Array
    happened: Array
    order: NDArray[np.intp]

    @property
    def weights(self) -> Array:
        """The share of the examples in each."""
        return self.sizes / self.sizes.sum()

    @property
    def noise(self) -> Array:
        """The variance of `happened`, without bias."""
        return self.happened * (1 - self.happened) / np.maximum(self.sizes - 1, 1)

    @property
    def variances(self) -> Array:
        """The same, of shares that are less sure than they look, by an example on either side, as those of 0 and 1 are.

        Source: A. Agresti, B. A. Coull, American Statistician 52 (1998).
        """
        shares = (self.happened * self.sizes + 1) / (self.sizes + 2)
        return shares * (1 - shares) / self.sizes

    @property
    def squared(self) -> float:
        """The mean squared error without bias: less than 0 where it is smaller than chance makes it."""
        return float(self.weights @ ((self.happened - self.stated) ** 2 - self.noise))


def bins(happened: ArrayLike, stated: ArrayLike) -> Bins:
    """Examples in up to 15 bins of as many, of 20 or more, by the probability that was stated for each.

    Equal probabilities lie in one bin: else what it holds would depend on the order of the examples.

    Args:
        happened: whether it happened, `(n,)`.
        stated: its probability, `(n,)`.

    Raises:
        ValueError: if there is no example, or the lengths differ.
    """
    y, p = np.asarray(happened, np.float64), np.asarray(stated, np.float64)
    if y.shape != p.shape or y.ndim != 1 or not len(y):
        raise ValueError(f"arrays of shapes {y.shape} and {p.shape}, expected (n,) of both, n 1 or more")
    count = max(1, min(MOST_BINS, len(y) // LEAST_IN_BIN))
    order = np.argsort(p, kind="stable")
    edges = np.unique(np.searchsorted(p[order], p[order][np.arange(count) * len(y) // count]))
    sizes = np.diff(np.append(edges, len(y))).astype(np.float64)
    mean_stated, share = (np.add.reduceat(values[order], edges) / sizes for values in (p, y))
    return Bins(sizes, mean_stated, share, order)


def calibration_error(happened: ArrayLike, stated: ArrayLike) -> float:
    """The root mean square, over bins, of how far stated probabilities lie from the shares that happened.

    What chance adds to it is taken off, and what is left of well calibrated ones may be 0. Source: A. Kumar, P. Liang,
    T. Ma, "Verified uncertainty calibration", NeurIPS 2019, section 4; arguments and errors as in `bins`.
    """
    return math.sqrt(max(0.0, bins(happened, stated).squared))


def calibration_upper_bound(happened: ArrayLike, stated: ArrayLike, confidence: float) -> float:
    """One-sided upper confidence bound of the calibration error.

    The squared gaps of the bins add up to about a gamma variable, whose mean and variance follow from the error: the
    bound is the error at which so small a sum would be too rare (F. E. Satterthwaite, "An approximate distribution of
    estimates of variance components", Biometrics 2, 1946). The variance is that of an error which lies all in the bin
    where it varies most, and of `Bins.variances`.

    Args:
        happened, stated: as in `bins`.
        confidence: of the bound, as 0.99.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2

    of = bins(happened, stated)
    observed, chance = float(of.weights @ (of.happened - of.stated) ** 2), float(of.weights @ of.noise)
    variances = of.weights * of.variances

    def excess(squared: float) -> float:
        mean, variance = squared + chance, 2 * float(variances @ variances) + 4 * squared * float(variances.max())
        freedom = 2 * mean**2 / variance
        return (mean / freedom * float(chi2.ppf(1 - confidence, freedom)) if freedom else 0.0) - observed

    if excess(0.0) >= 0:
        return 0.0
    return math.sqrt(float(brentq(excess, 0.0, 1.0))) if excess(1.0) > 0 else 1.0


@dataclass(frozen=True)
class CalibrationRise:
    """A change of the calibration error on the same examples; see `fitgate.statistics.change.Change`.

    It is tested by the squared errors, whose difference is about normal where the errors themselves are near 0.

    Attributes:
        before, now: the errors.
        squared: by how much the squared error rose, without bias.
        spread: standard error of that.
    """

    before: float
    now: float
    squared: float
    spread: float

    @property
    def size(self) -> float:
        """The rise of the error."""
        return self.now - self.before

    @property
    def standard_error(self) -> float:
        """Of the size: that of the squared error over its slope."""
        return self.spread / (self.before + self.now) if self.before + self.now else math.sqrt(self.spread)

    @property
    def p_value(self) -> float:
        """One-sided, of the hypothesis that the error did not rise."""
        if not self.spread:
            return float(self.squared <= 0)
        return NormalDist().cdf(-self.squared / self.spread)

    def power(self, size: float, significance: float) -> float:
        """Probability that the test rejects at a significance, if the error truly rose by `size`."""
        if not self.spread:
            return 1.0
        rise = (self.before + size) ** 2 - self.before**2
        return NormalDist().cdf(rise / self.spread + NormalDist().inv_cdf(significance))

    def upper_bound(self, confidence: float) -> float:
        """One-sided confidence bound of the rise."""
        most = self.before**2 + self.squared + NormalDist().inv_cdf(confidence) * self.spread
        return math.sqrt(max(0.0, most)) - self.before


def calibration_rise(happened: tuple[ArrayLike, ArrayLike], stated: tuple[ArrayLike, ArrayLike]) -> CalibrationRise:
    """How the calibration error of the same examples rose: a z-test of the squared errors.

    Its standard error is that of the examples' influence on the difference, which holds what both have in common (F. R.
    Hampel, "The influence curve and its role in robust estimation", JASA 69, 1974), and of what bins without a mistake,
    or without a hit, do not show. Near an error of 0 it is too large rather than too small.

    Args:
        happened, stated: as in `bins`, before and now: of the same examples, in one order.
    """
    both = [bins(y, p) for y, p in zip(happened, stated, strict=True)]
    first, second = (_influences(of, y, p) for of, y, p in zip(both, happened, stated, strict=True))
    before, now = (of.squared for of in both)
    variance = float(((second - first) ** 2).sum()) + sum(map(_unseen, both))
    return CalibrationRise(math.sqrt(max(0.0, before)), math.sqrt(max(0.0, now)), now - before, math.sqrt(variance))


def _unseen(of: Bins) -> float:
    """The variance of the squared error by which `Bins.variances` exceed what the examples show."""
    unseen = np.maximum(of.variances - of.noise, 0.0)
    return float((of.weights**2) @ (2 * unseen**2 + 4 * (of.happened - of.stated) ** 2 * unseen))


def _influences(of: Bins, happened: ArrayLike, stated: ArrayLike) -> Array:
    """Each example's influence on the squared error, over their number."""
    gaps = np.repeat(of.happened - of.stated, of.sizes.astype(np.intp))
    residuals = (np.asarray(happened, np.float64) - np.asarray(stated, np.float64))[of.order]
    influences = np.empty(len(gaps))
    influences[of.order] = 2 * gaps * (residuals - gaps) / len(gaps)
    return influences
