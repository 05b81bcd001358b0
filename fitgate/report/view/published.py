"""Published values: what others came to with such models, beside what this run did."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.record import PublishedEntry, Record
from fitgate.report.view.words import metric_difference, metric_value


@dataclass(frozen=True)
class PublishedRow:
    """A published value, and this run's; numbers as text.

    Attributes:
        model, task: names.
        metric: its title.
        here: this run's value, with its 95 % interval where the metric has one.
        published: the published value.
        difference: of this run's from it; empty where this run has no value.
        source: where it was published.
    """

    model: str
    task: str
    metric: str
    here: str
    published: str
    difference: str
    source: str


def published(record: Record) -> tuple[PublishedRow, ...]:
    """A row for each published value."""
    return tuple(_row(record, entry) for entry in record.published)


def _row(record: Record, entry: PublishedEntry) -> PublishedRow:
    metric, of = record.metric(entry.metric), (entry.model, entry.task)
    value = next((e.metrics.get(entry.metric) for e in record.evaluations if (e.model, e.task) == of), None)
    interval = " to ".join(metric_value(end, metric) for end in entry.interval or ())
    return PublishedRow(
        model=entry.model,
        task=entry.task,
        metric=metric.title,
        here=f"{metric_value(value, metric)} ({interval})" if interval else metric_value(value, metric),
        published=metric_value(entry.value, metric),
        difference="" if value is None else metric_difference(value - entry.value, metric),
        source=entry.source,
    )
