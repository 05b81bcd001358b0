"""Percentiles of times, and how many times it takes to know one."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

SURE = 0.99


def percentile_upper_bound(values: ArrayLike, q: float, confidence: float = SURE) -> float | None:
    """An upper confidence bound of a percentile of what independent values `(n,)` come from.

    It is the smallest of the values of which, were it below the percentile, fewer than so many would be. None where
    that were the greatest one or there is none such: a single slow value is no sign of others.

    Source: order statistics of a binomial, as in W. J. Conover, "Practical Nonparametric Statistics", section 3.2.

    Args:
        values: such as seconds.
        q: from 0 to 100, both excluded.
        confidence: with which the percentile lies at the bound or below.
    """
    from scipy.stats import binom

    x = np.sort(np.asarray(values, np.float64))
    place = int(binom.ppf(confidence, len(x), q / 100)) if len(x) else 0
    return float(x[place]) if place < len(x) - 1 else None


def values_for_percentile(q: float, confidence: float = SURE) -> int:
    """The fewest values of which a percentile has a bound; see `percentile_upper_bound`."""
    from scipy.stats import binom

    few, many = 1, 2
    while binom.cdf(many - 2, many, q / 100) < confidence:
        few, many = many, 2 * many
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if binom.cdf(middle - 2, middle, q / 100) < confidence else (few, middle)
    return many
