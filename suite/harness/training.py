"""Training: a model's estimator, fitted on a task, with its provenance."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec

from suite.harness.datasets import Dataset
from suite.harness.model import Model
from suite.harness.tasks import Task


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
        implementation: the estimator's class, and the class inside where it wraps one.
    """

    model: str
    task: str
    seed: int
    data_digest: str
    seconds: float
    compile_seconds: float | None
    implementation: str


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
    target = task.target(dataset.train.labels)
    try:
        estimator = model.build(seed)
        started = time.perf_counter()
        estimator.fit(dataset.train.images, target)
        seconds = time.perf_counter() - started
    except Exception as error:
        raise ModelFailed(Failure(model.name, task.name, "fit", f"{type(error).__name__}: {error}")) from error
    return Trained(
        Fit(
            model=model.name,
            task=task.name,
            seed=seed,
            data_digest=dataset.digest,
            seconds=seconds,
            compile_seconds=compile_seconds(estimator).get("fit"),
            implementation=implementation(estimator),
        ),
        estimator,
    )


def compile_seconds(estimator: Any) -> dict[str, float]:
    """Seconds that an estimator says it compiled, by what: `fit`, or `predict[n]` for a batch of `n`.

    An estimator that compiles just in time states this in an attribute `compile_seconds_`.
    """
    return dict(getattr(estimator, "compile_seconds_", {}))


def implementation(estimator: Any) -> str:
    """The qualified name of an estimator's class, with that of the last step or the base estimator in brackets."""
    kind = type(estimator)
    name = f"{kind.__module__}.{kind.__qualname__}"
    inner = estimator.steps[-1][1] if hasattr(estimator, "steps") else getattr(estimator, "estimator", None)
    return name if inner is None else f"{name}({implementation(inner)})"
