"""Models that are opened to be timed: each with a stopwatch, in a process of its own or here, and in turns."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, Protocol, TypeVar

from numpy.typing import NDArray

from fitgate.engines import NATIVE, named
from fitgate.executor import ExecutorError, Place, Process, save
from fitgate.latency.examples import Rows
from fitgate.latency.repetition import Turns
from fitgate.latency.stopwatch import Asked, Stopwatch, loaded, served
from fitgate.latency.timing import SERVER, Scenario, TimedProcess, Timing
from fitgate.machine.energy import together
from fitgate.runs import Limit, ModelFailed
from fitgate.runs.apart import HANDING_OVER, failure
from fitgate.runs.training import failing
from fitgate.text import counted

SPARING = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # the session's own JAX holds three quarters of a GPU's memory
ASKING = 60.0  # seconds that asking in a scenario may take besides a model's limit, times the session's factor
Key = tuple[str, str]  # the names of a model and of the engine that serves it
Making = Callable[[Path, int, int], Stopwatch]  # from the file of the examples, their number and a seed


class Answered(NamedTuple):
    """What a process answered in a scenario.

    Attributes:
        load_seconds: what loading the model took there; None in the session's own process.
        asked: what asking came to.
    """

    load_seconds: float | None
    asked: Asked


def timing_of(
    answered: Sequence[Answered], model: str, task: str, scenario: str, size: int, engine: str = NATIVE
) -> Timing:
    """What was measured in a scenario, of queries of so many examples, as a record keeps it."""
    seconds = [round(second, 9) for _, asked in answered for second in asked.seconds]
    told, first = sum(len(rows) for rows, _ in answers_of(answered)), answered[0].asked
    return Timing(
        model=model,
        task=task,
        scenario=scenario,
        batch_size=size,
        seconds=seconds,
        first_seconds=first.first_seconds,
        compile_seconds=first.compile_seconds or None,
        round_trip_seconds=first.round_trip_seconds,
        repeated=round(sum(asked.repeated for _, asked in answered) / told, 4) if told else None,
        processes=[
            TimedProcess(len(asked.seconds), load, asked.first_seconds) for load, asked in answered if load is not None
        ],
        engine=engine,
        threads=first.threads,
        joules=together([asked.joules for _, asked in answered]),
    )


def answers_of(answered: Sequence[Answered]) -> list[tuple[Rows, NDArray[Any]]]:
    """The answers of all processes, with the places in the test split that each is about."""
    return [answer for _, asked in answered for answer in asked.answers]


class Opened:
    """A fitted model with a stopwatch: in a process of its own, or here.

    Args:
        key: the names of the model and its engine.
        task: the name of the one that it is asked.
        stopwatch: the process that keeps it; or itself, where it is here.
        limit: how long the model may take; None for ever.
        factor: how long to time, times the usual.
    """

    def __init__(self, key: Key, task: str, stopwatch: Process | Stopwatch, limit: Limit | None, factor: float):
        self.key, self._name, self._task = key, named(*key), task
        self._stopwatch, self._limit, self._factor = stopwatch, limit, factor

    def ask(self, scenario: Scenario) -> Answered:
        """Have it asked in a scenario.

        Raises:
            ModelFailed: if it fails, takes too long, or ends its process.
        """
        arguments = () if scenario is SERVER else (scenario,)
        asked = self._do("serve" if scenario is SERVER else "ask", *arguments, self._factor)
        apart = isinstance(self._stopwatch, Process)
        return Answered(self._do("load_seconds") if apart else None, asked)

    def take_turns(self, size: int) -> Turns | None:
        """Have new examples and known ones timed in turns.

        Raises:
            ModelFailed: as `ask` does.
        """
        turns: Turns | None = self._do("take_turns", size, self._factor)
        return turns

    def outputs(self) -> list[str]:
        """The methods by which it answers.

        Raises:
            ModelFailed: as `ask` does, and if it can't be loaded.
        """
        outputs: list[str] = self._do("outputs")
        return outputs

    def answer(self, method: str) -> Any:
        """What a method gives for the whole test split at once.

        Raises:
            ModelFailed: as `ask` does.
        """
        return self._do("answer", method)

    def close(self) -> None:
        """End its process."""
        if isinstance(self._stopwatch, Process):
            self._stopwatch.close()

    def _do(self, method: str, *arguments: Any) -> Any:
        with failing(self._name, self._task, "predict"):
            if isinstance(self._stopwatch, Stopwatch):
                return getattr(self._stopwatch, method)(*arguments)
            seconds = self._limit and 3 * self._limit.seconds + HANDING_OVER + ASKING * max(1.0, self._factor)
            try:
                return self._stopwatch.ask(method, *arguments, timeout=seconds)
            except ExecutorError as error:
                late = self._limit and Limit(seconds or 0.0, self._limit.source)
                raise ModelFailed(failure(self._name, self._task, "predict", error, late)) from error


class Depot:
    """A private directory with what timed processes load, and that ends with it.

    Raises:
        Exception: from each method, whatever pickling a model's own classes raises.
    """

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="fitgate-timing-", ignore_cleanup_errors=True)
        self._examples: dict[str, Path] = {}

    def estimator(self, key: Key, estimator: Any, threads: int | None = None) -> Making:
        """What makes a stopwatch of an estimator as it is, which answers with so many threads."""
        path = save(Path(self._directory.name), f"{'-'.join(key)}-estimator", estimator)
        return partial(loaded, path, threads=threads)

    def artefact(self, key: Key, content: bytes, load: Callable[[bytes], Any], threads: int | None = None) -> Making:
        """What makes a stopwatch of what an engine loads of its bytes, which answers with so many threads."""
        directory, name = Path(self._directory.name), "-".join(key)
        path = directory / f"{name}.artefact"
        path.write_bytes(content)
        engine = save(directory, f"{name}-engine", load, by_value=_own_module(load))
        return partial(served, path, engine, threads=threads)

    def examples(self, dataset: str, X: Any) -> Path:
        """The file of a dataset's examples, written once."""
        if dataset not in self._examples:
            self._examples[dataset] = save(Path(self._directory.name), f"{len(self._examples)}-examples", X)
        return self._examples[dataset]


