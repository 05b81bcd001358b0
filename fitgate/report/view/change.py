"""Changes: what a run makes otherwise than the run that it is held to, in metrics, in answers, and in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.latency.timing import SINGLE
from fitgate.metrics import Metric, right
from fitgate.record import Record, TaskEntry
from fitgate.record.examples import asks_for_numbers
from fitgate.report.view.run import short_commit
from fitgate.report.view.words import Noun, class_names, image, metric_difference, noun, row_text, value_of
from fitgate.runs import Evaluation
from fitgate.statistics.folds import first_of_each

MOST_EXAMPLES = 10  # of each kind, of a model on a task
FARTHEST = 1e300  # what an answer that is no number is off
Array = NDArray[Any]
RowOf = Callable[[str, int], Any]  # from a task's name and the place of an output to the example; None where unknown


@dataclass(frozen=True)
class ValueChange:
    """A metric's value before and now.

    Attributes:
        model, task, metric: the latter's title.
        before, now: values, in words; empty where there is none.
        difference: now less before; empty where one is missing.
        better: whether it has become better; None where it is the same, or one is missing.
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
class ChangedExample:
    """A test example that is answered otherwise.

    Attributes:
        index: its place in the test split; with folds, among all examples.
        truth, before, now: its class, or number, and the two answers.
        values: the example itself, in short; empty where it is not known.
        picture: the example as an image; None where it is none.
    """

    index: int
    truth: str
    before: str
    now: str
    values: str
    picture: Array | None


@dataclass(frozen=True)
class AnswerChange:
    """What a model answers otherwise on a task.

    Attributes:
        model, task: names.
        noun: what an example is called.
        n: how many were asked about.
        broken, mended: how many are wrong now and were right, and the reverse; of numbers, how many answers are
            farther off, and nearer; with folds, how many are wrong in more repeats, and in fewer.
        of_numbers: whether the task asks for numbers.
        worse, better: the first of each.
    """

    model: str
    task: str
    noun: Noun
    n: int
    broken: int
    mended: int
    of_numbers: bool
    worse: tuple[ChangedExample, ...]
    better: tuple[ChangedExample, ...]


@dataclass(frozen=True)
class TimeChange:
    """A model's typical single query before and now, in seconds, and where that of another run as before would lie."""

    model: str
    task: str
    before: float
    now: float
    interval: tuple[float, float] | None

    @property
    def ratio(self) -> float:
        """Now to before."""
        return self.now / self.before

    @property
    def beyond(self) -> bool | None:
        """Whether it now lies where nine runs of ten as before would not; None where that is not known."""
        return None if self.interval is None else not self.interval[0] <= self.now <= self.interval[1]


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
    no_times = _no_times(record, base)
    return ChangeView(
        base=f"the run of {base.started[:16].replace('T', ' ')} UTC"
        + (f", commit {short_commit(base.commit)}" if base.commit else ""),
        values=changed,
        same=len(values) - len(changed),
        answers=tuple(sorted(_answers(record, base, _rows(record, base, row_of)), key=lambda a: -a.broken)),
        times=() if no_times else tuple(_times(record, base)),
        other_data=tuple(_other_data(record, base)),
        no_times=no_times,
        pace=_pace(record, base),
    )


def _pairs(record: Record, base: Record) -> Iterator[tuple[TaskEntry, Evaluation | None, Evaluation | None]]:
    """Evaluations before and now, of each model on each task that one of the two has."""
    before = {(e.model, e.task): e for e in base.evaluations}
    now = {(e.model, e.task): e for e in record.evaluations}
    for key in dict.fromkeys([*now, *before]):
        task = record.task(key[1]) or base.task(key[1])
        if task is not None:
            yield task, before.get(key), now.get(key)


def _alike(record: Record, base: Record, task: TaskEntry, before: Evaluation, now: Evaluation) -> bool:
    """Whether two evaluations answer the same questions."""
    data, other, asked = record.dataset(task.name), base.dataset(task.name), base.task(task.name)
    if data is None or other is None or asked is None or data.digest != other.digest:
        return False
    return before.predictions.shape == now.predictions.shape and np.array_equal(task.target, asked.target)


def _values(record: Record, base: Record, metrics: Mapping[str, Metric]) -> Iterator[ValueChange]:
    for task, before, now in _pairs(record, base):
        model = (now or before).model  # type: ignore[union-attr] # one of them is there
        for name in task.metrics:
            entry = record.metric(name) if now else base.metric(name)
            was, here = (value_of(e, entry) if e else "" for e in (before, now))
            numbers = [e.metrics.get(name) if e else None for e in (before, now)]
            size = None if None in numbers else numbers[1] - numbers[0]  # type: ignore[operator] # neither is None
            p_value = None
            if size and before and now and name in metrics and _alike(record, base, task, before, now):
                p_value = _p_value(record, task, metrics[name], before, now)
            yield ValueChange(
                model,
                task.name,
                entry.title,
                was,
                here,
                difference="" if size is None else metric_difference(size, entry),
                better=(size > 0) is entry.higher_is_better if size else None,
                p_value=p_value,
            )


