"""Changes: what a run makes otherwise than the run that it is held to, in metrics, in answers, and in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fitgate.metrics import Metric
from fitgate.record import Record, TaskEntry
from fitgate.report.view.mending import AnswerChange, RowOf, alike, answers, pairs
from fitgate.report.view.pace import TimeChange, no_times, pace, times
from fitgate.report.view.run import short_commit
from fitgate.report.view.words import metric_difference, value_of
from fitgate.runs import Evaluation


@dataclass(frozen=True)
class ValueChange:
    """A metric's value before and now.

    Attributes:
        model, task, metric: the latter's title.
        before, now: values, in words; empty where there is none.
        difference: now less before; empty where one is missing.
        better: whether it has become better; None where it is the same, one is missing, or the data are others.
        p_value: two-sided, of the metric's test on the same examples; None where it has none that is quick.
    """

    model: str
    task: str
    metric: str
    before: str
    now: str
    difference: str
    better: bool | None
    p_value: float | None


@dataclass(frozen=True)
class ChangeView:
    """A run against another.

    Attributes:
        base: that it is held to, in words.
        values: metrics that changed.
        same: how many values did not.
        answers: by model and task, those first of which most broke; none where they are the same.
        times: of the models that both timed; empty where they can't be compared.
        other_data: the datasets that are others, in words: their examples are not compared.
        no_times: why times are not compared; empty where they are, or nothing was timed.
        pace: how fast the calibration kernels ran, to the base's: the slowest and the fastest; None without any.
    """

    base: str
    values: tuple[ValueChange, ...]
    same: int
    answers: tuple[AnswerChange, ...]
    times: tuple[TimeChange, ...]
    other_data: tuple[str, ...]
    no_times: str
    pace: tuple[float, float] | None


def change_view(record: Record, base: Record, metrics: Mapping[str, Metric], row_of: RowOf | None = None) -> ChangeView:
    """What has changed since a base.

    Args:
        record: of the run.
        base: of the run that it is held to.
        metrics: by name.
        row_of: gives examples that the records don't keep.
    """
    values = list(_values(record, base, metrics))
    changed = tuple(value for value in values if value.before != value.now)
    why = no_times(record, base)
    return ChangeView(
        base=f"the run of {base.started[:16].replace('T', ' ')} UTC"
        + (f", commit {short_commit(base.commit)}" if base.commit else ""),
        values=changed,
        same=len(values) - len(changed),
        answers=tuple(sorted(answers(record, base, row_of), key=lambda a: -a.broken)),
        times=() if why else tuple(times(record, base)),
        other_data=tuple(_other_data(record, base)),
        no_times=why,
        pace=pace(record, base),
    )


def _values(record: Record, base: Record, metrics: Mapping[str, Metric]) -> Iterator[ValueChange]:
    for task, before, now in pairs(record, base):
        model = (now or before).model  # type: ignore[union-attr] # one of them is there
        for name in task.metrics:
            entry = record.metric(name) if now else base.metric(name)
            was, here = (value_of(e, entry) if e else "" for e in (before, now))
            numbers = [e.metrics.get(name) if e else None for e in (before, now)]
            size = None if None in numbers else numbers[1] - numbers[0]  # type: ignore[operator] # neither is None
            same = before is not None and now is not None and alike(record, base, task, before, now)
            p_value = None
            if size and before and now and same and name in metrics:
                p_value = _p_value(record, task, metrics[name], before, now)
            yield ValueChange(
                model,
                task.name,
                entry.title,
                was,
                here,
                difference="" if size is None else metric_difference(size, entry),
                better=(size > 0) is entry.higher_is_better if size and same else None,
                p_value=p_value,
            )


def _p_value(record: Record, task: TaskEntry, metric: Metric, before: Evaluation, now: Evaluation) -> float | None:
    own = record.own(metric, task)
    outputs = [own.output(e.outputs) for e in (before, now)]
    if (own.paired is None and own.terms is None) or any(output is None for output in outputs):
        return None
    p_value = own.paired_test.compute(task.target, *outputs).p_value
    return float(min(1.0, 2 * min(p_value, 1 - p_value)))


def _other_data(record: Record, base: Record) -> Iterator[str]:
    others = {data.name: data for data in base.datasets}
    for data in record.datasets:
        other = others.get(data.name)
        if other is not None and other.digest != data.digest:
            yield f"{data.name} ({other.digest[:8]} -> {data.digest[:8]})"
