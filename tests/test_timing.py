"""Timing: enough queries for what is claimed, and no more than there is time for."""

import itertools
import time

import pytest
from scipy.stats import binom

from fitgate.latency.examples import Examples
from fitgate.latency.queries import Queries
from fitgate.latency.timing import QUERIES_FOR_P99, SINGLE, ReplayClock, Timing, plan, round_trip
from tests import fakes


def test_the_second_slowest_of_so_many_queries_bounds_the_p99_and_of_one_fewer_does_not():
    assert binom.cdf(1, QUERIES_FOR_P99, 0.01) <= 0.01 < binom.cdf(1, QUERIES_FOR_P99 - 1, 0.01)


def test_a_p99_of_too_few_queries_is_left_out():
    few, enough = (Timing("m", "digits", "single", 1, [0.001] * n) for n in (QUERIES_FOR_P99 - 1, QUERIES_FOR_P99))
    assert few.percentile(99) is None
    assert few.percentile(90) == enough.percentile(99) == 0.001


@pytest.mark.parametrize(("seconds", "queries"), [(0.0, QUERIES_FOR_P99), (0.004, 100), (0.5, 2)])
def test_slow_models_are_asked_less_often(monkeypatch, seconds, queries):
    clock = itertools.count(step=seconds)
    monkeypatch.setattr("fitgate.latency.timing.perf_counter", lambda: next(clock))
    assert plan(lambda batch: None, itertools.repeat(None), SINGLE, 1.0).queries == pytest.approx(queries, abs=1)


def test_the_first_query_stands_apart():
    calls = itertools.count()
    asked = plan(lambda batch: time.sleep(0.05 if next(calls) == 0 else 0), itertools.repeat(None), SINGLE, 1.0)
    assert asked.first_seconds >= 0.05
    assert asked.queries == QUERIES_FOR_P99


def test_the_way_to_the_device_and_back_is_timed_where_an_estimator_tells():
    class Far(fakes.Reader):
        def round_trip(self, X):
            time.sleep(0.002)

    queries = Queries(Examples(fakes.images(), 200)).of(8)
    assert round_trip(Far(), queries) >= 0.002
    assert round_trip(fakes.Reader(), queries) is None


def test_a_replayed_duration_is_what_the_clock_shows():
    clock = ReplayClock()
    before = clock()
    clock.replay(100.0)
    assert clock() - before == pytest.approx(100.0, abs=1.0)
