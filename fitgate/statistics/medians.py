"""Medians of times that were measured one after the other, and how sure they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

RESAMPLES = 999
LONGEST = 2_000


def median_interval(times: ArrayLike, confidence: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Confidence interval of the median of a series `(n,)`, by the moving-block bootstrap.

    Times that follow each other are alike, so blocks of them are drawn: of length n^(1/3), from a circle. Series of
    more than 2,000 values are thinned to that many blocks' ends, for the median of medians of neighbours.
    Source: H. R. Künsch, "The jackknife and the bootstrap for general stationary observations", Annals of Statistics
    17 (1989); D. N. Politis, J. P. Romano, "A circular block-resampling procedure for stationary data" (1992).

    Raises:
        ValueError: if there is no value.
    """
    x = np.asarray(times, np.float64)
    if not len(x):
        raise ValueError("no times, expected one or more")
    if len(x) > LONGEST:
        x = np.array([np.median(part) for part in np.array_split(x, LONGEST)])
    length = max(1, round(len(x) ** (1 / 3)))
    blocks = -(-len(x) // length)
    starts = np.random.default_rng(seed).integers(0, len(x), (RESAMPLES, blocks, 1))
    drawn = x[(starts + np.arange(length)) % len(x)].reshape(RESAMPLES, -1)[:, : len(x)]
    low, high = np.quantile(np.median(drawn, axis=1), [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
