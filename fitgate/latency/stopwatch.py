"""A stopwatch: a fitted model in a process in which nothing else has run, where it is asked and timed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.clock import perf_counter
from fitgate.data.split import is_sparse
from fitgate.executor import load
from fitgate.latency import repetition
from fitgate.latency.examples import Examples, Rows
from fitgate.latency.queries import Asker, Queries, Query
from fitgate.latency.repetition import Turns, take_turns
from fitgate.latency.serving import Served, serve
from fitgate.latency.timing import SERVER, Scenario, enough, round_trip
from fitgate.machine import Meter, few_threads, usable_cores
from fitgate.protocols import compile_seconds

FEW = 2_000  # examples: about where a forest of 100 trees answers as fast on two threads, which take 20 ms to start
MADE = 1_000  # examples that are copied at a time

OUTPUTS = ("predict", "predict_proba", "decision_function")


class Asked(NamedTuple):
    """What asking a model in a scenario came to, in one process.

    Attributes:
        seconds: wall time of each query; of the server, from arrival to answer.
        answers: the places in the test split that were asked about, and what came, of each query, warm-up included.
        repeated: how many of these examples the process had been asked about before.
        first_seconds: of the first query; None where it is the one sample, as all others would take too long.
        compile_seconds: the part of it that the estimator states as compilation.
        round_trip_seconds: as `Timing` has it.
        threads: as `Timing` has it.
        served: what the server came to; None for other scenarios, and where the model is too slow for it.
        joules: what the machine's counters say that the queries of `seconds` took, by part; empty where nothing counts.
    """

    seconds: list[float]
    answers: list[tuple[Rows, NDArray[Any]]]
    repeated: int
    first_seconds: float | None
    compile_seconds: float
    round_trip_seconds: float | None = None
    threads: int | None = None
    served: Served | None = None
    joules: Mapping[str, float] = {}


class Stopwatch:
    """A fitted model that is asked and timed.

    Args:
        estimator: fitted; or what an engine has made of it.
        X: the examples of a test split.
        n: how many there are.
        seed: of what is asked.
        load_seconds: what loading the estimator took, with its libraries.
        threads: that answer queries of fewer than `FEW` examples; None for all.
    """

    def __init__(
        self, estimator: Any, X: Any, n: int, seed: int, load_seconds: float = 0.0, threads: int | None = None
    ):
        self._estimator, self._n, self._seed, self._threads = estimator, n, seed, threads
        self._examples = Examples(X, n)
        self._queries = Queries(self._examples, seed)
        self._load_seconds = load_seconds
        self._meter = Meter()

    def load_seconds(self) -> float:
        """What loading the model took, in seconds, with the libraries that it imports."""
        return self._load_seconds

    def ask(self, scenario: Scenario, factor: float) -> Asked:
        """Ask in a scenario, warmed up, for its time times a factor."""
        size = min(scenario.batch_size or self._n, self._n)
        with few_threads(threads := self._threads_for(size)):
            return self._ask(scenario, size, factor)._replace(threads=threads)

    def _ask(self, scenario: Scenario, size: int, factor: float) -> Asked:
        asker, queries, before = Asker(self._estimator.predict), self._queries.of(size), self._meter.read()
        first, compiling = self._first(asker, next(queries))
        if size == self._n and not compiling and 2 * first > factor * scenario.seconds:
            return Asked([first], asker.answers, asker.repeated, None, 0.0, joules=self._meter.since(before))
        seconds: list[float] = []
        left = enough(asker.timed, queries, size, scenario, factor)
        before = self._meter.read()
        while left:  # made before, so that nothing comes between an answer and the next query
            made = [next(queries) for _ in range(min(left, max(1, MADE // size)))]
            seconds += map(asker.timed, made)
            left -= len(made)
        joules = self._meter.since(before)
        there_and_back = round_trip(self._estimator, queries)
        return Asked(seconds, asker.answers, asker.repeated, first, compiling, there_and_back, joules=joules)

    def serve(self, factor: float) -> Asked:
        """Answer single queries that arrive at random: see `fitgate.latency.serving`."""
        asker, queries = Asker(self._estimator.predict), self._queries.of(1)
        with few_threads(threads := self._threads_for(1)):
            first, compiling = self._first(asker, next(queries))
            enough(asker.timed, queries, 1, SERVER, factor)
            served = serve(asker, queries, factor * SERVER.seconds)
        latencies = served.latencies if served else []
        return Asked(latencies, asker.answers, asker.repeated, first, compiling, threads=threads, served=served)

    def take_turns(self, size: int, factor: float) -> Turns | None:
        """Time new examples and known ones in turns: see `fitgate.latency.repetition`."""
        with few_threads(self._threads_for(size)):
            return take_turns(self._estimator.predict, self._examples, size, factor * repetition.SECONDS, self._seed)

    def outputs(self) -> list[str]:
        """The methods by which it answers."""
        return [name for name in OUTPUTS if hasattr(self._estimator, name)]

    def answer(self, method: str) -> Any:
        """What a method gives for the whole test split at once, on the host: masked or sparse where it is that."""
        given = getattr(self._estimator, method)(self._examples.copies(np.arange(self._n)))
        return given if isinstance(given, list) or is_sparse(given) else np.asanyarray(given)

    def _threads_for(self, size: int) -> int | None:
        """The threads that answer queries of so many examples; None for all."""
        return self._threads if self._threads is not None and size < FEW and self._threads < usable_cores() else None

    def _first(self, asker: Asker, query: Query) -> tuple[float, float]:
        """Seconds of a first query of its size, and how many of these were compilation."""
        before = compile_seconds(self._estimator).items()
        first = asker.timed(query)
        return first, sum(seconds for _, seconds in compile_seconds(self._estimator).items() - before)


def loaded(estimator: Path, examples: Path, n: int, seed: int, threads: int | None = None) -> Stopwatch:
    """A stopwatch of what lies in files, as `fitgate.executor.save` writes them."""
    X, started = load(examples), perf_counter()
    model = load(estimator)
    return Stopwatch(model, X, n, seed, perf_counter() - started, threads)


def served(content: Path, engine: Path, examples: Path, n: int, seed: int, threads: int | None = None) -> Stopwatch:
    """A stopwatch of what an engine loads, from a file of bytes, by its `load`, which `fitgate.executor.save` wrote."""
    X, started = load(examples), perf_counter()
    predictor = load(engine)(content.read_bytes())
    return Stopwatch(predictor, X, n, seed, perf_counter() - started, threads)
