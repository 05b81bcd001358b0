"""Training: a model's estimator, fitted on a task, with its provenance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from fitgate.clock import perf_counter
from fitgate.data import DataError, lent
from fitgate.errors import in_one_line, traceback_of
from fitgate.model import Model
from fitgate.protocols import (
    CachesCompilation,
    FitsSeeds,
    Pipeline,
    StatesExecution,
    TrainingLoss,
    ValidationScores,
    Wraps,
    compile_seconds,
    offered,
)
from fitgate.runs.interpreter import ChangedProcess, Interpreter
from fitgate.runs.loading import loaded
from fitgate.runs.side_effects import ChangedData, unchanged, watched
from fitgate.runs.source import Source
from fitgate.runs.watch import Watch
from fitgate.tasks import TaskData
from fitgate.text import shown


class Failure(msgspec.Struct, frozen=True, tag=True):
    """What a model could not do.

    Attributes:
        model, task: names.
        stage: `fit`, `load` or `predict`; `import` of a plugin that could not be imported, whose name is then the
            model's, and whose task is empty.
        error: the error's type, text and place, in one line of bounded length.
    """

    model: str
    task: str
    stage: str
    error: str

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "error", shown(self.error))

    def __str__(self) -> str:
        on = f" on {self.task}" if self.task else ""
        return f"{self.model} failed to {self.stage}{on}: {self.error}"


class ModelFailed(Exception):
    """A model raised an error, or returned something impossible.

    Args:
        failure: what a record keeps of it.
        traceback: of the error that the model raised; empty where there is none.
    """

    def __init__(self, failure: Failure, traceback: str = ""):
        super().__init__(failure, traceback)
        self.failure, self.traceback = failure, traceback

    def __str__(self) -> str:
        return str(self.failure)


class Fit(msgspec.Struct, frozen=True, tag=True):
    """The provenance of a fitted estimator.

    Attributes:
        model, task: names.
        seed: what the model was built with.
        data_digest: SHA-256 of the dataset.
        seconds: wall time of the one `fit`, compilation included; with cross-validation, of the first fold's. None of
            what was not trained here.
        compile_seconds: the part of it that was just-in-time compilation; None where the estimator states none.
        compile_saved_seconds: how much longer that took before it was CACHED; 0 if nothing was in a cache.
        implementation: the estimator's class, and the class inside where it wraps one.
        execution: on what and how the estimator says that it computed; empty where it says nothing.
        curves: what the estimator says of its epochs, by `training loss` and `validation accuracy`; None stands for
            what is not finite.
        side_effects: what fitting left changed in its process, in words; all but threads and processes was put back.
        isolated: whether it was fitted in a process of its own, as models with a time limit are.
        elsewhere: what was different, in words, where a worker of `--fit-backend` fitted it, from the session's own
            environment.
        source: the file that holds what was not trained here; None where it was.
        cached: when it was fitted, ISO 8601, where that was in an earlier session; its times are CACHED.
        renewed: why what was kept of an earlier session did not serve, as a clause; empty where nothing was, or it did.
    """

    model: str
    task: str
    seed: int
    data_digest: str
    seconds: float | None
    compile_seconds: float | None
    implementation: str
    compile_saved_seconds: float = 0.0
    execution: str = ""
    curves: dict[str, list[float | None]] = {}
    side_effects: list[str] = []
    isolated: bool = False
    elsewhere: list[str] = []
    source: Source | None = None
    cached: str = ""
    renewed: str = ""


@dataclass(frozen=True)
class Trained:
    """A fitted estimator with its provenance."""

    fit: Fit
    estimator: Any


class Reused(Trained):
    """What was fitted in an earlier session; its estimator is made where somebody asks for it.

    Attributes:
        make: gives it; it stays in this process.
    """

    make: Callable[[], Any]

    def __init__(self, fit: Fit):
        object.__setattr__(self, "fit", fit)

    def made_by(self, make: Callable[[], Any]) -> Reused:
        """The same, in this process."""
        object.__setattr__(self, "make", make)
        return self

    def __getattr__(self, name: str) -> Any:
        if name != "estimator":
            raise AttributeError(name)
        object.__setattr__(self, "estimator", self.make())
        return self.estimator

    def __reduce__(self) -> tuple[Any, ...]:
        return Reused, (self.fit,)


def train(model: Model, data: TaskData, seed: int) -> Trained:
    """Build the model's estimator and fit it to the task on the training split: the one fit that is timed.

    Of a model that was trained elsewhere, load what its file holds instead.

    Raises:
        ModelFailed: if building, fitting or loading raises, or changes the data.
    """
    if not model.is_trained:
        return _loaded(model, data, seed)
    with failing(model.name, data.task.name, "fit"):
        if not len(data.dataset.train):
            raise DataError(
                data.dataset.name,
                found="no training examples",
                expected="some, or a model that is trained already",
                next_step="load a training split, too, or give the model an artefact or predictions",
            )
        with unchanged(data), watched(seed) as traces, Interpreter():
            estimator = model.build(seed)
            traces.built()
            X, y = lent(data.dataset.train.X), lent(data.y_train)
            started = perf_counter()
            estimator.fit(X, y)
            seconds = perf_counter() - started
        return _provenance(model, data, seed, seconds, estimator, traces.found)


def _loaded(model: Model, data: TaskData, seed: int) -> Trained:
    with failing(model.name, data.task.name, "load"):
        with unchanged(data), watched(seed) as traces, Interpreter():
            estimator, source = loaded(model, data, seed)
            traces.built()
        return _provenance(model, data, seed, None, estimator, traces.found, source)


def trains_seeds_at_once(model: Model, task: str, seed: int) -> bool:
    """Whether a model trains several seeds as one program (see `fitgate.protocols.FitsSeeds`).

    Raises:
        ModelFailed: if building it raises.
    """
    with failing(model.name, task, "fit"), watched(seed):
        offers = offered(model.build(seed), FitsSeeds)
        return offers is not None and offers.fits_seeds_at_once


def train_at_once(model: Model, data: TaskData, seeds: Sequence[int]) -> dict[int, Trained]:
    """Train several seeds as one program, by seed; the time that it takes is shared out equally.

    Raises:
        ModelFailed: if building or fitting raises, or changes the data.
    """
    with failing(model.name, data.task.name, "fit"):
        with unchanged(data), watched(seeds[0]) as traces, Interpreter():
            estimator: FitsSeeds = model.build(seeds[0])
            traces.built()
            X, y = lent(data.dataset.train.X), lent(data.y_train)
            started = perf_counter()
            fitted = estimator.fit_seeds(X, y, seeds)
            seconds = (perf_counter() - started) / len(seeds)
        pairs = zip(seeds, fitted, strict=True)
        return {seed: _provenance(model, data, seed, seconds, one, traces.found) for seed, one in pairs}


@contextmanager
def failing(model: str, task: str, stage: str) -> Iterator[None]:
    """Turn whatever a model raises into `ModelFailed`: an exit of the process, too, and pytest's skips.

    Raises:
        ModelFailed: if it raised something.
        KeyboardInterrupt: if the user stopped the session meanwhile, whatever the model made of that.
    """
    with Watch() as watch:
        try:
            with Interpreter():
                yield
        except ModelFailed:
            raise
        except BaseException as error:
            if watch.interrupted:
                raise KeyboardInterrupt from error
            if isinstance(error, ChangedData | ChangedProcess):
                raise ModelFailed(Failure(model, task, stage, str(error))) from error
            raise ModelFailed(Failure(model, task, stage, in_one_line(error)), traceback_of(error)) from error
    if watch.interrupted:
        raise KeyboardInterrupt
    if watch.called:
        raise ModelFailed(Failure(model, task, stage, f"it called {watch.called}"))


def implementation(estimator: Any) -> str:
    """The qualified name of an estimator's class, with that of the last step or the base estimator in brackets."""
    kind = type(estimator)
    name = f"{kind.__module__}.{kind.__qualname__}"
    pipeline, wrapper = offered(estimator, Pipeline), offered(estimator, Wraps)
    if pipeline is not None:
        return f"{name}({implementation(pipeline.steps[-1][1])})"
    inner = None if wrapper is None else wrapper.estimator
    return name if inner is None else f"{name}({implementation(inner)})"


