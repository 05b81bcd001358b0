"""Disturbing: what a trained model makes of the test split where its examples are disturbed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import msgspec

from fitgate.disturbances import Disturbance, DisturbanceError, disturbed
from fitgate.executor import ExecutorError
from fitgate.executor.process import run
from fitgate.metrics import Metric
from fitgate.runs.apart import HANDING_OVER, Limit, failure
from fitgate.runs.evaluation import Evaluation, evaluate
from fitgate.runs.training import ModelFailed, Trained
from fitgate.tasks import TaskData


class Disturbed(msgspec.Struct, frozen=True, tag=True, eq=False):
    """What the session's own fitted model made of a disturbed test split.

    Attributes:
        model, task: names.
        disturbance: of all its examples.
        evaluation: of the answers; None where there are none.
        error: why there are none; empty where there are.
    """

    model: str
    task: str
    disturbance: Disturbance
    evaluation: Evaluation | None = None
    error: str = ""


def evaluate_disturbed(
    trained: Trained, data: TaskData, metrics: Mapping[str, Metric], disturbance: Disturbance
) -> Disturbed:
    """Predict every test example as a disturbance leaves it, and compute the task's metrics; or say why not.

    Args:
        trained: a fitted estimator.
        data: the task that it was fitted on.
        metrics: by name.
        disturbance: of all test examples.
    """
    about = Disturbed(trained.fit.model, data.task.name, disturbance)
    if data.dataset.folds is not None:
        return msgspec.structs.replace(about, error="its dataset is tested in folds, whose estimators are not kept")
    try:
        X = disturbed(data.dataset.test.X, disturbance, data.dataset.image_shape)
        return msgspec.structs.replace(about, evaluation=evaluate(trained, data, metrics, X))
    except DisturbanceError as error:
        return msgspec.structs.replace(about, error=str(error))
    except ModelFailed as error:
        return msgspec.structs.replace(about, error=error.failure.error)


def evaluate_disturbed_apart(
    trained: Trained, data: TaskData, metrics: Mapping[str, Metric], disturbance: Disturbance, limit: Limit
) -> Disturbed:
    """The same in a process of its own, which is ended where that takes longer than it may."""
    own = {name: metrics[name] for name in data.task.metric_names}
    model, task = trained.fit.model, data.task.name
    try:
        return run(
            partial(evaluate_disturbed, trained, data, own, disturbance),
            label=f"{model} on {task} under {disturbance}",
            timeout=limit.seconds + HANDING_OVER,
        )
    except ExecutorError as error:
        failed = failure(model, task, "predict", error, limit, handing_over=HANDING_OVER)
        return Disturbed(model, task, disturbance, error=failed.error)
