"""Training: a model's estimator, fitted on a task, with its provenance."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from fitgate.data import Dataset
from fitgate.model import Model
from fitgate.tasks import Task

# Attributes of scikit-learn's kind that hold a number for each epoch, by what reports call them.
CURVES = {"training loss": "loss_curve_", "validation accuracy": "validation_scores_"}


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


class ModelFailed(Exception):
    """A model raised an error, or returned something impossible."""

    def __init__(self, failure: Failure):
        super().__init__(failure)
        self.failure = failure

    def __str__(self) -> str:
        f = self.failure
        return f"{f.model} failed to {f.stage} on {f.task}: {f.error}"


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


@dataclass(frozen=True)
class Trained:
    """A fitted estimator with its provenance."""

    fit: Fit
    estimator: Any


def train(model: Model, task: Task, dataset: Dataset, seed: int) -> Trained:
    """Build the model's estimator and fit it to the task on the training split.

    Raises:
        ModelFailed: if building or fitting raises.
    """
    with _failing(model, task):
        estimator = model.build(seed)
        started = time.perf_counter()
        estimator.fit(dataset.train.images, task.target(dataset.train.labels))
        seconds = time.perf_counter() - started
    return _provenance(model, task, dataset, seed, seconds, estimator)


def train_seeds(model: Model, task: Task, dataset: Dataset, seeds: Sequence[int]) -> dict[int, Trained]:
    """The same with each of several seeds, by seed.

    An estimator that trains several at once says so by an attribute `fits_seeds_at_once`, and has a method
    `fit_seeds(X, y, seeds)` which gives an estimator for each; the time that it takes is shared out equally.

    Raises:
        ModelFailed: if building or fitting raises.
    """
    with _failing(model, task):
        estimator = model.build(seeds[0])
        if not getattr(estimator, "fits_seeds_at_once", False):
            return {seed: train(model, task, dataset, seed) for seed in seeds}
        started = time.perf_counter()
        fitted = estimator.fit_seeds(dataset.train.images, task.target(dataset.train.labels), seeds)
        seconds = (time.perf_counter() - started) / len(seeds)
    return {s: _provenance(model, task, dataset, s, seconds, e) for s, e in zip(seeds, fitted, strict=True)}


@contextmanager
def _failing(model: Model, task: Task) -> Iterator[None]:
    try:
        yield
    except ModelFailed:
        raise
    except Exception as error:
        raise ModelFailed(Failure(model.name, task.name, "fit", f"{type(error).__name__}: {error}")) from error


def _provenance(model: Model, task: Task, dataset: Dataset, seed: int, seconds: float, estimator: Any) -> Trained:
    curves = {name: [float(x) for x in getattr(estimator, attribute, [])] for name, attribute in CURVES.items()}
    fit = Fit(
        model=model.name,
        task=task.name,
        seed=seed,
        data_digest=dataset.digest,
        seconds=seconds,
        compile_seconds=compile_seconds(estimator).get("fit"),
        compile_saved_seconds=getattr(estimator, "compile_saved_seconds_", {}).get("fit", 0.0),
        implementation=implementation(estimator),
        execution=getattr(estimator, "execution_", ""),
        curves={name: curve for name, curve in curves.items() if curve},
    )
    return Trained(fit, estimator)


def compile_seconds(estimator: Any) -> dict[str, float]:
    """Seconds that an estimator says it compiled, by what: `fit`, or `predict[n]` for a batch of `n`.

    An estimator that compiles just in time states this in an attribute `compile_seconds_`, and in another,
    `compile_saved_seconds_`, what it was spared by a cache.
    """
    return dict(getattr(estimator, "compile_seconds_", {}))


def implementation(estimator: Any) -> str:
    """The qualified name of an estimator's class, with that of the last step or the base estimator in brackets."""
    kind = type(estimator)
    name = f"{kind.__module__}.{kind.__qualname__}"
    inner = estimator.steps[-1][1] if hasattr(estimator, "steps") else getattr(estimator, "estimator", None)
    return name if inner is None else f"{name}({implementation(inner)})"
