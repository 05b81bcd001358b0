"""Training: a model's estimator, fitted on a task, with its provenance."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from fitgate.model import Model
from fitgate.protocols import (
    CachesCompilation,
    Compiles,
    FitsSeeds,
    Pipeline,
    StatesExecution,
    TrainingLoss,
    ValidationScores,
    Wraps,
    offered,
)
from fitgate.tasks import TaskData


class Failure(msgspec.Struct, frozen=True, tag=True):
    """What a model could not do.

    Attributes:
        model, task: names.
        stage: `fit` or `predict`.
        error: the error's type and text.
    """

    model: str
    task: str
    stage: str
    error: str

    def __str__(self) -> str:
        return f"{self.model} failed to {self.stage} on {self.task}: {self.error}"


class ModelFailed(Exception):
    """A model raised an error, or returned something impossible."""

    def __init__(self, failure: Failure):
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        return str(self.failure)


class Fit(msgspec.Struct, frozen=True, tag=True):
    """The provenance of a fitted estimator.

    Attributes:
        model, task: names.
        seed: what the model was built with.
        data_digest: SHA-256 of the dataset.
        seconds: wall time of `fit`, compilation included.
        compile_seconds: the part of it that was just-in-time compilation; None where the estimator states none.
        compile_saved_seconds: how much longer that took before it was CACHED; 0 if nothing was in a cache.
        implementation: the estimator's class, and the class inside where it wraps one.
        execution: on what and how the estimator says that it computed; empty where it says nothing.
        curves: what the estimator says of its epochs, by `training loss` and `validation accuracy`.
        isolated: whether it was fitted in a process of its own, as models with a time limit are.
    """

    model: str
    task: str
    seed: int
    data_digest: str
    seconds: float
    compile_seconds: float | None
    implementation: str
    compile_saved_seconds: float = 0.0
    execution: str = ""
    curves: dict[str, list[float]] = {}
    isolated: bool = False


@dataclass(frozen=True)
class Trained:
    """A fitted estimator with its provenance."""

    fit: Fit
    estimator: Any


def train(model: Model, data: TaskData, seed: int) -> Trained:
    """Build the model's estimator and fit it to the task on the training split: the one fit that is timed.

    Raises:
        ModelFailed: if building or fitting raises.
    """
    with failing(model.name, data.task.name, "fit"):
        estimator = model.build(seed)
        started = time.perf_counter()
        estimator.fit(data.dataset.train.X, data.y_train)
        seconds = time.perf_counter() - started
        return _provenance(model, data, seed, seconds, estimator)


def trains_seeds_at_once(model: Model, task: str, seed: int) -> bool:
    """Whether a model trains several seeds as one program (see `fitgate.protocols.FitsSeeds`).

    Raises:
        ModelFailed: if building it raises.
    """
    with failing(model.name, task, "fit"):
        offers = offered(model.build(seed), FitsSeeds)
        return offers is not None and offers.fits_seeds_at_once


def train_at_once(model: Model, data: TaskData, seeds: Sequence[int]) -> dict[int, Trained]:
    """Train several seeds as one program, by seed; the time that it takes is shared out equally.

    Raises:
        ModelFailed: if building or fitting raises.
    """
    with failing(model.name, data.task.name, "fit"):
        estimator: FitsSeeds = model.build(seeds[0])
        started = time.perf_counter()
        fitted = estimator.fit_seeds(data.dataset.train.X, data.y_train, seeds)
        seconds = (time.perf_counter() - started) / len(seeds)
        return {s: _provenance(model, data, s, seconds, e) for s, e in zip(seeds, fitted, strict=True)}


@contextmanager
def failing(model: str, task: str, stage: str) -> Iterator[None]:
    """Turn any error of a model's into `ModelFailed`."""
    try:
        yield
    except ModelFailed:
        raise
    except (Exception, SystemExit) as error:
        raise ModelFailed(Failure(model, task, stage, f"{type(error).__name__}: {error}")) from error


def compile_seconds(estimator: Any) -> dict[str, float]:
    """Seconds that an estimator says it compiled, by what; empty where it says nothing."""
    compiles = offered(estimator, Compiles)
    return {} if compiles is None else dict(compiles.compile_seconds_)


def implementation(estimator: Any) -> str:
    """The qualified name of an estimator's class, with that of the last step or the base estimator in brackets."""
    kind = type(estimator)
    name = f"{kind.__module__}.{kind.__qualname__}"
    pipeline, wrapper = offered(estimator, Pipeline), offered(estimator, Wraps)
    if pipeline is not None:
        return f"{name}({implementation(pipeline.steps[-1][1])})"
    inner = None if wrapper is None else wrapper.estimator
    return name if inner is None else f"{name}({implementation(inner)})"


def _provenance(model: Model, data: TaskData, seed: int, seconds: float, estimator: Any) -> Trained:
    cached, states = offered(estimator, CachesCompilation), offered(estimator, StatesExecution)
    fit = Fit(
        model=model.name,
        task=data.task.name,
        seed=seed,
        data_digest=data.dataset.digest,
        seconds=seconds,
        compile_seconds=compile_seconds(estimator).get("fit"),
        compile_saved_seconds=0.0 if cached is None else cached.compile_saved_seconds_.get("fit", 0.0),
        implementation=implementation(estimator),
        execution="" if states is None else states.execution_,
        curves=_curves(estimator),
    )
    return Trained(fit, estimator)


def _curves(estimator: Any) -> dict[str, list[float]]:
    """What an estimator tells of its epochs, by what reports call it."""
    losses, scores = offered(estimator, TrainingLoss), offered(estimator, ValidationScores)
    curves = {
        "training loss": () if losses is None else losses.loss_curve_,
        "validation accuracy": () if scores is None else scores.validation_scores_,
    }
    return {name: [float(x) for x in curve] for name, curve in curves.items() if curve}
