"""Timing: how latency is asked for, and what was measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import NormalDist
from typing import Any

import msgspec
import numpy as np

from fitgate.clock import perf_counter
from fitgate.engines import NATIVE
from fitgate.latency.queries import Query
from fitgate.protocols import RoundTrip, offered
from fitgate.statistics import mean_interval, quiet_level

# The fewest queries whose second-slowest is, with 99 % confidence, no faster than the 99th percentile: the smallest n
# with 0.99^n + n 0.01 0.99^(n-1) <= 0.01 (order statistics of a binomial).
QUERIES_FOR_P99 = 662
WARM_UP_CALLS = 3
ROUND_TRIPS = 30
SHORTEST = 0.25  # seconds in which as many queries are timed as fit, and more than are enough: of several slices
MOST = 5_000  # examples that these ask about: answers are kept, and a record has the seconds of all queries
ALIKE = 10  # queries whose median is alike, whatever they ask about
HELD = 0.9  # how often another run's typical query lies in the interval of one
# What a run's processes have in common and another run's don't, as a standard deviation of logarithms: the mean over
# models and scenarios of 20 runs on an idle virtual machine (reports/repeatability).
BETWEEN_RUNS = 0.012


@dataclass(frozen=True)
class Scenario:
    """A way to ask for predictions, after MLPerf Inference (arXiv 1911.02549).

    Attributes:
        name: what records call it.
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

    @property
    def label(self) -> str:
        """What test ids call it: those of batches have their size."""
        return _label(self.name, self.batch_size)

    def fits(self, n: int) -> bool:
        """Whether it can be asked about so many examples: no batch repeats any; other scenarios take fewer."""
        return self.name != BATCH or (self.batch_size or n) <= n


SINGLE = Scenario("single", 1, seconds=1.5, queries=QUERIES_FOR_P99, fewer=100)
MULTI = Scenario("multi", 8, seconds=0.5, queries=QUERIES_FOR_P99, fewer=30)
OFFLINE = Scenario("offline", None, seconds=0.5, queries=100, fewer=100)
SCENARIOS = (SINGLE, MULTI, OFFLINE)
BATCH = "batch"  # the scenario of other sizes
SERVER = Scenario("server", 1, seconds=2.0, queries=QUERIES_FOR_P99, fewer=1)


def batches(sizes: Iterable[int]) -> tuple[Scenario, ...]:
    """Scenarios of batches of these sizes, the smallest first, less those that other scenarios ask for."""
    others = {scenario.batch_size for scenario in SCENARIOS}
    return tuple(Scenario(BATCH, n, seconds=0.3, queries=100, fewer=5) for n in sorted(set(sizes) - others))


def _label(scenario: str, batch_size: int | None) -> str:
    return f"{scenario}-{batch_size}" if scenario == BATCH else scenario


class TimedProcess(msgspec.Struct, frozen=True):
    """A process of its own in which a model was timed.

    Attributes:
        queries: how many of the timing's are its own; they follow those of the processes before.
        load_seconds: what loading the model took there, with the libraries that it imports.
        first_seconds: of the first query of this batch size, with compilation and other first-time work in it; None
            where that is the one sample, as more would take too long.
    """

    queries: int
    load_seconds: float
    first_seconds: float | None