def _provenance(
    model: Model,
    data: TaskData,
    seed: int,
    seconds: float | None,
    estimator: Any,
    side_effects: list[str],
    source: Source | None = None,
) -> Trained:
    cached, states = offered(estimator, CachesCompilation), offered(estimator, StatesExecution)
    fit = Fit(
        model=model.name,
        task=data.task.name,
        seed=seed,
        data_digest=data.dataset.digest,
        seconds=seconds,
        compile_seconds=compile_seconds(estimator).get("fit"),
        compile_saved_seconds=0.0 if cached is None else _finite(cached.compile_saved_seconds_.get("fit")) or 0.0,
        implementation=implementation(estimator) if model.predictions is None else "",
        execution="" if states is None else shown(states.execution_),
        curves=_curves(estimator),
        side_effects=side_effects,
        source=source,
    )
    return Trained(fit, estimator)


def _finite(number: Any) -> float | None:
    """A number that an estimator states, as JSON has it."""
    return None if number is None or not math.isfinite(number) else float(number)


def _curves(estimator: Any) -> dict[str, list[float | None]]:
    """What an estimator tells of its epochs, by what reports call it."""
    losses, scores = offered(estimator, TrainingLoss), offered(estimator, ValidationScores)
    curves = {
        "training loss": () if losses is None else losses.loss_curve_,
        "validation accuracy": () if scores is None else scores.validation_scores_,
    }
    return {name: [_finite(x) for x in curve] for name, curve in curves.items() if curve is not None and len(curve)}
