"""Tasks: targets derived from a dataset's y, with the metrics that judge them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, TypeVar
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from fitgate.data import DataError, Dataset, Split
from fitgate.data.digest import digest
from fitgate.errors import FitgateError, in_one_line
from fitgate.metrics import METRICS, Metric
from fitgate.metrics.scorer import scorer_metric

CLASSES = ("binary", "multiclass")  # kinds of task in which each example is of one class
NUMBERS = ("continuous", "continuous-multioutput")
UNNAMEABLE = frozenset('/\\:*?"<>|,')  # in a file's name on one system or another; and what parts names in options


class TaskError(FitgateError):
    """A task or a gate that is declared wrongly."""


def _itself(y: Any) -> Any:
    return y


@dataclass(frozen=True, eq=False)
class Task:
    """What a model is asked.

    Attributes:
        name: what test ids and reports call it.
        dataset: where its examples come from: a dataset, or the name of one that a plugin contributes.
        target: from the dataset's y to the target: `(n,)`, or `(n, labels)` where it is multilabel. By default y.
        kind: `binary`, `multiclass`, `multilabel-indicator`, `continuous` or another of scikit-learn's types of
            target; found from the data where it is empty, and continuous where the metrics are for numbers.
        metrics: names of metrics, or metrics, the most telling first. A name is one of the library's, of a plugin's,
            or of scikit-learn's scorers.
        question: the task in words.
        slow: whether it takes part only where `--fit-tasks` names it.
        costs: what it costs to answer one class where another is true, a row for each true class and a column for each
            answer, classes sorted: reports then count what broke and what was mended at that. None for none.

    Raises:
        TaskError: if it has no metric, or a name that no file and no option can have.
    """

    name: str
    dataset: Dataset | str = field(repr=False)
    target: Callable[[Any], Any] = field(default=_itself, kw_only=True, repr=False)
    kind: str = field(default="", kw_only=True, repr=False)
    metrics: tuple[str | Metric, ...] = field(default=("accuracy",), kw_only=True, repr=False)
    question: str = field(default="", kw_only=True, repr=False)
    slow: bool = field(default=False, kw_only=True, repr=False)
    costs: Sequence[Sequence[float]] | None = field(default=None, kw_only=True, repr=False)
    _named: dict[str, Metric] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.name.strip() or not self.name.isprintable() or set(self.name) & UNNAMEABLE:
            raise TaskError(
                f"task {self.name!r}",
                found="a name that no baseline's file and no option can have",
                expected=f"letters, digits and the like, without any of {' '.join(sorted(UNNAMEABLE))}",
                next_step="rename it",
            )
        if not self.metrics:
            raise TaskError(
                f"task {self.name}", found="no metric", expected="one or more", next_step="name some in `metrics`"
            )

    @property
    def metric_names(self) -> tuple[str, ...]:
        """The names of its metrics."""
        return tuple(metric if isinstance(metric, str) else metric.name for metric in self.metrics)

    def metric(self, name: str) -> Metric | None:
        """Its metric of a name; None for one that a plugin contributes, until the session has found it."""
        own = (metric for metric in self.metrics if isinstance(metric, Metric) and metric.name == name)
        return next(own, self._named.get(name, METRICS.get(name)))

    def resolve(self, known: Mapping[str, Metric]) -> None:
        """Let it know the metrics that it names."""
        self._named.update({name: known[name] for name in self.metric_names if name in known})


class TaskData:
    """A task on its dataset, in the size of one profile: what is trained on, and what is asked.

    Args:
        task: the task.
        dataset: its dataset, of one profile.

    Attributes:
        task, dataset: as given.
    """

    def __init__(self, task: Task, dataset: Dataset):
        self.task = task
        self.dataset = dataset
        self._targets: dict[str, tuple[Split, Any, str]] = {}  # by split: derived from what, itself, and its digest
        dataset.tasks.append(ref(self))

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without the targets, which are made again there, read-only."""
        return TaskData, (self.task, self.dataset)

    @property
    def y_train(self) -> Any:
        """The training split's target."""
        return self._target("train", self.dataset.train)

    @property
    def y_test(self) -> Any:
        """The test split's target."""
        return self._target("test", self.dataset.test)

    @property
    def y_tested(self) -> Any:
        """The target of what outputs are kept for: of the test split, or of those of all folds, one after the other."""
        tested = self.dataset.tested
        return self.y_test if tested is self.dataset.test else self._target("tested", tested)

    def of_fold(self, i: int) -> TaskData:
        """The task on the data whose train and test split are those of a fold; see `Dataset.of_fold`."""
        return TaskData(self.task, self.dataset.of_fold(i))

    def own(self, metric: Metric) -> Metric:
        """A metric as it is on this task and data."""
        return metric.on(self.classes, self.dataset.folds)

    def seal(self) -> None:
        """Note what the data and all targets are, before a model gets them; see `Dataset.seal`.

        Raises:
            DataError: if a model has changed the data, and they could not be restored.
        """
        self.dataset.seal()
        len(self.y_train), len(self.y_test), len(self.y_tested)

    def restore(self) -> list[str]:
        """The parts whose content is no longer what was sealed, such as `test X`; it is brought back, where it can be.

        The targets of other tasks on the same dataset are among them. Where the data can't be brought back, `seal`
        raises an error from then on. Empty where nothing was sealed.
        """
        if not self.dataset.is_sealed:
            return []
        if changed := self.dataset.changed():
            self.dataset.restore()
        tasks: list[TaskData] = [task for known in self.dataset.tasks if (task := known()) is not None]
        for task in tasks:
            of = "" if task is self else f" of {task.task.name}"
            changed += [f"{part} target{of}" for part in task._changed_targets()]
        if changed:
            for task in tasks:
                task._targets.clear()
        return changed

    def _target(self, part: str, split: Split) -> Any:
        """A split's target, derived once for as long as the split is the same."""
        kept = self._targets.get(part)
        if kept is None or kept[0] is not split:
            target = self._derived(part, split)
            kept = self._targets[part] = split, target, _digest(target)
        return kept[1]

    def _derived(self, part: str, split: Split) -> Any:
        where, expected = f"task {self.task.name}, {part} split", f"a target for each of {len(split):,} examples"
        try:
            target = _read_only(self.task.target(split.y))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an exit, too: it would end the session, or pytest's skips hide the task
            raise TaskError(
                where,
                found=f"no target ({in_one_line(error)})",
                expected=expected,
                next_step="mend its target function",
            ) from error
        if target.shape[:1] != (len(split),):
            raise TaskError(
                where,
                found=f"a target of shape {target.shape}",
                expected=expected,
                next_step="let its target function return a row for each",
            )
        if target.dtype.kind not in "biufUSO" or (target.dtype.kind == "f" and not np.isfinite(target).all()):
            raise TaskError(
                where,
                found=f"a target of dtype {target.dtype}" + ", not all of it finite" * (target.dtype.kind == "f"),
                expected="truth values, finite numbers or text",
                next_step="mend its target function, or leave such examples out",
            )
        return target

    def _changed_targets(self) -> list[str]:
        return [part for part, (_, target, noted) in self._targets.items() if _digest(target) != noted]

    @cached_property
    def kind(self) -> str:
        """Its type of target, in scikit-learn's words.

        Raises:
            TaskError: if it is none that scikit-learn knows.
        """
        if self.task.kind:
            return self.task.kind
        metrics = map(self.task.metric, self.task.metric_names)
        judged = {metric.target for metric in metrics if metric is not None}
        known = self.y_train if len(self.y_train) else self.y_test
        if "numbers" in judged and "classes" not in judged:  # whole numbers would pass for classes
            return "continuous" if known.ndim == 1 else "continuous-multioutput"
        from sklearn.utils.multiclass import type_of_target

        try:
            return str(type_of_target(known))
        except (TypeError, ValueError) as error:  # bytes, or objects of several kinds
            raise TaskError(
                f"task {self.task.name}, train split",
                found=f"a target of no kind that scikit-learn knows ({in_one_line(error)})",
                expected="classes, labels or numbers",
                next_step="mend its target function, or declare `kind`",
            ) from None

    @property
    def costs(self) -> NDArray[np.float64] | None:
        """What it costs to answer class j where class i is true, `(classes, classes)`; None where nobody says.

        Raises:
            TaskError: if these are not finite numbers for just its classes.
        """
        if self.task.costs is None:
            return None
        count = 0 if self.classes is None else len(self.classes)
        try:
            costs = np.asarray(self.task.costs, np.float64)
        except (TypeError, ValueError):
            costs = np.empty(0)
        if not count or costs.shape != (count, count) or not np.isfinite(costs).all():
            raise TaskError(
                f"task {self.task.name}",
                found=f"costs of shape {costs.shape}",
                expected=f"finite numbers, {count} rows and columns: one for each class"
                if count
                else "none: no classes",
                next_step="correct `costs`",
            )
        return costs

    def check(self) -> None:
        """Refuse metrics of classes on a target of numbers, and costs that do not fit the classes.

        Raises:
            TaskError: if there are such.
        """
        _ = self.costs
        for metric in map(self.task.metric, self.task.metric_names):
            if self.kind in NUMBERS and metric is not None and metric.target == "classes":
                raise TaskError(
                    f"task {self.task.name}",
                    found=f"metric {metric.name}, which judges classes, on a target of {self.kind} numbers",
                    expected="metrics of numbers, such as mae and r2",
                    next_step="name some in `metrics`, or derive classes by `target`",
                )

    @cached_property
    def classes(self) -> NDArray[Any] | None:
        """The classes of both splits, sorted `(classes,)`; None where each example is not of one class."""
        if self.kind not in CLASSES:
            return None
        return np.unique(np.concatenate([np.unique(self.y_train), np.unique(self.y_test)]))


