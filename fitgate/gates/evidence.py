"""Evidence: all that gates may look at. It comes from a running session or from a record, and holds the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from fitgate.data import By, Slices, Split, slices_of, slicing_name
from fitgate.disturbances import Disturbance
from fitgate.errors import FitgateError
from fitgate.gates.baseline import Baseline
from fitgate.gates.settings import JudgeSettings
from fitgate.gates.waiver import Waiver
from fitgate.machine import Environment
from fitgate.metrics import Metric
from fitgate.runs import Disturbed, Evaluation
from fitgate.statistics import Folds
from fitgate.tasks import TaskData

Key = tuple[str, str]  # the names of a model and of a task


class NotEvaluated(FitgateError):
    """A model that has no evaluation on a task."""


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of the test split, as a task asks for it; with cross-validation, of what all folds test.

    Attributes:
        profile: of the dataset; empty where it has one size.
        digest: of the dataset.
        target: of each output, `(n,)`, or `(n, labels)`; with folds, `(repeats * n,)`, one after the other.
        labels: the dataset's own y, as long, by which losses are counted.
        class_names: of those labels; empty where they speak for themselves.
        kind: of task; empty where it is not known.
        classes: of the task, sorted `(classes,)`; None where each example is not of one class.
        folds: of a cross-validation; None where there is one test split.
        groups: of each output's example, integers from 0 on, `(n,)`; None where examples are independent.
        slices: by what their slicing is called, or why there are none, in one line.
        costs: what it costs to answer class j where class i is true, float `(classes, classes)`; None where the task
            names none.
        part_of: of a slice, which example of the whole each output is for; None for the whole.
    """

    profile: str
    digest: str
    target: NDArray[Any]
    labels: NDArray[Any]
    class_names: Sequence[str] = ()
    kind: str = ""
    classes: NDArray[Any] | None = None
    folds: Folds | None = None
    groups: NDArray[Any] | None = None
    slices: Mapping[str, Slices | str] = field(default_factory=dict)
    costs: NDArray[Any] | None = None
    part_of: NDArray[Any] | None = None

    @classmethod
    def of(cls, data: TaskData, by: Iterable[By] = ()) -> Self:
        """That of a task on its data, which are loaded for it.

        Args:
            data: the task's.
            by: how gates slice the examples.
        """
        dataset = data.dataset
        return cls(
            dataset.profile,
            dataset.digest,
            data.y_tested,
            np.asarray(dataset.tested.y),
            dataset.class_names,
            data.kind,
            data.classes,
            dataset.folds,
            group_codes(dataset.tested.groups),
            {slicing_name(one): sliced(dataset.tested, one) for one in by},
            data.costs,
        )

    @property
    def n(self) -> int:
        """How many examples are tested."""
        return len(self.target) if self.folds is None else self.folds.n

    @property
    def units(self) -> int:
        """How many independent units these are; groups, where examples depend on each other, else examples."""
        return self.n if self.groups is None else len(np.unique(self.groups))

    @property
    def counted(self) -> int:
        """By how many a metric's mean is taken, of which one may change; groups, or outputs."""
        return len(self.target) if self.groups is None else self.units

    @property
    def examples(self) -> NDArray[Any]:
        """Which example each output is for, from 0 on."""
        if self.part_of is not None:
            return self.part_of
        return np.arange(len(self.target)) if self.folds is None else self.folds.examples

    def pooled(self, values: NDArray[Any]) -> NDArray[Any]:
        """Of values of outputs, the mean over all outputs for the same example."""
        return values if self.folds is None else self.folds.pooled(values)

    def own(self, metric: Metric) -> Metric:
        """A metric as it is on the task and its data."""
        return metric.on(self.classes, self.folds, self.groups)

    def part(self, rows: NDArray[Any]) -> Truth:
        """What is true of some of the outputs, by their places."""
        groups = None if self.groups is None else group_codes(self.groups[rows])
        return replace(
            self,
            target=self.target[rows],
            labels=self.labels[rows],
            folds=None if self.folds is None else self.folds.part(rows),
            groups=groups,
            slices={},
            part_of=self.examples[rows],
        )


