"""Evaluation: a trained model's predictions for the whole test split, and the metrics they give."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.data import Dataset
from fitgate.metrics import METRICS
from fitgate.model import Model
from fitgate.runs.once import Once
from fitgate.runs.training import Failure, Fit, ModelFailed, Trained, compile_seconds, train, train_seeds
from fitgate.tasks import Task

Array = NDArray[Any]


class Evaluation(msgspec.Struct, frozen=True, tag=True, eq=False):
    """What a trained model made of the test split.

    Attributes:
        model, task: names.
        n: how many test examples there were; each has a prediction.
        metrics: values by metric name; None stands for NaN.
        predict_seconds: wall time of the one `predict` over the whole split.
        compile_seconds: the part of it that was just-in-time compilation; None where the estimator states none.
        score_seconds: wall time of the call that gave the scores.
        predictions: `(n,)` or `(n, labels)`.
        scores: float64 `(n,)`, higher for what is more likely positive; None where the task does not rank.
    """

    model: str
    task: str
    n: int
    metrics: dict[str, float | None]
    predict_seconds: float
    compile_seconds: float | None
    score_seconds: float
    predictions: Array
    scores: Array | None = None


class SeedRun(msgspec.Struct, frozen=True, tag=True, eq=False):
    """A model trained with one of several seeds, and what it made of the test split."""

    fit: Fit
    evaluation: Evaluation


def evaluate(trained: Trained, task: Task, dataset: Dataset) -> Evaluation:
    """Predict every test example, and compute the task's metrics.

    Raises:
        ModelFailed: if predicting raises, does not give one prediction, and one score, for each example, or gives what
            a metric can't be told of.
    """
    name, images = trained.fit.model, dataset.test.images
    target = task.target(dataset.test.labels)
    try:
        compiled = sum(compile_seconds(trained.estimator).values())
        started = time.perf_counter()
        predictions = np.asarray(trained.estimator.predict(images))
        predicted = time.perf_counter()
        compiling = sum(compile_seconds(trained.estimator).values()) - compiled
        _check_shape("predictions", predictions, target)
        started_scoring = time.perf_counter()
        scores = positive_scores(trained.estimator, images) if task.ranks else None
        scored = time.perf_counter()
        if scores is not None:
            _check_shape("scores", scores, target)
        with np.errstate(invalid="ignore"):  # NaN is no digit, and is seen to below
            same = predictions.astype(target.dtype)
        if np.array_equal(same, predictions):  # or casting would bend a wrong answer into a right one
            predictions = same
        values = {metric: METRICS[metric].value(target, predictions, scores) for metric in task.metrics}
    except Exception as error:
        raise ModelFailed(Failure(name, task.name, "predict", f"{type(error).__name__}: {error}")) from error
    return Evaluation(
        model=name,
        task=task.name,
        n=len(images),
        metrics={metric: value if np.isfinite(value) else None for metric, value in values.items()},
        predict_seconds=predicted - started,
        compile_seconds=compiling or None,
        score_seconds=scored - started_scoring,
        predictions=predictions,
        scores=scores,
    )


def positive_scores(estimator: Any, images: Array) -> Array:
    """A binary classifier's decision function, or else its probability of the positive class, float64 `(n,)`."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(images), np.float64)
    return np.asarray(estimator.predict_proba(images), np.float64)[:, 1]


def _check_shape(what: str, array: Array, target: Array) -> None:
    if array.shape != target.shape:
        raise ValueError(f"{what} of shape {array.shape} for {len(target):,} examples, expected {target.shape}")


class Evaluator:
    """Trains and evaluates models on one dataset, each model once per task.

    Args:
        dataset: the data.
        seed: what models are built with.
        once: where results are kept.
        emit: is given each `Fit`, `Evaluation`, `SeedRun` or `Failure`, by the process in which it happened.
        announce: is told in words what is about to take long, and what it took.
        seeds: those of `seed_run`.
    """

    def __init__(
        self,
        dataset: Dataset,
        seed: int,
        once: Once,
        emit: Callable[[Fit | Evaluation | Failure | SeedRun], None] = lambda entry: None,
        announce: Callable[[str], None] = lambda words: None,
        seeds: Sequence[int] = (),
    ):
        self.dataset = dataset
        self.seed = seed
        self.seeds = seeds
        self._once = once
        self._emit = emit
        self._announce = announce

    def trained(self, model: Model, task: Task) -> Trained:
        """The model fitted on a task, on first use.

        Raises:
            ModelFailed: if that failed, now or before.
        """
        return self._once(f"{model.name}-{task.name}-fit", lambda: self._train(model, task))

    def evaluation(self, model: Model, task: Task) -> Evaluation:
        """The trained model's predictions and metrics, on first use.

        Raises:
            ModelFailed: if training or predicting failed, now or before.
        """
        trained = self.trained(model, task)
        return self._once(f"{model.name}-{task.name}-predict", lambda: self._evaluate(trained, task))

    def seed_run(self, model: Model, task: Task, seed: int) -> SeedRun:
        """The model trained with one of `seeds`, and evaluated, on first use.

        Raises:
            ModelFailed: if training or predicting failed, now or before.
        """
        return self._once(f"{model.name}-{task.name}-seed-{seed}", lambda: self._run_seed(model, task, seed))

    def runs(self, model: Model, task: Task) -> list[Evaluation]:
        """The model's evaluations with each of `seeds`, or the session's alone if there are none or it heeds none.

        Raises:
            ModelFailed: if training or predicting failed, now or before.
        """
        if self.seeds and model.stochastic:
            return [self.seed_run(model, task, seed).evaluation for seed in self.seeds]
        return [self.evaluation(model, task)]

    def _run_seed(self, model: Model, task: Task, seed: int) -> SeedRun:
        at_once = getattr(model.build(seed), "fits_seeds_at_once", False)
        if seed == self.seed and not at_once:  # the session trains it anyway
            run = SeedRun(self.trained(model, task).fit, self.evaluation(model, task))
        else:
            seeds, key = (self.seeds, "all") if at_once else ([seed], str(seed))
            self._announce(f"fitting {model.name} on {task.name} with seed {', '.join(map(str, seeds))} ...")
            work = partial(train_seeds, model, task, self.dataset, seeds)
            fitted = self._once(f"{model.name}-{task.name}-seeds-{key}", partial(self._reporting_failure, work))
            evaluation = self._reporting_failure(lambda: evaluate(fitted[seed], task, self.dataset))
            run = SeedRun(fitted[seed].fit, evaluation)
        self._emit(run)
        return run

    def _train(self, model: Model, task: Task) -> Trained:
        self._announce(f"fitting {model.name} on {task.name}: {len(self.dataset.train):,} images ...")
        trained = self._reporting_failure(lambda: train(model, task, self.dataset, self.seed))
        self._announce(f"fitted {model.name} on {task.name} in {trained.fit.seconds:.1f} s")
        self._emit(trained.fit)
        return trained

    def _evaluate(self, trained: Trained, task: Task) -> Evaluation:
        evaluation = self._reporting_failure(lambda: evaluate(trained, task, self.dataset))
        self._emit(evaluation)
        return evaluation

    def _reporting_failure(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except ModelFailed as error:
            self._emit(error.failure)
            raise
