"""Records made by hand, of any data: what a session on fake models would leave."""

import math

import numpy as np

from fitgate import Dataset, Metric, Split, Task
from fitgate.latency.timing import Timing
from fitgate.machine import Environment
from fitgate.metrics import METRICS, Outputs
from fitgate.record import (
    SCHEMA,
    ModelEntry,
    Record,
    Settings,
    describe_data,
    describe_metric,
    describe_task,
    largest_errors,
    misclassified_examples,
    row,
)
from fitgate.runs import Evaluation, Fit
from fitgate.tasks import TaskData

ENVIRONMENT = Environment("Abacus 1", 2, 24.0, "Linux x86_64", "3.11.7", {"numpy": "2.0.0"})

ERROR = Metric(
    "error", compute=lambda y, p: float(abs(y - p).mean()), unit="mm", higher_is_better=False, range=(0.0, math.inf)
)


def blank(**fields):
    """A finished run in which nothing happened."""
    given = {
        "schema": SCHEMA,
        "started": "2026-01-02T03:04:05+00:00",
        "status": "finished",
        "settings": Settings(),
        "selection": [],
        "commit": None,
        "workers": 1,
        "environment": ENVIRONMENT,
    }
    return Record(**(given | fields))


def dataset(X, y, name="things", **about):
    """A dataset whose test split is its training split."""
    return Dataset(name, lambda: (Split(X, y), Split(X, y)), **about)


def describe(record, data, metrics=METRICS):
    """Add a task, its dataset and its metrics to a record."""
    record.add(describe_data(data.dataset))
    record.add(describe_task(data))
    for name in data.task.metric_names:
        record.add(describe_metric(metrics[name]))


def evaluation(model, data, predictions, scores=None, metrics=METRICS):
    """What a model makes of a task's test split."""
    outputs = Outputs(predictions, scores)
    values = {name: metrics[name].value(data.y_test, outputs) for name in data.task.metric_names}
    finite = {name: value if math.isfinite(value) else None for name, value in values.items()}
    return Evaluation(model, data.task.name, len(data.y_test), finite, 0.25, None, 0.1, predictions, scores)


def record_of(data, answers, *, metrics=METRICS, timed=True):
    """A run of models that answer a task.

    Args:
        data: a task on its dataset.
        answers: predictions by the model's name.
        metrics: by name.
        timed: whether single queries were timed.
    """
    record = blank(wall_seconds=10.0)
    describe(record, data, metrics)
    for milliseconds, (model, predictions) in enumerate(answers.items(), 1):
        record.add(ModelEntry(model, f"the model {model}", [data.task.name]))
        record.add(Fit(model, data.task.name, 42, data.dataset.digest, 1.0, None, f"fakes.{model}"))
        record.add(evaluation(model, data, np.asarray(predictions), metrics=metrics))
        if timed:
            record.add(Timing(model, data.task.name, "single", 1, [milliseconds / 1e3] * 700, 0.2))
    record.misclassified = misclassified_examples(record, lambda task, i: row(data.dataset.test.X, i))
    record.largest_errors = largest_errors(record, lambda task, i: row(data.dataset.test.X, i))
    return record


def task_data(X, y, metrics=("accuracy",), name="kinds", **about):
    """A task that asks for the labels of a dataset of its own."""
    task = Task(name, dataset(X, y, **about), metrics=metrics)
    return TaskData(task, task.dataset)