def _p_value(record: Record, task: TaskEntry, metric: Metric, before: Evaluation, now: Evaluation) -> float | None:
    own = metric.on(task.classes, record.folds(task.name))
    outputs = [own.output(e.outputs) for e in (before, now)]
    if own.paired is None or any(output is None for output in outputs):
        return None
    p_value = own.paired.compute(task.target, *outputs).p_value
    return float(min(1.0, 2 * min(p_value, 1 - p_value)))


def _answers(record: Record, base: Record, row_of: RowOf) -> Iterator[AnswerChange]:
    named = {(v.model, v.task): v.lost for v in record.verdicts if v.lost}
    for task, before, now in _pairs(record, base):
        if before is None or now is None or not _alike(record, base, task, before, now):
            continue
        predictions = (before.predictions, now.predictions)
        of_numbers = asks_for_numbers(task, predictions)
        faults = [_faults(task, given, of_numbers) for given in predictions]
        folds = record.folds(task.name)
        grown = faults[1] - faults[0] if folds is None else folds.pooled(faults[1]) - folds.pooled(faults[0])
        first = named.get((now.model, task.name), [])
        places = np.lexsort((np.isin(np.arange(len(grown)), first, invert=True), -np.abs(grown)))
        if folds is not None:
            places = first_of_each(places, folds.examples)
        worse, better = places[grown[places] > 0], places[grown[places] < 0]
        if len(worse) or len(better):
            show = partial(_example, record, task, before, now, row_of, of_numbers)
            yield AnswerChange(
                now.model,
                task.name,
                noun([record.dataset(task.name)]),
                len(places),
                len(worse),
                len(better),
                of_numbers,
                tuple(map(show, worse[:MOST_EXAMPLES].tolist())),
                tuple(map(show, better[:MOST_EXAMPLES].tolist())),
            )


def _faults(task: TaskEntry, predictions: Array, of_numbers: bool) -> NDArray[np.float64]:
    """How bad each output is: its distance from the truth, or whether it is wrong."""
    if of_numbers:
        distances = np.abs(predictions - task.target.astype(np.float64))
        return np.nan_to_num(distances, nan=FARTHEST, posinf=FARTHEST)
    return (~right(task.target, predictions)).astype(np.float64)


def _example(
    record: Record, task: TaskEntry, before: Evaluation, now: Evaluation, row_of: RowOf, of_numbers: bool, i: int
) -> ChangedExample:
    data, name = record.dataset(task.name), class_names(record, task)

    def shown(value: Any) -> str:
        if np.ndim(value):
            return ", ".join(map(name, value))
        return f"{value:.5g}" if of_numbers else name(value)

    row = row_of(task.name, i)
    return ChangedExample(
        index=i if data is None else data.example(i),
        truth=shown(task.target[i]),
        before=shown(before.predictions[i]),
        now=shown(now.predictions[i]),
        values="" if row is None else row_text(row),
        picture=image(row, data.image_shape) if row is not None and data and data.image_shape else None,
    )


def _rows(record: Record, base: Record, row_of: RowOf | None) -> RowOf:
    """What gives examples: those that the records keep, else as `row_of` does."""
    kept = {
        (example.task, example.index): example.row
        for of in (base, record)
        for examples in (of.misclassified, of.largest_errors, *of.lost.values())
        for example in examples
    }

    def rows(task: str, i: int) -> Any:
        if (task, i) in kept or row_of is None:
            return kept.get((task, i))
        return row_of(task, i)

    return rows


def _other_data(record: Record, base: Record) -> Iterator[str]:
    others = {data.name: data for data in base.datasets}
    for data in record.datasets:
        other = others.get(data.name)
        if other is not None and other.digest != data.digest:
            yield f"{data.name} ({other.digest[:8]} -> {data.digest[:8]})"


def _times(record: Record, base: Record) -> Iterator[TimeChange]:
    doubted = {(a.model, a.engine) for of in (record, base) for a in of.doubted}
    before = {(t.model, t.task): t for t in base.native_timings if t.scenario == SINGLE.name}
    for now in record.native_timings:
        other = before.get((now.model, now.task))
        if other and now.scenario == SINGLE.name and (now.model, now.engine) not in doubted:
            yield TimeChange(now.model, now.task, other.typical, now.typical, other.interval)


def _no_times(record: Record, base: Record) -> str:
    """Why times can't be compared, as a clause; empty where they can, or there are none."""
    if not record.native_timings or not base.native_timings:
        return ""
    a, b = base.environment, record.environment
    pairs = [("processor", a.cpu, b.cpu), ("cores", a.cores, b.cores), ("system", a.system, b.system)]
    pairs += [("accelerator", a.accelerator or "none", b.accelerator or "none")]
    moved = [f"{what} {before} -> {now}" for what, before, now in pairs if before != now]
    if moved:
        return f"the machine is another ({', '.join(moved)})"
    for of, which in ((record, "this run"), (base, "the base")):
        if of.workers > 1:
            return f"{of.workers} processes of {which} were timed at once"
    return ""


def _pace(record: Record, base: Record) -> tuple[float, float] | None:
    speeds = base.kernel_speeds
    ratios = [
        float(np.median(now) / np.median(speeds[kernel]))
        for kernel, now in record.kernel_speeds.items()
        if kernel in speeds
    ]
    return (min(ratios), max(ratios)) if ratios else None
