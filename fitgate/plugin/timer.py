"""The timer: fitted models, each timed in processes of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fitgate.data import Dataset
from fitgate.executor import ExecutorError, Place, Process, save
from fitgate.latency.examples import Rows
from fitgate.latency.repetition import Turns
from fitgate.latency.stopwatch import Asked, Stopwatch, loaded
from fitgate.latency.timing import SERVER, Scenario, TimedProcess, Timing
from fitgate.model import Model
from fitgate.plugin.trained import TrainedModel
from fitgate.runs import Limit, ModelFailed
from fitgate.runs.apart import HANDING_OVER, failure
from fitgate.runs.training import failing
from fitgate.tasks import Task

SPARING = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}  # the session's own JAX holds three quarters of a GPU's memory
ASKING = 60.0  # seconds that asking in a scenario may take besides a model's limit, times the session's factor


class Answered(NamedTuple):
    """What a process answered in a scenario.

    Attributes:
        load_seconds: what loading the model took there; None in the session's own process.
        asked: what asking came to.
    """

    load_seconds: float | None
    asked: Asked


def timing_of(answered: Sequence[Answered], model: str, task: str, scenario: str, size: int) -> Timing:
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
    )


def answers_of(answered: Sequence[Answered]) -> list[tuple[Rows, NDArray[Any]]]:
    """The answers of all processes, with the places in the test split that each is about."""
    return [answer for _, asked in answered for answer in asked.answers]


class Opened:
    """A fitted model with a stopwatch: in a process of its own, or here.

    Args:
        subject: the model, on its timed task.
        stopwatch: the process that keeps it; or itself, where it is here.
        limit: how long the model may take; None for ever.
        factor: how long to time, times the usual.
    """

    def __init__(self, subject: TrainedModel, stopwatch: Process | Stopwatch, limit: Limit | None, factor: float):
        self.name, self._task = subject.model.name, subject.model.timed_task.name
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

    def close(self) -> None:
        """End its process."""
        if isinstance(self._stopwatch, Process):
            self._stopwatch.close()

    def _do(self, method: str, *arguments: Any) -> Any:
        with failing(self.name, self._task, "predict"):
            if isinstance(self._stopwatch, Stopwatch):
                return getattr(self._stopwatch, method)(*arguments)
            seconds = self._limit and 3 * self._limit.seconds + HANDING_OVER + ASKING * max(1.0, self._factor)
            try:
                return self._stopwatch.ask(method, *arguments, timeout=seconds)
            except ExecutorError as error:
                late = self._limit and Limit(seconds or 0.0, self._limit.source)
                raise ModelFailed(failure(self.name, self._task, "predict", error, late)) from error


class Timer:
    """Times models: each in a process of its own that its test starts, or all in several, which take turns.

    Args:
        processes: how many time each model; 0 for the session's own.
        factor: how long to time, times the usual.
        seed: of what is asked.
        data_of: a task's dataset.
        limit_of: how long a model may take.
        timed: the models that are timed, and in which scenarios.
        say: is told what takes long; a context around it.
    """

    def __init__(
        self,
        processes: int,
        factor: float,
        seed: int,
        data_of: Callable[[Task], Dataset],
        limit_of: Callable[[Model], Limit | None],
        timed: Callable[[], Mapping[str, tuple[TrainedModel, Sequence[Scenario]]]],
        say: Callable[[str], AbstractContextManager[None]],
    ):
        self._processes, self._factor, self._seed = processes, factor, seed
        self._data_of, self._limit_of, self._timed, self._say = data_of, limit_of, timed, say
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._examples: dict[str, Path] = {}
        self._open: Opened | None = None
        self._found: dict[tuple[str, str], list[Answered]] = {}
        self._failed: dict[str, ModelFailed] = {}

    def ask(self, subject: TrainedModel, scenario: Scenario) -> list[Answered]:
        """What a model answered in a scenario, in each of its processes.

        Raises:
            ModelFailed: if it failed in one, now or before.
        """
        name = subject.model.name
        if self._processes > 1 and not self._found and not self._failed:
            self._take_turns()
        if name in self._failed:
            raise self._failed[name].with_traceback(None)
        if self._processes > 1:
            return self._found[name, scenario.name]
        try:
            return [self.opened(subject).ask(scenario)]
        except ModelFailed as error:
            self._failed[name] = error
            raise

    def opened(self, subject: TrainedModel) -> Opened:
        """A model with its stopwatch; that of another model is closed."""
        if self._open is None or self._open.name != subject.model.name:
            self.close()
            self._open = self._opened(subject)
        return self._open

    def close(self) -> None:
        """End the process that is open."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _take_turns(self) -> None:
        """Time all models in as many processes each, a process of each after the other, and then again."""
        self.close()
        timed = self._timed()
        for turn in range(self._processes):
            with self._say(f"timing {len(timed)} models, each in process {turn + 1} of {self._processes}"):
                for name, (subject, scenarios) in timed.items():
                    if name in self._failed:
                        continue
                    try:
                        with closing(self._opened(subject)) as opened:
                            for scenario in scenarios:
                                self._found.setdefault((name, scenario.name), []).append(opened.ask(scenario))
                    except ModelFailed as error:
                        self._failed[name] = error

    def _opened(self, subject: TrainedModel) -> Opened:
        task = subject.model.timed_task
        subject.evaluation(task)  # what it may have remembered of that goes with it, and is found out
        test, estimator, limit = self._data_of(task).test, subject.on(task).estimator, self._limit_of(subject.model)
        stopwatch: Process | Stopwatch | None = None
        if self._processes:
            stopwatch = self._process(subject.model.name, task, test.X, len(test), estimator)
        if stopwatch is None:
            stopwatch = Stopwatch(estimator, test.X, len(test), self._seed)
        return Opened(subject, stopwatch, limit, self._factor)

    def _process(self, name: str, task: Task, X: Any, n: int, estimator: Any) -> Process | None:
        """A process with a copy of the model; None if it can't be sent there."""
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="fitgate-timing-", ignore_cleanup_errors=True)
        directory = Path(self._directory.name)
        dataset = self._data_of(task).name
        try:
            kept = save(directory, f"{name}-estimator", estimator)
            if dataset not in self._examples:
                self._examples[dataset] = save(directory, f"{len(self._examples)}-examples", X)
        except Exception:  # whatever pickling a model's own classes raises
            return None
        call = partial(loaded, kept, self._examples[dataset], n, self._seed)
        return Process(call, label=f"timing {name}", place=Place(environment=SPARING))