def group_codes(groups: NDArray[Any] | None) -> NDArray[Any] | None:
    """The group of each output as an integer from 0 on; None where examples have none."""
    if groups is None:
        return None
    names = groups if groups.dtype.kind in "biufUS" else groups.astype(str)
    known, codes = np.unique(names.reshape(-1), return_inverse=True)
    return codes.reshape(-1).astype(np.min_scalar_type(len(known)))


def sliced(split: Split, by: By) -> Slices | str:
    """The slices of examples, or why there are none, in one line."""
    try:
        return slices_of(split, by)
    except FitgateError as error:
        return str(error)


@dataclass(frozen=True, eq=False)
class Evidence:
    """What models gave for test splits, and what there is to compare it with.

    Attributes:
        truths: by the task's name.
        metrics: by name.
        settings: how to judge.
        environment: where the models ran.
        runs: evaluations of a model on a task: the session's one, or one a seed.
        missing: why a model was not evaluated on a task.
        baselines: of a model on a task, or why one can't be used.
        waivers: failures that are accepted.
        today: the day of the run, by which waivers end.
        own: evaluations of the session's own estimators, whatever other seeds there are.
        disturbed: what these made of disturbed test splits.
        seeds: of the runs, in their order; where a model and task are not among them, they are not known.
        executions: on what and how estimators say that they computed; of those that say nothing, none.
    """

    truths: Mapping[str, Truth]
    metrics: Mapping[str, Metric]
    settings: JudgeSettings
    environment: Environment
    runs: Mapping[Key, Sequence[Evaluation]] = field(default_factory=dict)
    missing: Mapping[Key, str] = field(default_factory=dict)
    baselines: Mapping[Key, Baseline | FitgateError] = field(default_factory=dict)
    seeds: Mapping[Key, Sequence[int]] = field(default_factory=dict)
    executions: Mapping[Key, str] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    today: date = date.max
    own: Mapping[Key, Evaluation] = field(default_factory=dict)
    disturbed: Mapping[tuple[str, str, Disturbance], Disturbed] = field(default_factory=dict)

    def metric(self, name: str, task: str) -> Metric:
        """A metric, as it is on the classes of a task."""
        return self.truths[task].own(self.metrics[name])

    def runs_of(self, model: str, task: str) -> Sequence[Evaluation]:
        """A model's evaluations on a task, one or more.

        Raises:
            NotEvaluated: if there is none.
        """
        runs = self.runs.get((model, task))
        if not runs:
            raise NotEvaluated(
                f"{model} on {task}",
                found=f"no outputs ({self.missing.get((model, task), 'it was not evaluated')})",
                expected="predictions for the test split",
                next_step="mend what is named, or take the gate away",
            )
        return runs

    def evaluation_of(self, model: str, task: str) -> Evaluation:
        """A model's evaluation on a task, that of its first seed where there are several.

        Raises:
            NotEvaluated: if there is none.
        """
        return self.runs_of(model, task)[0]

    def under(self, model: str, task: str, disturbance: Disturbance) -> tuple[Evaluation, Evaluation]:
        """What the session's own estimator made of the test split as it is, and of the disturbed one.

        Raises:
            NotEvaluated: if there is no such evaluation.
        """
        self.runs_of(model, task)  # raises, if the model failed
        clean, found = self.own.get((model, task)), self.disturbed.get((model, task, disturbance))
        if clean is None or found is None or found.evaluation is None:
            reason = found.error if found is not None else "it was not evaluated"
            raise NotEvaluated(
                f"{model} on {task} under {disturbance}",
                found=f"no outputs ({reason})",
                expected="predictions for the disturbed test split",
                next_step="mend what is named, or take the gate away",
            )
        return clean, found.evaluation