def _read_only(target: Any) -> Any:
    """An array that no model can change for the others."""
    array = np.asarray(target).view()
    array.flags.writeable = False
    return array


def _digest(target: NDArray[Any]) -> str:
    try:
        return digest(target)
    except DataError:  # objects of a kind that data may not hold, and a target may
        return digest(target.astype(str))


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def by_name(noun: str, items: Iterable[N], expected: str = "one") -> dict[str, N]:
    """Items by their names; the same one may come several times.

    Raises:
        TaskError: if two different ones share a name: records would take them for one.
    """
    named: dict[str, N] = {}
    for item in items:
        if named.setdefault(item.name, item) is not item:
            raise TaskError(
                f"{noun} {item.name}",
                found=f"two different {noun}s of that name",
                expected=expected,
                next_step="rename one of them",
            )
    return named


def known_metrics(tasks: Iterable[Task], contributed: Iterable[Metric] = ()) -> Mapping[str, Metric]:
    """All metrics by name: the library's, those that plugins contribute, and those that tasks bring along or name.

    Raises:
        TaskError: if two different ones share a name, or a task names one that there is not.
    """
    tasks = list(tasks)
    brought = (metric for task in tasks for metric in task.metrics if isinstance(metric, Metric))
    known = by_name("metric", [*METRICS.values(), *contributed, *brought])
    for task in tasks:
        for name in task.metric_names:
            found = known.get(name) or scorer_metric(name)
            if found is None:
                raise TaskError(
                    f"task {task.name}",
                    found=f"metric {name!r}",
                    expected=f"one of {', '.join(sorted(known))}, or one of scikit-learn's scorers",
                    next_step="correct its name, or contribute it by the hook pytest_fitgate_metrics",
                )
            known[name] = found
        task.resolve(known)
    return known


def is_better_higher(task: Task, name: str) -> bool:
    """Whether a metric of a task is better the higher it is; so it is taken to be until it is known."""
    metric = task.metric(name)
    return metric is None or metric.higher_is_better


def check_metric(task: Task, metric: str) -> None:
    """Refuse a gate on a metric that is not one of the task's.

    Raises:
        TaskError: if it is not.
    """
    if metric not in task.metric_names:
        raise TaskError(
            f"a gate on task {task.name}",
            found=f"metric {metric!r}",
            expected=f"one of {', '.join(task.metric_names)}",
            next_step="correct it, or add it to the task's metrics",
        )