class Timing(msgspec.Struct, frozen=True, tag=True):
    """What asking for predictions took. Answers are host arrays, so a device has finished and transfers are in it.

    Attributes:
        model, task, scenario: names.
        batch_size: examples per query.
        seconds: wall time of each query, warmed up, without compilation.
        first_seconds: of the first query of this batch size, with compilation and other first-time work in it; None
            where the one sample is the first. Of several processes, the first one's.
        compile_seconds: the part of that which the estimator states as compilation.
        round_trip_seconds: median of such a query's way to the device and back without the computing in between; None
            where the estimator offers no `fitgate.protocols.RoundTrip`.
        rate: of scenario `server`: queries that arrived per second; `seconds` are then from arrival to answer.
        bound: of `server`: what their p99 had to stay under, in seconds.
        kernel: the calibration kernel that measures the model's work; empty for none.
        work_per_example: how much it does for an example, as that kernel counts.
        repeated: share of the examples that were asked for, warm-up included, that timings of the same process had
            asked for before; None where that was not counted.
        processes: those in which it was timed, one after the other; none where that was the session's own, in which
            other models ran before.
        engine: that served the model; `native` is the estimator as it is.
        threads: cores that it answered with, where its author says so; None for all.
        joules: what the machine's counters say that the queries of `seconds` took, by the part that they count
            (`processor`, `accelerator`), whatever else ran there included; empty where nothing counts.
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
    processes: list[TimedProcess] = []
    engine: str = NATIVE
    threads: int | None = None
    joules: dict[str, float] = {}

    @property
    def label(self) -> str:
        """As `Scenario.label`."""
        return _label(self.scenario, self.batch_size)

    def percentile(self, q: float) -> float | None:
        """A percentile of the queries' seconds; None where there are too few queries for an honest one."""
        if q > 95 and len(self.seconds) < QUERIES_FOR_P99:
            return None
        return float(np.percentile(self.seconds, q))

    @property
    def levels(self) -> list[float]:
        """What a query of each process takes while the machine is quiet, in seconds: see `quiet_level`."""
        least = 1 if self.scenario == OFFLINE.name else ALIKE  # all queries of `offline` ask the same
        edges = accumulate((process.queries for process in self.processes), initial=0)
        series = [self.seconds[begun:end] for begun, end in pairwise(edges)] or [self.seconds]
        return [quiet_level(seconds, least) for seconds in series]

    @property
    def typical(self) -> float:
        """What a query takes while the machine is quiet, in seconds: a geometric mean over processes."""
        return float(np.exp(np.mean(np.log(self.levels))))

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where the typical query of another run here lies, nine times in ten, in seconds; None of a single process.

        Student's t over processes, as their levels vary by factors, and what runs differ by besides; of another run of
        as many, so that both spreads count. That queries of a process are alike tells nothing of other processes: T.
        Kalibera, R. Jones, "Rigorous benchmarking in reasonable time", ISMM 2013.
        """
        logs = np.log(self.levels)
        if len(logs) < 2:
            return None
        low, high = mean_interval(logs, HELD)
        reach = math.sqrt(2) * math.hypot((high - low) / 2, between_runs(HELD))
        return self.typical * math.exp(-reach), self.typical * math.exp(reach)

    @property
    def examples_per_second(self) -> float:
        """Throughput at the typical query, or the rate at which queries arrived and were answered in time."""
        if self.rate is not None:
            return self.rate
        return self.batch_size / self.typical

    @property
    def joules_per_example(self) -> float | None:
        """Of all parts together; None where nothing counts."""
        return sum(self.joules.values()) / (self.batch_size * len(self.seconds)) if self.joules else None


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


def between_runs(confidence: float) -> float:
    """How far a two-sided interval of a run's mean logarithm reaches by `BETWEEN_RUNS` alone."""
    return BETWEEN_RUNS * NormalDist().inv_cdf((1 + confidence) / 2)


def enough(ask: Callable[[Any], float], queries: Iterator[Any], size: int, scenario: Scenario, factor: float) -> int:
    """Warm up, a little and for no longer than a scenario's time, and see how many queries are to be timed in that.

    Args:
        ask: answers a query, and says what that took, in seconds; it has answered one before.
        queries: without end.
        size: examples of a query.
        scenario: how they are asked.
        factor: how long to time, times the usual.
    """
    available = factor * scenario.seconds
    warm = [ask(next(queries))]
    while len(warm) < WARM_UP_CALLS and sum(warm) < available:
        warm.append(ask(next(queries)))
    query = max(min(warm), 1e-9)
    fitting = math.floor(available / query)
    if fitting < scenario.queries:
        return max(1, min(scenario.fewer, fitting))
    return min(fitting, max(scenario.queries, min(MOST // size, math.ceil(factor * SHORTEST / query))))


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
