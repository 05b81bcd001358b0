"""Words and numbers that several views show: examples or images, names of classes, values of metrics, percentiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.latency.timing import Timing
from fitgate.machine import Accelerator, Environment
from fitgate.record import ARRAY_KEYS, DataEntry, MetricEntry, Record, TaskEntry, decode_array
from fitgate.record.examples import asks_for_numbers
from fitgate.runs import Evaluation
from fitgate.tasks import CLASSES
from fitgate.text import shown

MOST_VALUES = 8
MOST_CHARACTERS = 120
CHANNELS = (1, 3, 4)


class Noun(NamedTuple):
    """What the examples of datasets are called."""

    one: str
    many: str


class Percentiles(NamedTuple):
    """A typical query's seconds, and percentiles; None for one that takes more queries than there were."""

    typical: float | None
    p90: float | None
    p99: float | None


def noun(datasets: Iterable[DataEntry | None]) -> Noun:
    """`image` where the rows of all of some datasets are images, `example` otherwise."""
    known = list(datasets)
    images = bool(known) and all(data is not None and data.image_shape for data in known)
    return Noun("image", "images") if images else Noun("example", "examples")


def outputs(data: DataEntry | None) -> Noun:
    """What is counted where each output counts: examples, or with folds their answers, several an example."""
    return noun([data]) if data is None or data.folds is None else Noun("answer", "answers")


def training(data: DataEntry) -> str:
    """What models were trained on when an example was tested, in words."""
    return "the training split" if data.folds is None else "other folds"


def main_tasks(record: Record) -> list[TaskEntry]:
    """The tasks that some model puts first: those that figures are drawn for."""
    first = {model.tasks[0] for model in record.models if model.tasks}
    return [task for task in record.tasks if task.name in first]


def has_classes(record: Record, task: TaskEntry) -> bool:
    """Whether each example of a task belongs to one class."""
    answers = [e.predictions for e in record.evaluations if e.task == task.name]
    return task.kind in CLASSES and not asks_for_numbers(task, answers)


def class_names(record: Record, task: TaskEntry | None) -> Callable[[Any], str]:
    """From a label to what its class is called: the dataset's name where the task asks for its labels, else itself."""
    data = record.dataset(task.name) if task is not None else None
    names: Sequence[str] = ()
    if data is not None and task is not None and np.array_equal(data.labels, task.target):
        names = data.class_names

    def name(label: Any) -> str:
        plain = label.item() if isinstance(label, np.generic) else label
        if isinstance(plain, float) and plain.is_integer():
            plain = int(plain)
        known = type(plain) is int and 0 <= plain < len(names)
        return names[plain] if known else str(plain)

    return name


def same_output(seeds: int) -> str:
    """What a report says of a model of which so many seeds were found to give the same output."""
    return f"deterministic ({'two' if seeds == 2 else seeds} seeds, same output)"


def metric_value(value: float | None, metric: MetricEntry) -> str:
    """A metric's value: four decimals of a share, five significant digits of anything else."""
    if value is None or not math.isfinite(value):
        return "NaN"
    return f"{value:.4f}" if metric.unit == "share" else f"{value:.5g} {metric.unit}".strip()


def value_of(evaluation: Evaluation, metric: MetricEntry) -> str:
    """The value of an evaluation's metric; empty where the estimator does not give what the metric reads."""
    if metric.name in evaluation.missing:
        return ""
    return metric_value(evaluation.metrics.get(metric.name), metric)


def metric_difference(size: float, metric: MetricEntry) -> str:
    """A difference of two values, with its sign and as many digits as they have."""
    return f"{size:+.4f}" if metric.unit == "share" else f"{size:+.5g} {metric.unit}".strip()


def is_share(metric: MetricEntry) -> bool:
    """Whether a metric is a number from 0 to 1, which figures show in percent."""
    return metric.unit == "share"


def figure_value(value: float, metric: MetricEntry) -> float:
    """A value as figures show it: shares in percent."""
    return 100 * value if is_share(metric) else value


def axis_title(metric: MetricEntry, task: str) -> str:
    """A metric's title on a task, with its unit."""
    unit = "%" if is_share(metric) else metric.unit
    return ", ".join(filter(None, [f"{metric.title} on {task}", unit]))


def percentiles(timing: Timing | None) -> Percentiles | None:
    """A timing's typical query and its slow ones; None where there is no timing."""
    if timing is None:
        return None
    return Percentiles(timing.typical, timing.percentile(90), timing.percentile(99))


def threads(record: Record) -> str:
    """Cores that a session could use, and threads of each library."""
    return ", ".join(f"{name} {count}" for name, count in record.threads.items()) or "not recorded"


def gpus(environment: Environment) -> str:
    """The machine's GPUs, each with its driver, clock and limit of power where they are known; empty for none."""
    return ", ".join(map(_gpu, environment.accelerators)) or environment.accelerator


def _gpu(of: Accelerator) -> str:
    clock = "" if of.most_mhz is None else f"at most {of.most_mhz:,.0f} MHz"
    if clock and of.set_mhz not in (None, of.most_mhz):
        clock = f"set to {of.set_mhz:,.0f} of {of.most_mhz:,.0f} MHz"
    power = "" if of.watts is None else f"at most {of.watts:g} W"
    if power and of.most_watts is not None and of.most_watts > (of.watts or 0.0):
        power = f"limited to {of.watts:g} of {of.most_watts:g} W"
    memory = "" if of.memory_mib is None else f"{of.memory_mib / 1024:.0f} GiB"
    return f"{of.name} ({', '.join(filter(None, (f'driver {of.driver}', memory, clock, power)))})"


def shortened(text: str, most: int = MOST_CHARACTERS) -> str:
    """A text of at most so many characters, its white space made plain."""
    flat = shown(text[: 4 * most], 4 * most)
    return flat if len(flat) <= most and len(text) <= 4 * most else f"{flat[: most - 3]}..."


def row_content(row: Any) -> Any:
    """An example as it was given, whether the record is of this session or was read from a file."""
    if isinstance(row, dict) and row.keys() == ARRAY_KEYS:
        return decode_array(row)
    return row


def row_text(row: Any) -> str:
    """An example's first values: of an array, of columns with their names, or of a text its beginning."""
    content = row_content(row)
    if isinstance(content, np.ndarray):
        return _of_many([_number(value) for value in content.ravel()[: MOST_VALUES + 1]], content.size)
    if isinstance(content, dict):
        items = [f"{name}: {_number(value)}" for name, value in list(content.items())[: MOST_VALUES + 1]]
        return _of_many(items, len(content))
    return shortened(str(content))


def image(row: Any, shape: tuple[int, ...]) -> NDArray[Any] | None:
    """An example as the picture that it is: `(height, width)`, or `(height, width, channels)` with 1, 3 or 4 of them.

    None where it has another number of values, or shape.
    """
    content = row_content(row)
    if not isinstance(content, np.ndarray) or content.dtype.kind not in "biuf":
        return None
    if not content.size or content.size != math.prod(shape):
        return None
    drawable = len(shape) == 2 or (len(shape) == 3 and shape[-1] in CHANNELS)
    return content.reshape(shape) if drawable else None


def _of_many(values: Sequence[str], count: int) -> str:
    return ", ".join(values) if count <= MOST_VALUES else f"{', '.join(values[:MOST_VALUES])}, ... ({count:,} values)"


def _number(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float | np.floating) else shortened(str(value), 40)
