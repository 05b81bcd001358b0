"""Evaluation: a trained model's output for the whole test split, and the metrics that it gives."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.metrics import Metric, Outputs
from fitgate.protocols import DecisionFunction, Probabilities, offered
from fitgate.runs.training import Fit, Trained, compile_seconds, failing
from fitgate.tasks import TaskData

Array = NDArray[Any]


class Evaluation(msgspec.Struct, frozen=True, tag=True, eq=False):
    """What a trained model made of the test split.

    Attributes:
        model, task: names.
        n: how many test examples there were; each has a prediction.
        metrics: values by metric name; None stands for NaN.
        predict_seconds: wall time of the one `predict` over the whole split.
        compile_seconds: the part of it that was just-in-time compilation; None where the estimator states none.
        score_seconds: wall time of the calls that gave scores and probabilities.
        predictions: `(n,)` or `(n, labels)`.
        scores: float64 `(n,)` or `(n, classes)`, higher for what is more likely; None where no metric reads them.
        probabilities: float64 `(n, classes)`; None where no metric reads them.
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
    probabilities: Array | None = None

    @property
    def outputs(self) -> Outputs:
        """What metrics read."""
        return Outputs(self.predictions, self.scores, self.probabilities)


class SeedRun(msgspec.Struct, frozen=True, tag=True, eq=False):
    """A model trained with one of several seeds, and what it made of the test split."""

    fit: Fit
    evaluation: Evaluation


def same_output(runs: Sequence[Evaluation]) -> bool:
    """Whether several runs gave the same output, all that was asked for: then the seed changes nothing."""
    first, *others = (run.outputs for run in runs)
    pairs = [pair for other in others for pair in zip(first, other, strict=True)]
    return bool(pairs) and all(np.array_equal(a, b) for a, b in pairs)  # type: ignore[arg-type] # None is None


def evaluate(trained: Trained, data: TaskData, metrics: Mapping[str, Metric]) -> Evaluation:
    """Predict every test example, and compute the task's metrics. Scores are asked for only if one of them reads them.

    Args:
        trained: a fitted estimator.
        data: the task that it was fitted on.
        metrics: by name.

    Raises:
        ModelFailed: if predicting raises, does not give one prediction for each example, or gives what a metric can't
            be computed from.
    """
    name, X, target = trained.fit.model, data.dataset.test.X, data.y_test
    read = {metrics[metric].reads for metric in data.task.metric_names}
    with failing(name, data.task.name, "predict"):
        compiled = sum(compile_seconds(trained.estimator).values())
        started = time.perf_counter()
        predictions = np.asarray(trained.estimator.predict(X))
        predicted = time.perf_counter()
        compiling = sum(compile_seconds(trained.estimator).values()) - compiled
        if predictions.shape != target.shape:
            raise ValueError(
                f"predictions of shape {predictions.shape} for {len(target):,} examples, expected {target.shape}"
            )
        started_scoring = time.perf_counter()
        scores = scores_of(trained.estimator, X) if "scores" in read else None
        probabilities = probabilities_of(trained.estimator, X) if "probabilities" in read else None
        scored = time.perf_counter()
        for what, array in (("scores", scores), ("probabilities", probabilities)):
            if array is not None and len(array) != len(target):
                raise ValueError(f"{what} of shape {array.shape} for {len(target):,} examples")
        outputs = Outputs(_as_target(predictions, target), scores, probabilities)
        values = {metric: metrics[metric].value(target, outputs) for metric in data.task.metric_names}
    return Evaluation(
        model=name,
        task=data.task.name,
        n=len(target),
        metrics={metric: value if math.isfinite(value) else None for metric, value in values.items()},
        predict_seconds=predicted - started,
        compile_seconds=compiling or None,
        score_seconds=scored - started_scoring,
        predictions=outputs.predictions,
        scores=scores,
        probabilities=probabilities,
    )


def scores_of(estimator: Any, X: Any) -> Array:
    """A classifier's decision function, or else its probabilities; of two classes, those of the second, `(n,)`.

    Raises:
        TypeError: if it offers neither.
    """
    decides = offered(estimator, DecisionFunction)
    if decides is not None:
        return np.asarray(decides.decision_function(X), np.float64)
    probabilities = probabilities_of(estimator, X)
    return probabilities[:, 1] if probabilities.ndim == 2 and probabilities.shape[1] == 2 else probabilities


def probabilities_of(estimator: Any, X: Any) -> Array:
    """A classifier's probabilities, float64 `(n, classes)`.

    Raises:
        TypeError: if it has none.
    """
    likely = offered(estimator, Probabilities)
    if likely is None:
        raise TypeError(
            f"{type(estimator).__name__} has no scores, which a metric of the task reads; expected a decision_function "
            "or predict_proba: use another estimator, or metrics that read predictions alone"
        )
    return np.asarray(likely.predict_proba(X), np.float64)


def _as_target(predictions: Array, target: Array) -> Array:
    """Predictions in the target's type, if that changes none of them: casting must not turn wrong answers right."""
    try:
        with np.errstate(invalid="ignore"):  # NaN is no class
            cast = predictions.astype(target.dtype)
    except (TypeError, ValueError):
        return predictions
    return cast if np.array_equal(cast, predictions) else predictions
