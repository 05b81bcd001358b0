"""The timer: fitted models, each timed in processes of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from functools import cached_property, partial
from typing import NamedTuple

from fitgate.data import Dataset
from fitgate.engines import NATIVE, Artefact, named
from fitgate.executor import Process
from fitgate.latency.opened import Answered, Depot, Key, Opened, in_turns, process
from fitgate.latency.stopwatch import Stopwatch
from fitgate.latency.timing import Scenario
from fitgate.model import Model
from fitgate.plugin.trained import TrainedModel
from fitgate.runs import Limit, ModelFailed
from fitgate.runs.training import failing
from fitgate.tasks import Task


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
    def threads(self) -> int | None:
        """That answer small queries; None for all, as where an engine has threads of its own."""
        return self.subject.model.serving_threads if self.artefact is None else None

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.subject.model.name, self.engine

    @property
    def named(self) -> str:
        """What errors call it."""
        return named(*self.key)


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
        self._open: Opened | None = None
        self._found: Mapping[tuple[Key, Scenario], list[Answered]] = {}
        self._failed: dict[Key, ModelFailed] = {}

    def ask(self, timed: Timed, scenario: Scenario) -> list[Answered]:
        """What a model answered in a scenario, in each of its processes.

        Raises:
            ModelFailed: if it failed in one, now or before.
        """
        key = timed.key
        if self._processes > 1 and not self._found and not self._failed:
            self._found, failed = in_turns(self._timed(), self._processes, self.once, self._say)
            self._failed.update(failed)
        if key in self._failed:
            raise self._failed[key].with_traceback(None)
        if self._processes > 1:
            return self._found[key, scenario]
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

    @cached_property
    def _depot(self) -> Depot:
        return Depot()

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
            stopwatch = Stopwatch(predictor, test.X, len(test), self._seed, threads=timed.threads)
        return Opened(timed.key, task.name, stopwatch, limit, self._factor)

    def _process(self, timed: Timed) -> Process | None:
        """A process with a copy of the model; None if it can't be sent there."""
        task, artefact = timed.subject.model.timed_task, timed.artefact
        dataset = self._data_of(task)
        try:
            if artefact is None:
                making = self._depot.estimator(timed.key, timed.subject.on(task).estimator, timed.threads)
            else:
                making = self._depot.artefact(timed.key, artefact.content, artefact.engine.load)
            examples = self._depot.examples(dataset.name, dataset.test.X)
        except Exception:  # whatever pickling a model's own classes raises
            return None
        return process(timed.key, partial(making, examples, len(dataset.test), self._seed))
