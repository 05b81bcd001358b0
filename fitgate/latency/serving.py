"""Serving: the highest rate of random arrivals at which a model still answers in time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitgate.clock import perf_counter
from fitgate.latency.timing import QUERIES_FOR_P99
from fitgate.statistics import percentile_upper_bound

# People take an answer within a tenth of a second for instantaneous: R. B. Miller, "Response time in man-computer
# conversational transactions", AFIPS (1968).
BOUND = 0.1
SAMPLES = 100
ARRIVALS = 20_000
MOST = 5_000  # arrivals that are really answered: a record keeps them all
BACK_OFF = 0.9
ATTEMPTS = 8
SPIN = 2e-3  # seconds before an arrival that are not slept, for sleep is late


@dataclass(frozen=True)
class Served:
    """A run of random arrivals that was answered in time.

    Attributes:
        rate: arrivals per second, on average.
        latencies: seconds from each arrival to its answer.
    """

    rate: float
    latencies: list[float]


def highest_rate(service: ArrayLike, bound: float = BOUND, seed: int = 0) -> float | None:
    """The highest rate of Poisson arrivals, per second, whose p99 from arrival to answer stays under a bound.

    One server answers in order of arrival. Waiting times follow from the service times `(n,)`, in seconds and in the
    order in which they were measured, by D. V. Lindley, "The theory of queues with a single server", Mathematical
    Proceedings of the Cambridge Philosophical Society 48 (1952). None where not even a lone query is answered in time.
    """
    times = np.resize(np.asarray(service, np.float64), ARRIVALS)
    if np.percentile(times, 99) > bound:
        return None
    gaps = np.random.default_rng(seed).exponential(1.0, ARRIVALS)
    low, high = 1e-3 / times.mean(), 1 / times.mean()
    for _ in range(40):
        middle = (low * high) ** 0.5
        if np.percentile(sojourns(times, gaps / middle), 99) <= bound:
            low = middle
        else:
            high = middle
    return float(low)


def sojourns(service: NDArray[np.float64], gaps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds from arrival to answer `(n,)`, of queries with these service times that come after these gaps."""
    surplus = np.concatenate([[0.0], np.cumsum(service[:-1] - gaps[1:])])
    waiting = surplus - np.minimum.accumulate(surplus)
    return np.asarray(waiting + service)


def serve(
    predict: Callable[[Any], Any], queries: Iterator[Any], seconds: float, bound: float = BOUND, seed: int = 0
) -> Served | None:
    """Find the highest rate from measured service times, and then answer real arrivals at it.

    Where it is not sure that they are answered in time, the rate is lowered by a tenth, and so on: that few of some
    hundred answers are late may be luck. MLPerf Inference calls it early stopping.

    Args:
        predict: answers a query; warmed up.
        queries: without end.
        seconds: how long arrivals go on at most; None is returned where there is no time for an honest p99.
        bound: of the 99th percentile, in seconds.
        seed: of the arrivals.
    """
    service = []
    for _ in range(SAMPLES):
        query, started = next(queries), perf_counter()
        predict(query)
        service.append(perf_counter() - started)
        if sum(service) > seconds:
            break
    rate = highest_rate(service, bound, seed)
    if rate is None or QUERIES_FOR_P99 * float(np.mean(service)) > seconds:
        return None
    for attempt in range(ATTEMPTS):
        count = min(MOST, max(QUERIES_FOR_P99, round(rate * seconds)))
        latencies = answer(predict, queries, np.random.default_rng((seed, attempt)).exponential(1 / rate, count))
        most = percentile_upper_bound(latencies, 99)
        if most is not None and most <= bound:
            return Served(rate, latencies)
        rate *= BACK_OFF
    return None


def answer(predict: Callable[[Any], Any], queries: Iterator[Any], gaps: NDArray[np.float64]) -> list[float]:
    """Answer queries that arrive after gaps, each when it has arrived and those before it are answered.

    Arrivals do not wait for answers, so a slow answer delays those behind it; the seconds from arrival to answer.
    """
    latencies = []
    arrival = perf_counter()
    for gap in gaps:
        arrival += float(gap)
        query = next(queries)
        while (left := arrival - perf_counter()) > 0:
            if left > SPIN:
                time.sleep(left - SPIN)
        predict(query)
        latencies.append(perf_counter() - arrival)
    return latencies
