"""Folds: means over the folds of a repeated cross-validation, whose values depend on each other.

Source: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003): models of two folds
share most of their training examples, so the variance of the mean of J values is (1/J + n_test/n_train) s^2, not s^2/J.
R. R. Bouckaert, E. Frank, "Evaluating the replicability of significance tests for comparing learning algorithms",
PAKDD 2004, for repeated cross-validation, with J - 1 degrees of freedom.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.statistics.means import Fall

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Folds:
    """Which examples each fold of a repeated cross-validation tests, in the order in which outputs are kept.

    That order is one fold after the other, those of a repeat next to each other.

    Attributes:
        sizes: how many examples each fold tests, `(folds of all repeats,)`.
        examples: which example each output is for, `(repeats * n,)`: in each repeat all of them, once.
        repeats: how often all examples are dealt out to folds.
    """

    sizes: list[int]
    examples: Array
    repeats: int

    @property
    def n(self) -> int:
        """How many examples there are."""
        return len(self.examples) // self.repeats

    @property
    def of_a_repeat(self) -> int:
        """How many folds a repeat has."""
        return len(self.sizes) // self.repeats

    @cached_property
    def parts(self) -> list[slice]:
        """The outputs of each fold."""
        ends = np.cumsum([0, *self.sizes]).tolist()
        return [slice(*pair) for pair in pairwise(ends)]

    @cached_property
    def share(self) -> float:
        """Examples tested to examples trained on, n_test/n_train, averaged over the folds."""
        return float(np.mean([size / (self.n - size) for size in self.sizes]))

    def pooled(self, values: Array) -> NDArray[np.float64]:
        """The mean over all repeats of what each output's example has, from one value an output `(repeats * n,)`."""
        means = np.bincount(self.examples, values.astype(np.float64), minlength=self.n) / self.repeats
        return np.asarray(means[self.examples])

    def part(self, rows: Array) -> Folds:
        """Those of some outputs, by their places in ascending order, whose examples are counted anew from 0 on.

        A fold may then test none; in each repeat, all examples of the part are tested.
        """
        fold_of = np.repeat(np.arange(len(self.sizes)), self.sizes)[rows]
        examples = np.unique(self.examples[rows], return_inverse=True)[1]
        return Folds(np.bincount(fold_of, minlength=len(self.sizes)).tolist(), examples.reshape(-1), self.repeats)

    @property
    def fault(self) -> str:
        """What is wrong with them, as a noun; empty if nothing is."""
        count, examples = len(self.sizes), self.examples
        if self.repeats < 1 or count % self.repeats or count < 2 * self.repeats or min(self.sizes) < 1:
            return f"{count} folds in {self.repeats} repeats"
        if examples.ndim != 1 or examples.dtype.kind not in "iu" or len(examples) != sum(self.sizes):
            return f"{sum(self.sizes)} examples in folds, and {examples.shape} named"
        each = np.sort(examples[: self.repeats * self.n].reshape(self.repeats, -1), axis=1)
        per_repeat = np.reshape(self.sizes, (self.repeats, -1)).sum(axis=1)
        if (per_repeat != self.n).any() or not np.array_equal(each, np.tile(np.arange(self.n), (self.repeats, 1))):
            return "repeats in which not every example is tested once"
        return ""


def first_of_each(places: Array, examples: Array) -> Array:
    """Of places among outputs, in their order, the first that is for each example.

    Args:
        places: integers `(k,)`.
        examples: which example each output is for.
    """
    first = np.unique(examples[places], return_index=True)[1]
    return places[np.sort(first)]


def corrected_error(values: ArrayLike, share: float, step: float = 0.0) -> float:
    """The standard error of the mean of folds' values `(J,)`, by Nadeau and Bengio.

    Args:
        values: of each fold.
        share: of examples tested to examples trained on.
        step: the least by which two values can differ; where all folds came to one value, their spread is what rounding
            to whole steps gives (W. F. Sheppard: a twelfth of the step's square).

    Raises:
        ValueError: if there are fewer than two.
    """
    x = np.asarray(values, np.float64)
    if len(x) < 2:
        raise ValueError(f"{len(x)} values, expected two or more")
    spread = float(x.std(ddof=1))
    if spread <= 1e-12 * float(np.abs(x).max()):
        spread = step / math.sqrt(12)
    return spread * math.sqrt(1 / len(x) + share)


def corrected_bound(values: ArrayLike, share: float, confidence: float, step: float = 0.0) -> float:
    """One-sided lower confidence bound of the mean of folds' values; arguments and errors as for `corrected_error`."""
    from scipy.stats import t

    x = np.asarray(values, np.float64)
    return float(x.mean() - t.ppf(confidence, len(x) - 1) * corrected_error(x, share, step))


def corrected_fall(before: ArrayLike, now: ArrayLike, share: float, step: float = 0.0) -> Fall:
    """How far the mean of folds' values has fallen in the same folds: the corrected resampled t-test.

    Args:
        before, now: of each fold, `(J,)`, higher where better.
        share, step: as for `corrected_error`.

    Raises:
        ValueError: if there are fewer than two, or not as many before as now.
    """
    from scipy.stats import t

    falls = np.subtract(before, now, dtype=np.float64)
    error, size = corrected_error(falls, share, step), float(falls.mean())
    if error == 0:
        return Fall(size, 0.0, 0.0 if size > 0 else 1.0, len(falls) - 1)
    return Fall(size, error, float(t.sf(size / error, len(falls) - 1)), len(falls) - 1)
