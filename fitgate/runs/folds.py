"""Folds: a model evaluated by cross-validation, with a fit of its own for each fold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from fitgate.metrics import Metric, Outputs
from fitgate.model import Model
from fitgate.runs.evaluation import Evaluation, SeedRun, evaluate
from fitgate.runs.training import Trained, failing, train
from fitgate.tasks import TaskData


def folds_of(data: TaskData) -> range:
    """The numbers of the folds that a model is fitted for, one after the other; of none without cross-validation."""
    folds = data.dataset.folds
    return range(0 if folds is None else len(folds.sizes))


def evaluation_of(model: Model, trained: Trained, data: TaskData, metrics: Mapping[str, Metric]) -> Evaluation:
    """What a model is judged by: its output for the test split, or for every example when its fold is tested.

    In each fold it is built with the same seed. What was trained before is the first fold's.

    Args:
        model: as it was declared.
        trained: fitted on the training split.
        data: the task that it was fitted on.
        metrics: by name.

    Raises:
        ModelFailed: as `evaluate`, and if another fit fails.
    """
    runs = [SeedRun(trained.fit, evaluate(trained, data, metrics))]
    for i in folds_of(data)[1:]:
        fold = data.of_fold(i)  # gone when the next comes: together they would be many times the data
        again = train(model, fold, trained.fit.seed)
        runs.append(SeedRun(again.fit, evaluate(again, fold, metrics)))
    return joined(runs, data, metrics)


def joined(runs: Sequence[SeedRun], data: TaskData, metrics: Mapping[str, Metric]) -> Evaluation:
    """What a model made of all folds; of one run without cross-validation, that run's evaluation.

    Args:
        runs: with one seed, one a fold, in their order.
        data: the task.
        metrics: by name.

    Raises:
        ModelFailed: if its output can't be judged together.
    """
    parts = [run.evaluation for run in runs]
    if data.dataset.folds is None:
        return parts[0]
    with failing(parts[0].model, data.task.name, "predict"):
        outputs = Outputs(
            np.concatenate([part.predictions for part in parts]),
            _together([part.scores for part in parts]),
            _together([part.probabilities for part in parts]),
        )
        own = [data.own(metrics[name]) for name in data.task.metric_names]
        values = {metric.name: metric.value(data.y_tested, outputs) for metric in own}
    further = [effect for run in runs[1:] for effect in (*run.fit.side_effects, *run.evaluation.side_effects)]
    return replace(
        parts[0],
        n=len(data.y_tested),
        metrics={name: value if math.isfinite(value) else None for name, value in values.items()},
        predictions=outputs.predictions,
        scores=outputs.scores,
        probabilities=outputs.probabilities,
        missing={name: why for part in parts for name, why in part.missing.items()},
        side_effects=list(dict.fromkeys([*parts[0].side_effects, *further])),
        further_seconds=sum(map(_seconds, runs[1:])),
        elsewhere=list(dict.fromkeys(difference for run in runs[1:] for difference in run.fit.elsewhere)),
    )


def _seconds(run: SeedRun) -> float:
    return (run.fit.seconds or 0.0) + run.evaluation.predict_seconds + run.evaluation.score_seconds


def _together(several: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """What all folds gave, one after the other; None where one gave none."""
    given = [one for one in several if one is not None]
    return np.concatenate(given) if len(given) == len(several) else None
