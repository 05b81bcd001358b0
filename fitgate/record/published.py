"""Values that others published, kept in a record beside those that its run came to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fitgate.metrics import Metric
from fitgate.model import Model, Published
from fitgate.record.entries import PublishedEntry
from fitgate.record.record import Record


def published_values(record: Record, models: Iterable[Model], metrics: Mapping[str, Metric]) -> list[PublishedEntry]:
    """What was published for models that a run evaluated, on data of the same profile.

    Args:
        record: of the run.
        models: that took part.
        metrics: by name.
    """
    found = (_entry(record, model.name, value, metrics) for model in models for value in model.published)
    return [entry for entry in found if entry is not None]


def _entry(record: Record, model: str, published: Published, metrics: Mapping[str, Metric]) -> PublishedEntry | None:
    name, metric = published.task.name, published.metric
    data, task = record.dataset(name), record.task(name)
    evaluation = next((e for e in record.evaluations if (e.model, e.task) == (model, name)), None)
    if data is None or task is None or evaluation is None or published.profile != data.profile:
        return None
    interval = record.own(metrics[metric], task).interval(task.target, evaluation.outputs)
    return PublishedEntry(model, name, metric, published.value, published.source, interval)
