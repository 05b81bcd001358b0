"""Timing: how latency is asked for, and what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from fitgate.clock import perf_counter
from fitgate.latency.queries import Query
from fitgate.protocols import RoundTrip, offered
from fitgate.statistics import median_interval

# The fewest queries whose second-slowest is, with 99 % confidence, no faster than the 99th percentile: the smallest n
# with 0.99^n + n 0.01 0.99^(n-1) <= 0.01 (order statistics of a binomial).
QUERIES_FOR_P99 = 662
WARM_UP_CALLS = 3
ROUND_TRIPS = 30
SPARE = 1.15  # the pace of a machine is seen at few moments, and may have changed by more


@dataclass(frozen=True)
class Scenario:
    """A way to ask for predictions, after MLPerf Inference (arXiv 1911.02549).

    Attributes:
        name: what test ids and records call it.
        batch_size: examples per query; None for the whole test split at once.
        seconds: how long to go on asking, times the session's factor.
        queries: how many queries are enough.
        fewer: how many are, where there is no time for that many.
    """

    name: str
    batch_size: int | None
    seconds: float
    queries: int
    fewer: int


SINGLE = Scenario("single", 1, seconds=1.5, queries=QUERIES_FOR_P99, fewer=100)
MULTI = Scenario("multi", 8, seconds=0.5, queries=QUERIES_FOR_P99, fewer=30)
OFFLINE = Scenario("offline", None, seconds=0.5, queries=10, fewer=10)
SCENARIOS = (SINGLE, MULTI, OFFLINE)
SERVER = Scenario("server", 1, seconds=2.0, queries=QUERIES_FOR_P99, fewer=1)


class Timing(msgspec.Struct, frozen=True, tag=True):
    """What asking for predictions took. Answers are host arrays, so a device has finished and transfers are in it.

    Attributes:
        model, task, scenario: names.
        batch_size: examples per query.
        seconds: wall time of each query, warmed up, without compilation.
        first_seconds: of the first query of this batch size, with compilation and other first-time work in it; None
            where the one sample is the session's evaluation, which takes too long to be repeated for timing's sake.
        compile_seconds: the part of that which the estimator states as compilation.
        round_trip_seconds: median of such a query's way to the device and back without the computing in between; None
            where the estimator offers no `fitgate.protocols.RoundTrip`.
        rate: of scenario `server`: queries that arrived per second; `seconds` are then from arrival to answer.
        bound: of `server`: what their p99 had to stay under, in seconds.
        kernel: the calibration kernel that measures the model's work; empty for none.
        work_per_example: how much it does for an example, as that kernel counts.
        repeated: share of the examples that were asked for, warm-up included, that timings of the same process had
            asked for before; None where that was not counted, or the one sample is the session's evaluation.
    """

    model: str
    task: str
    scenario: str
    batch_size: int
    seconds: list[float]
    first_seconds: float | None = None
    compile_seconds: float | None = None
    round_trip_seconds: float | None = None
    rate: float | None = None
    bound: float | None = None
    kernel: str = ""
    work_per_example: float | None = None
    repeated: float | None = None

    def percentile(self, q: float) -> float | None:
        """A percentile of the queries' seconds; None where there are too few queries for an honest one."""
        if q > 95 and len(self.seconds) < QUERIES_FOR_P99:
            return None
        return float(np.percentile(self.seconds, q))

    @property
    def p50(self) -> float:
        """The median query's seconds."""
        return float(np.median(self.seconds))

    def p50_interval(self, pace: float) -> tuple[float, float]:
        """Where the median of another run on the same machine lies, nine times in ten, in seconds.

        Args:
            pace: by what factor the machine's own pace changed while this was measured. Queries that follow each other
                see one pace; another run may see another.
        """
        low, high = median_interval(self.seconds)
        return low / (SPARE * pace), high * SPARE * pace

    @property
    def examples_per_second(self) -> float:
        """Throughput at the median query, or the rate at which queries arrived and were answered in time."""
        if self.rate is not None:
            return self.rate
        return self.batch_size / self.p50


class ReplayClock:
    """A clock for pytest-benchmark that can be put forward by a duration measured before.

    What a session does anyway, such as its one training, is measured there and then; a benchmark replays it.
    """

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        """Seconds, as `time.perf_counter`, with all that was replayed."""
        return perf_counter() + self._ahead

    def replay(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._ahead += seconds


@dataclass(frozen=True)
class Plan:
    """How often to ask, as found out by asking.

    Attributes:
        queries: how many to time.
        first_seconds: what the very first took.
    """

    queries: int
    first_seconds: float


def plan(predict: Callable[[Any], Any], queries: Iterator[Any], scenario: Scenario, factor: float) -> Plan:
    """Warm up, a little and for no longer than the scenario's time, and see how many queries fit into that."""
    available = factor * scenario.seconds
    first = _seconds(predict, next(queries))  # apart: it may compile
    warm = [_seconds(predict, next(queries))]
    while len(warm) < WARM_UP_CALLS and sum(warm) < available:
        warm.append(_seconds(predict, next(queries)))
    fitting = math.floor(available / max(min(warm), 1e-9))
    enough = scenario.queries if fitting >= scenario.queries else max(1, min(scenario.fewer, fitting))
    return Plan(enough, first_seconds=first)


def round_trip(estimator: Any, queries: Iterator[Query]) -> float | None:
    """Median seconds of an estimator's `round_trip`, warmed up; None where it offers none."""
    offers = offered(estimator, RoundTrip)
    if offers is None:
        return None
    for _ in range(WARM_UP_CALLS):
        offers.round_trip(next(queries).X)
    return float(np.median([_seconds(offers.round_trip, next(queries).X) for _ in range(ROUND_TRIPS)]))


def _seconds(predict: Callable[[Any], Any], query: Any) -> float:
    started = perf_counter()
    predict(query)
    return perf_counter() - started