def process(key: Key, making: Callable[[], Stopwatch]) -> Process:
    """A fresh process that makes a stopwatch, and in which nothing else runs."""
    return Process(making, label=f"timing {named(*key)}", place=Place(environment=SPARING))


class Keyed(Protocol):
    """What is timed: it has the names of a model and its engine."""

    @property
    def key(self) -> Key: ...


K = TypeVar("K", bound=Keyed)


def in_turns(
    every: Sequence[tuple[K, Sequence[Scenario]]],
    processes: int,
    once: Callable[[K], AbstractContextManager[Opened]],
    say: Callable[[str], AbstractContextManager[None]],
) -> tuple[Mapping[tuple[Key, Scenario], list[Answered]], Mapping[Key, ModelFailed]]:
    """Time all in as many processes each, a process of each after the other, and then again.

    Args:
        every: what is timed, in which scenarios.
        processes: of each.
        once: opens one in a fresh process, which ends with the context.
        say: is told of each turn; a context around it.

    Returns:
        what was answered, in each process, and what failed, where nothing counts.
    """
    found: dict[tuple[Key, Scenario], list[Answered]] = {}
    failed: dict[Key, ModelFailed] = {}
    for turn in range(processes):
        with say(f"timing {counted(len(every), 'model')}, each in process {turn + 1} of {processes}"):
            for one, scenarios in every:
                if one.key in failed:
                    continue
                try:
                    with once(one) as opened:
                        for scenario in scenarios:
                            found.setdefault((one.key, scenario), []).append(opened.ask(scenario))
                except ModelFailed as error:
                    failed[one.key] = error
    return found, failed


def _own_module(load: Callable[[bytes], Any]) -> tuple[ModuleType, ...]:
    """A plugin's module that an engine's `load` is in: alone, without the package around it, where it serves."""
    module = sys.modules.get(getattr(load.func if isinstance(load, partial) else load, "__module__", ""))
    return () if module is None or module.__name__.partition(".")[0] == "fitgate" else (module,)
