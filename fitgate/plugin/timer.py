"""The timer: fitted models, each timed in processes of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fitgate.data import Dataset
from fitgate.engines import NATIVE, Artefact
from fitgate.executor import ExecutorError, Place, Process, save
from fitgate.latency.examples import Rows
from fitgate.latency.repetition import Turns
from fitgate.latency.stopwatch import Asked, Stopwatch, loaded, served
from fitgate.latency.timing import SERVER, Scenario, TimedProcess, Timing
from fitgate.model import Model
from fitgate.plugin.trained import TrainedModel
from fitgate.runs import Limit, ModelFailed
from fitgate.runs.apart import HANDING_OVER, failure
from fitgate.runs.training import failing
from fitgate.tasks import Task

SPARING = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # the session's own JAX holds three quarters of a GPU's memory
ASKING = 60.0  # seconds that asking in a scenario may take besides a model's limit, times the session's factor
Key = tuple[str, str]  # the names of a model and of the engine that serves it


class Timed(NamedTuple):
    """What is timed.

    Attributes:
        subject: the model, on its timed task.
        artefact: what it was converted to for an engine; None for its estimator as it is.
    """

    subject: TrainedModel
    artefact: Artefact | None = None

    @property
    def engine(self) -> str:
        """The name of the engine that serves it."""
        return NATIVE if self.artefact is None else self.artefact.engine.name

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.subject.model.name, self.engine

    @property
    def named(self) -> str:
        """What errors call it."""
        return " by ".join(self.key[: 1 if self.artefact is None else 2])


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
    )


def answers_of(answered: Sequence[Answered]) -> list[tuple[Rows, NDArray[Any]]]:
    """The answers of all processes, with the places in the test split that each is about."""
    return [answer for _, asked in answered for answer in asked.answers]


class Opened:
    """A fitted model with a stopwatch: in a process of its own, or here.

    Args:
        timed: the model, as it is served.
        stopwatch: the process that keeps it; or itself, where it is here.
        limit: how long the model may take; None for ever.
        factor: how long to time, times the usual.
    """

    def __init__(self, timed: Timed, stopwatch: Process | Stopwatch, limit: Limit | None, factor: float):
        self.key, self._name, self._task = timed.key, timed.named, timed.subject.model.timed_task.name
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


class Timer:
    """Times models: each in a process of its own that its test starts, or all in several, which take turns.

    Args:
        processes: how many time each model; 0 for the session's own.
        factor: how long to time, times the usual.
        seed: of what is asked.
        data_of: a task's dataset.
        limit_of: how long a model may take.
        timed: what is timed, in which scenarios.
        say: is told what takes long; a context around it.
    """

    def __init__(
        self,
        processes: int,
        factor: float,
        seed: int,
        data_of: Callable[[Task], Dataset],
        limit_of: Callable[[Model], Limit | None],
        timed: Callable[[], Sequence[tuple[Timed, Sequence[Scenario]]]],
        say: Callable[[str], AbstractContextManager[None]],
    ):
        self._processes, self._factor, self._seed = processes, factor, seed
        self._data_of, self._limit_of, self._timed, self._say = data_of, limit_of, timed, say
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._examples: dict[str, Path] = {}
        self._open: Opened | None = None
        self._found: dict[tuple[Key, str], list[Answered]] = {}
        self._failed: dict[Key, ModelFailed] = {}

    def ask(self, timed: Timed, scenario: Scenario) -> list[Answered]:
        """What a model answered in a scenario, in each of its processes.

        Raises:
            ModelFailed: if it failed in one, now or before.
        """
        key = timed.key
        if self._processes > 1 and not self._found and not self._failed:
            self._take_turns()
        if key in self._failed:
            raise self._failed[key].with_traceback(None)
        if self._processes > 1:
            return self._found[key, scenario.name]
        try:
            return [self.opened(timed).ask(scenario)]
        except ModelFailed as error:
            self._failed[key] = error
            raise

    def opened(self, timed: Timed) -> Opened:
        """A model with its stopwatch; that of another model, or engine, is closed."""
        if self._open is None or self._open.key != timed.key:
            self.close()
            self._open = self._opened(timed)
        return self._open

    def once(self, timed: Timed) -> AbstractContextManager[Opened]:
        """A model with a stopwatch of its own, whose process ends with the context; any other is closed before."""
        self.close()
        return closing(self._opened(timed))

    def close(self) -> None:
        """End the process that is open."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _take_turns(self) -> None:
        """Time all models in as many processes each, a process of each after the other, and then again."""
        every = self._timed()
        for turn in range(self._processes):
            with self._say(f"timing {len(every)} models, each in process {turn + 1} of {self._processes}"):
                for timed, scenarios in every:
                    if timed.key in self._failed:
                        continue
                    try:
                        with self.once(timed) as opened:
                            for scenario in scenarios:
                                self._found.setdefault((timed.key, scenario.name), []).append(opened.ask(scenario))
                    except ModelFailed as error:
                        self._failed[timed.key] = error

    def _opened(self, timed: Timed) -> Opened:
        model, task, artefact = timed.subject.model, timed.subject.model.timed_task, timed.artefact
        timed.subject.evaluation(task)  # what it may have remembered of that goes with it, and is found out
        test, limit = self._data_of(task).test, self._limit_of(model)
        stopwatch: Process | Stopwatch | None = self._process(timed) if self._processes else None
        if stopwatch is None:
            if artefact is None:
                predictor = timed.subject.on(task).estimator
            else:
                with failing(timed.named, task.name, "load"):
                    predictor = artefact.engine.load(artefact.content)
            stopwatch = Stopwatch(predictor, test.X, len(test), self._seed)
        return Opened(timed, stopwatch, limit, self._factor)

    def _process(self, timed: Timed) -> Process | None:
        """A process with a copy of the model; None if it can't be sent there."""
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="fitgate-timing-", ignore_cleanup_errors=True)
        directory, task = Path(self._directory.name), timed.subject.model.timed_task
        dataset, name = self._data_of(task), "-".join(timed.key)
        try:
            if timed.artefact is None:
                made_by = partial(loaded, save(directory, f"{name}-estimator", timed.subject.on(task).estimator))
            else:
                content = directory / f"{name}.artefact"
                content.write_bytes(timed.artefact.content)
                load = timed.artefact.engine.load
                made_by = partial(served, content, save(directory, f"{name}-engine", load, by_value=_own_module(load)))
            if dataset.name not in self._examples:
                self._examples[dataset.name] = save(directory, f"{len(self._examples)}-examples", dataset.test.X)
        except Exception:  # whatever pickling a model's own classes raises
            return None
        call = partial(made_by, self._examples[dataset.name], len(dataset.test), self._seed)
        return Process(call, label=f"timing {timed.named}", place=Place(environment=SPARING))


def _own_module(load: Callable[[bytes], Any]) -> tuple[ModuleType, ...]:
    """A plugin's module that an engine's `load` is in: alone, without the package around it, where it serves."""
    module = sys.modules.get(getattr(load, "__module__", ""))
    return () if module is None or module.__name__.partition(".")[0] == "fitgate" else (module,)
