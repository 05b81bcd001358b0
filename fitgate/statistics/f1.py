"""The F1 score: how far below an observed one the true one may lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.statistics.bootstrap import Draws, null_fall, unspread_bound
from fitgate.statistics.means import Fall


def f1_lower_bound(truth: ArrayLike, predicted: ArrayLike, confidence: float, resamples: int = 2_000) -> float:
    """One-sided lower confidence bound of the F1 score, averaged over labels, by the percentile bootstrap.

    Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. F1 depends only on how
    often each pattern of truth and prediction occurs, so that resampling examples is one multinomial draw over the
    patterns. The seed is fixed: the same predictions always get the same bound. It is at most that of answers
    without a mistake.

    Args:
        truth, predicted: bool `(n, labels)`.
        confidence: of the bound, as 0.99.
        resamples: how many resamples to draw.
    """
    pairs = np.hstack([np.asarray(truth, bool), np.asarray(predicted, bool)])
    patterns, counts = np.unique(pairs, axis=0, return_counts=True)
    true, guess = np.hsplit(patterns, 2)
    draws = np.random.default_rng(0).multinomial(counts.sum(), counts / counts.sum(), size=resamples)
    values = _f1(draws, true, guess)
    n = int(counts.sum())
    if values.min() == values.max():
        return unspread_bound(float(values[0]), 0.0, n, confidence)
    bound = Draws(n).bound(values, lambda: float(_f1(counts[None], true, guess)[0]), confidence, higher_is_better=True)
    return min(bound, unspread_bound(1.0, 0.0, n, confidence))


def f1_fall(
    truth: ArrayLike, before: ArrayLike, now: ArrayLike, resamples: int = 10_000, of_classes: bool = False
) -> Fall:
    """How far the F1 score, averaged over labels, has fallen.

    By the paired bootstrap of the null, as in `bootstrap_fall`, with the patterns of `f1_lower_bound`, which is many
    times faster. The seed is fixed.

    Args:
        truth, before, now: bool `(n, labels)`.
        resamples: how many resamples to draw.
        of_classes: whether labels are classes, of which an average is over those alone that are true or predicted: one
            that only one of two outputs predicts is none of the other's.
    """
    pairs = np.hstack([np.asarray(array, bool) for array in (truth, before, now)])
    patterns, counts = np.unique(pairs, axis=0, return_counts=True)
    true, *guesses = np.hsplit(patterns, 3)
    averaged = [(true | guess).any(axis=0) if of_classes else np.ones(true.shape[1], bool) for guess in guesses]
    columns = [(true[:, some], guess[:, some]) for some, guess in zip(averaged, guesses, strict=True)]
    draws = np.random.default_rng(0).multinomial(counts.sum(), counts / counts.sum(), size=resamples)
    falls, (observed,) = (_f1(x, *columns[0]) - _f1(x, *columns[1]) for x in (draws, counts[None]))
    return null_fall(falls, float(observed))


def _f1(counts: NDArray[np.int64], true: NDArray[np.bool_], guess: NDArray[np.bool_]) -> NDArray[np.float64]:
    hits, mistakes = counts @ (true & guess), counts @ (true ^ guess)
    scores = 2 * hits / np.maximum(2 * hits + mistakes, 1)
    return np.asarray(scores.mean(axis=1), np.float64)
