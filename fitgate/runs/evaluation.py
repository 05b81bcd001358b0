"""Evaluation: a trained model's output for the whole test split, and the metrics that it gives."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.clock import perf_counter
from fitgate.data import lent
from fitgate.metrics import Metric, Outputs
from fitgate.protocols import compile_seconds
from fitgate.runs.answers import Lacking, array_of, predictions_of, probabilities_of, scores_of
from fitgate.runs.interpreter import Interpreter
from fitgate.runs.side_effects import unchanged, watched
from fitgate.runs.training import Fit, Trained, failing
from fitgate.tasks import TaskData
from fitgate.text import shown

Array = NDArray[Any]


class Evaluation(msgspec.Struct, frozen=True, tag=True, eq=False):
    """What a trained model made of the test split; with cross-validation, what it and further fits made of all folds.

    Attributes:
        model, task: names.
        n: how many outputs were asked for; each has a prediction.
        metrics: values by metric name; None stands for NaN.
        predict_seconds: wall time of the one `predict` over the whole test split, of the first fold.
        compile_seconds: the part of it that was just-in-time compilation; None where the estimator states none.
        score_seconds: wall time of the calls that gave scores and probabilities.
        predictions: `(n,)` or `(n, labels)`.
        scores: float64 `(n,)` or `(n, classes)`, higher for what is more likely; None where no metric reads them, or
            the estimator gives none.
        probabilities: float64 `(n, classes)`; None likewise.
        missing: why a metric has no value, by its name, where the estimator does not give what it reads.
        side_effects: what predicting left changed in its process, in words; all but threads and processes was put back.
        further_seconds: wall time of fitting and predicting in the other folds; 0 without cross-validation.
        elsewhere: what was different, in words, where workers of `--fit-backend` did that; as of a `Fit`.
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
    missing: dict[str, str] = {}
    side_effects: list[str] = []
    further_seconds: float = 0.0
    elsewhere: list[str] = []

    @property
    def outputs(self) -> Outputs:
        """What metrics read."""
        return Outputs(self.predictions, self.scores, self.probabilities)

    def part(self, rows: Array) -> Evaluation:
        """What it made of some of the examples, by the places of their outputs; no metric is computed."""
        further = (None if output is None else output[rows] for output in (self.scores, self.probabilities))
        scores, probabilities = further
        return msgspec.structs.replace(
            self,
            n=len(rows),
            metrics={},
            predictions=self.predictions[rows],
            scores=scores,
            probabilities=probabilities,
        )


class SeedRun(msgspec.Struct, frozen=True, tag=True, eq=False):
    """A model trained with one of several seeds, and what it made of the test split."""

    fit: Fit
    evaluation: Evaluation


def same_output(runs: Sequence[Evaluation]) -> bool:
    """Whether several runs gave the same output, all that was asked for: then the seed changes nothing."""
    first, *others = (run.outputs for run in runs)
    pairs = [pair for other in others for pair in zip(first, other, strict=True)]
    return bool(pairs) and all(np.array_equal(a, b) for a, b in pairs)  # type: ignore[arg-type] # None is None


def evaluate(trained: Trained, data: TaskData, metrics: Mapping[str, Metric], X: Any = None) -> Evaluation:
    """Predict every test example, and compute the task's metrics. Scores are asked for only if one of them reads them.

    A metric has no value where the estimator does not give what it reads; why, is in `missing`.

    Args:
        trained: a fitted estimator.
        data: the task that it was fitted on.
        metrics: by name.
        X: what it is asked about in place of the test split's examples, as many of them; None for these.

    Raises:
        ModelFailed: if predicting raises, does not give one prediction for each example, or gives what can't be an
            answer, or what a metric can't be computed from, or changes the data.
    """
    name, estimator = trained.fit.model, trained.estimator
    with failing(name, data.task.name, "predict"):
        data.check()
        own = [metrics[metric].on(data.classes) for metric in data.task.metric_names]
        compiled = sum(compile_seconds(estimator).values())
        with unchanged(data), watched(trained.fit.seed) as traces, Interpreter():
            asked = lent(data.dataset.test.X if X is None else X)
            started = perf_counter()
            answers = array_of(estimator, estimator.predict(asked))
            predicted = perf_counter()
            compiling = sum(compile_seconds(estimator).values()) - compiled
            predictions = predictions_of(estimator, data, answers)
            started_scoring = perf_counter()
            further, lacking = _further(estimator, data, X, {metric.reads for metric in own})
            scored = perf_counter()
        outputs = Outputs(predictions, **further)
        target = data.y_test
        values = {metric.name: metric.value(target, outputs) for metric in own}
    return Evaluation(
        model=name,
        task=data.task.name,
        n=len(target),
        metrics={metric: value if math.isfinite(value) else None for metric, value in values.items()},
        predict_seconds=predicted - started,
        compile_seconds=compiling or None,
        score_seconds=scored - started_scoring,
        predictions=predictions,
        scores=outputs.scores,
        probabilities=outputs.probabilities,
        missing={metric.name: lacking[metric.reads] for metric in own if metric.reads in lacking},
        side_effects=traces.found,
    )


def _further(estimator: Any, data: TaskData, X: Any, read: Container[str]) -> tuple[dict[str, Array], dict[str, str]]:
    """The scores and probabilities that are read, and why an estimator does not give them."""
    found, lacking = {}, {}
    for what, answer in (("scores", scores_of), ("probabilities", probabilities_of)):
        if what in read:
            try:
                found[what] = answer(estimator, data, X)
            except Lacking as error:
                lacking[what] = shown(error)
    return found, lacking
