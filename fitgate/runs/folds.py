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
from fitgate.runs.evaluation import Evaluation, evaluate
from fitgate.runs.training import Trained, failing, train
from fitgate.tasks import TaskData


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
    parts = [evaluate(trained, data, metrics)]
    if data.dataset.folds is None:
        return parts[0]
    seconds = 0.0
    for fold in data.further_folds:
        again = train(model, fold, trained.fit.seed)
        part = evaluate(again, fold, metrics)
        seconds += (again.fit.seconds or 0.0) + part.predict_seconds + part.score_seconds
        parts.append(replace(part, side_effects=[*again.fit.side_effects, *part.side_effects]))
    with failing(model.name, data.task.name, "predict"):
        return _joined(parts, data, metrics, seconds)


def _joined(parts: Sequence[Evaluation], data: TaskData, metrics: Mapping[str, Metric], seconds: float) -> Evaluation:
    outputs = Outputs(
        np.concatenate([part.predictions for part in parts]),
        _together([part.scores for part in parts]),
        _together([part.probabilities for part in parts]),
    )
    own = [data.own(metrics[name]) for name in data.task.metric_names]
    values = {metric.name: metric.value(data.y_tested, outputs) for metric in own}
    return replace(
        parts[0],
        n=len(data.y_tested),
        metrics={name: value if math.isfinite(value) else None for name, value in values.items()},
        predictions=outputs.predictions,
        scores=outputs.scores,
        probabilities=outputs.probabilities,
        missing={name: why for part in parts for name, why in part.missing.items()},
        side_effects=list(dict.fromkeys(effect for part in parts for effect in part.side_effects)),
        further_seconds=seconds,
    )


def _together(several: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """What all folds gave, one after the other; None where one gave none."""
    given = [one for one in several if one is not None]
    return np.concatenate(given) if len(given) == len(several) else None
