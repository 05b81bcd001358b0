"""Serving: queueing theory by hand, by its textbook formula, and in real time."""

import itertools
import time

import numpy as np
import pytest

from fitgate.latency import serving
from fitgate.latency.serving import answer, highest_rate, serve, sojourns


def test_queries_wait_for_those_before_them():
    service = np.array([3.0, 1.0, 1.0, 1.0])
    gaps = np.array([0.0, 1.0, 1.0, 10.0])
    assert sojourns(service, gaps) == pytest.approx([3, 3, 3, 1])


def test_the_highest_rate_of_a_memoryless_server_is_the_textbook_s():
    """M/M/1: the time to an answer is exponential, of rate mu less lambda, so its p99 is ln(100) over that."""
    service = np.random.default_rng(1).exponential(0.001, 20_000)
    expected = 1_000 - np.log(100) / 0.02
    assert highest_rate(service, bound=0.02) == pytest.approx(expected, rel=0.05)


def test_what_is_too_slow_when_alone_serves_nobody_in_time():
    assert highest_rate([0.2] * 10, bound=0.1) is None
    assert serve(lambda query: time.sleep(0.002), itertools.repeat(None), seconds=0.01) is None


def test_arrivals_do_not_wait_for_slow_answers():
    durations = iter([0.05, 0, 0, 0])
    latencies = answer(lambda query: time.sleep(next(durations)), itertools.repeat(None), np.full(4, 0.01))
    assert latencies[1] > 0.035
    assert latencies[2] > 0.025


def test_real_arrivals_are_answered_in_time():
    def predict(query):
        until = time.perf_counter() + 1e-4
        while time.perf_counter() < until:
            pass

    served = serve(predict, itertools.repeat(None), seconds=0.5, bound=0.5)
    assert np.percentile(served.latencies, 99) <= 0.5
    assert 200 < served.rate < 10_000
    assert len(served.latencies) >= 662


def test_a_rate_at_which_late_answers_may_be_rare_by_luck_is_lowered(monkeypatch):
    lucky, sure = [1e-4] * 694 + [0.2] * 6, [1e-4] * 699 + [0.2]
    attempts = iter([lucky, sure])
    monkeypatch.setattr(serving, "answer", lambda *arguments: next(attempts))
    served = serve(lambda query: None, itertools.repeat(None), seconds=0.2)
    assert np.percentile(lucky, 99) < serving.BOUND
    assert served.latencies == sure
