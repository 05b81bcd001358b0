"""Conversion: fitted models made into what engines load; where a limit is in force, in processes of their own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from copy import deepcopy
from functools import partial
from importlib import import_module
from typing import Any

from fitgate.clock import perf_counter
from fitgate.data import lent
from fitgate.engines import Artefact, Engine, NotServed, named
from fitgate.errors import LoggedError
from fitgate.executor import ExecutorError, Place, Process
from fitgate.latency.opened import SPARING
from fitgate.model import Model
from fitgate.plugin.trained import TrainedModel
from fitgate.runs import Limit, ModelFailed
from fitgate.runs.apart import HANDING_OVER, failure
from fitgate.runs.side_effects import unchanged, watched
from fitgate.runs.training import failing
from fitgate.tasks import Task, TaskData
from fitgate.text import shown

Converted = tuple[bytes, float] | str  # content and seconds; or why there are none


class Conversion:
    """Converts fitted models.

    Args:
        data_of: a task on its data.
        limit_of: how long a model may take, and so its conversion.
        emit: is given the errors of conversions.
        progress: is given, in words, what may take long, and is a context around it.
    """

    def __init__(
        self,
        data_of: Callable[[Task], TaskData],
        limit_of: Callable[[Model], Limit | None],
        emit: Callable[[LoggedError], None],
        progress: Callable[[str], AbstractContextManager[None]],
    ):
        self._data_of, self._limit_of = data_of, limit_of
        self._emit, self._progress = emit, progress

    def artefact(self, subject: TrainedModel, engine: Engine) -> Artefact:
        """What a model comes to: its estimator, the data and the session's process stay as they are.

        Raises:
            NotServed: if it can't be converted, or not in time.
            ModelFailed: if fitting it failed.
        """
        model, task = subject.model, subject.model.timed_task
        trained, data, name = subject.on(task), self._data_of(task), named(model.name, engine.name)
        with self._progress(f"converting {model.name} on {task.name} for {engine.name}"):
            try:
                with failing(name, task.name, "convert"):
                    if limit := self._limit_of(model):
                        found = _apart(name, engine, trained.estimator, data, limit)
                    else:
                        with unchanged(data), watched(trained.fit.seed):
                            found = converted(engine, _copy(trained.estimator), lent(data.dataset.test.X))
            except ModelFailed as error:
                self._emit(LoggedError(str(error.failure), error.traceback))
                raise NotServed(f"it can't be converted: {error.failure.error}") from None
        if isinstance(found, str):
            raise NotServed(found)
        return Artefact(engine, *found)


def converted(engine: Engine, estimator: Any, X: Any) -> Converted:
    """What a fitted estimator comes to, of the test split's X.

    Raises:
        Exception: what converting raises, but for `NotServed`, whose text says all.
    """
    started = perf_counter()
    try:
        content = engine.converted(estimator, X)
    except NotServed as error:
        return shown(error)
    return content, perf_counter() - started


class Converter:
    """What a process keeps: all that a conversion takes, with the libraries that the engine requires."""

    def __init__(self, engine: Engine, estimator: Any, X: Any):
        self._convert = partial(converted, engine, estimator, X)
        for name in engine.requires:  # what is theirs to import is not the conversion's time
            with suppress(ImportError):
                import_module(name)

    def convert(self) -> Converted:
        """See `converted`."""
        return self._convert()


def _apart(named: str, engine: Engine, estimator: Any, data: TaskData, limit: Limit) -> Converted:
    """The conversion in a process of its own, which ends with it, or with its time."""
    call, handing_over = partial(Converter, engine, estimator, lent(data.dataset.test.X)), HANDING_OVER
    try:
        with Process(call, label=f"converting {named}", place=Place(environment=SPARING)) as process:
            process.ready(limit.seconds + handing_over)
            handing_over = 0.0
            found: Converted = process.ask("convert", timeout=limit.seconds)
            return found
    except ExecutorError as error:
        raise ModelFailed(failure(named, data.task.name, "convert", error, limit, 1, handing_over)) from error


def _copy(estimator: Any) -> Any:
    """A copy, as some conversions write to what they convert, which is timed; itself where there can be none."""
    try:
        return deepcopy(estimator)
    except Exception:  # of the estimator's own methods
        return estimator
