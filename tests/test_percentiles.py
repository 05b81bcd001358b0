"""Percentiles of times: a bound that holds, and none where there are too few."""

import numpy as np
import pytest

from fitgate.latency.timing import QUERIES_FOR_P99
from fitgate.statistics import percentile_upper_bound, values_for_percentile


def test_as_many_values_are_needed_as_the_p99_of_a_timing_takes():
    assert values_for_percentile(99) == QUERIES_FOR_P99
    for q in (1, 50, 90, 99):
        n = values_for_percentile(q)
        assert percentile_upper_bound(np.arange(n), q) == n - 2
        assert percentile_upper_bound(np.arange(n - 1), q) is None
    assert percentile_upper_bound([], 50) is None


@pytest.mark.parametrize(("q", "n"), [(50, 20), (90, 100), (99, 700)])
def test_a_bound_lies_above_the_percentile_as_often_as_it_says(q, n):
    draws = np.random.default_rng(0).random((2_000, n))
    above = np.mean([percentile_upper_bound(x, q) >= q / 100 for x in draws])
    assert above > 0.985
