"""What a record describes besides what happened: settings, datasets, tasks, metrics, models, and examples."""

from __future__ import annotations

from typing import Any

import msgspec
from numpy.typing import NDArray

from fitgate.data import By, Dataset, Slices, slicing_name
from fitgate.gates import Gate, JudgeSettings, Verdict
from fitgate.gates.evidence import group_codes, sliced
from fitgate.machine import Environment
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.runs import Fit
from fitgate.statistics import Folds
from fitgate.tasks import TaskData


class Settings(msgspec.Struct, frozen=True):
    """What was in force, however it was set: on the command line, in the project's configuration, or by default.

    Attributes:
        profile: of the datasets; empty where they have one size.
        seed: what models were built with, as far as `seed_named` says.
        seeds: with how many seeds each model was trained from the start; 0 for the session's one.
        models, tasks: names of those that took part alone; empty for all but the slow ones.
        require: names of models whose missing library is a failure.
        threads: cores that the session was to use; None for all.
        timing: how long predictions were timed, times the usual.
        timeout: seconds that a model's fit or predicting could take, where it does not say itself; None for no limit.
        memory: whether memory was measured.
        server: whether queries that arrive at random were timed.
        processes: in how many each model was timed; 0 for the session's own.
        backend: joblib's backend of parallel work; empty for processes on this machine.
        judge: how gates judged.
        engines: names of those that were to serve models besides the estimators as they are; `all` for all.
        keep: whether fitted models were kept, for `fitgate pack`.
        reuse: whether fits of earlier sessions were used.
        batches: sizes of batches that were timed besides the scenarios, in examples.
        seed_named: whether the user named the seed; where not, a model with a baseline was built with that's first.
    """

    profile: str = ""
    seed: int = 42
    seeds: int = 0
    models: list[str] = []
    tasks: list[str] = []
    require: list[str] = []
    threads: int | None = None
    timing: float = 1.0
    timeout: float | None = None
    memory: bool = False
    backend: str = ""
    judge: JudgeSettings = JudgeSettings()
    seed_named: bool = True
    server: bool = True
    processes: int = 0
    engines: list[str] = []
    keep: bool = False
    batches: list[int] = []
    reuse: bool = False


class DataEntry(msgspec.Struct, frozen=True, tag=True, eq=False):
    """A dataset.

    Attributes:
        name, profile, licence, source: as it says.
        digest: SHA-256 of all.
        digests: SHA-256 of each part.
        n_train, n_test: examples in each split; with folds, in those of the first.
        labels: the test split's y; with folds, of what they test, one after the other.
        class_names: of its labels, where they have names.
        image_shape: height and width where rows are images.
        groups: how many groups of dependent examples the test split holds; 0 where none are named.
        overlap: how many of its examples stand in the training split too, by their X; None where it was not counted.
        overlap_alike: how many of these have the same y there.
        folds: of a cross-validation; None where there is one test split.
        group_of: which group the example of each output is of, integers from 0 on; None where none are named, and in
            records of 0.1.
    """

    name: str
    profile: str
    digest: str
    digests: dict[str, str]
    n_train: int
    n_test: int
    labels: NDArray[Any]
    class_names: list[str] = []
    image_shape: tuple[int, ...] | None = None
    licence: str = ""
    source: str = ""
    groups: int = 0
    overlap: int | None = None
    overlap_alike: int | None = None
    folds: Folds | None = None
    group_of: NDArray[Any] | None = None

    @property
    def n_tested(self) -> int:
        """How many examples are tested: all where there are folds."""
        return self.n_test if self.folds is None else self.folds.n

    @property
    def n_outputs(self) -> int:
        """How many outputs models give: one a tested example, in each repeat."""
        return self.n_test if self.folds is None else len(self.folds.examples)

    def example(self, output: int) -> int:
        """Which example an output is for: its place in the test split; with folds, among all."""
        return output if self.folds is None else int(self.folds.examples[output])


class TaskEntry(msgspec.Struct, frozen=True, tag=True, eq=False):
    """A task.

    Attributes:
        name, kind, question: as it says.
        dataset: the dataset's name.
        metrics: names of its metrics, the most telling first.
        target: the truth of the test split; with folds, of what they test, one after the other.
        classes: those of both splits, sorted; None where each example is not of one class, or it is not known.
        costs: what it costs to answer class j where class i is true, `(classes, classes)`; None where nobody says.
    """

    name: str
    dataset: str
    kind: str
    question: str
    metrics: list[str]
    target: NDArray[Any]
    classes: NDArray[Any] | None = None
    costs: NDArray[Any] | None = None


class SlicesEntry(msgspec.Struct, frozen=True, tag=True, eq=False):
    """How gates slice the examples of a task.

    Attributes:
        task: the task's name.
        by: what the slicing is called: a column, or a function.
        slices: None where there are none.
        fault: why there are none, in one line; empty where there are.
    """

    task: str
    by: str
    slices: Slices | None = None
    fault: str = ""


class MetricEntry(msgspec.Struct, frozen=True, tag=True):
    """A metric, as far as a report needs it.

    Attributes:
        name, title, unit, higher_is_better: as it says.
        scorer: the name of scikit-learn's scorer that it was made from; empty for none.
    """

    name: str
    title: str
    unit: str = "share"
    higher_is_better: bool = True
    scorer: str = ""


class ModelEntry(msgspec.Struct, frozen=True, tag=True):
    """A model that took part, or would have.

    Attributes:
        name, description: as its plugin says.
        tasks: names of its tasks, first the one whose predictions are timed.
        skipped: why it did not take part; None if it did.
        stochastic: whether the seed changes what it learns, as its author says; None where they do not: its runs with
            several seeds, if there are some, show it.
    """

    name: str
    description: str
    tasks: list[str]
    skipped: str | None = None
    stochastic: bool | None = None


class PublishedEntry(msgspec.Struct, frozen=True):
    """A value that others published for such a model, on this run's data.

    Attributes:
        model, task, metric: names.
        value: as it was published.
        source: where, in words.
        interval: of the value that this run came to, at 95 %; None where the metric has none.
    """

    model: str
    task: str
    metric: str
    value: float
    source: str
    interval: tuple[float, float] | None = None


class Misclassified(msgspec.Struct, frozen=True, eq=False):
    """A test example that models got wrong, or are far off.

    Attributes:
        task: the task's name.
        index: of its output; `DataEntry.example` says which example that is.
        label: the truth: a label, or a number.
        answers: each model's, by its name.
        row: the example itself: an array, a mapping from columns to values, or text.
    """

    task: str
    index: int
    label: Any
    answers: dict[str, Any]
    row: Any


class WeakSlice(msgspec.Struct, frozen=True):
    """A slice of the test examples in which a model is wrong more often, that nobody named.

    Attributes:
        model, task: names.
        rule: the slice, as conditions on columns.
        n, wrong: test examples of the slice in the half that it was counted on, and how many of them are wrong.
        others, others_wrong: likewise outside it.
        p_value: one-sided, adjusted for all slices that were counted.
    """

    model: str
    task: str
    rule: str
    n: int
    wrong: int
    others: int
    others_wrong: int
    p_value: float


class NotApplied(msgspec.Struct, frozen=True, tag=True):
    """A gate that was selected, and does not hold on the session's profile.

    Attributes:
        model, task: names.
        kind: of gate.
        profile: of the session's data.
        rules: the gate in symbols, by the profile that it has a number for.
        where: the file and line that declare it.
    """

    model: str
    task: str
    kind: str
    profile: str
    rules: dict[str, str]
    where: str

    @property
    def reason(self) -> str:
        """Why it is not judged."""
        numbers = f"; it has numbers for {', '.join(self.rules)}" if self.rules else ""
        return f"not applied on {f'profile {self.profile}' if self.profile else 'data without profiles'}{numbers}"


class UnusableBaseline(msgspec.Struct, frozen=True, tag=True):
    """A baseline that could not be read, as the error has it."""

    model: str
    task: str
    where: str
    found: str
    expected: str
    next_step: str


class EngineEntry(msgspec.Struct, frozen=True, tag=True):
    """A fitted model, as an engine serves it, held to the estimator as it is on the whole test split.

    Attributes:
        model, task, engine: names.
        reason: why the engine does not serve it, as a clause: of a conversion that failed, say; empty where it does.
        fault: why what it answers can be no answers; empty where they can.
        n: test examples that it was asked about.
        equal: share of its predictions that are those of the estimator; of numbers, that differ by no more than a
            thousandth of the target's standard deviation.
        difference: the largest of its `compared`; None where there are none that both give.
        compared: `probabilities`, `scores` or, of a task that asks for them, `numbers`; empty for none.
        convert_seconds: wall time of the conversion.
        size: of what the engine loads, in bytes.
        metrics: of its answers, by name; None for one that they lack. Empty where they were not told.
        verdicts: of the model's gates on its timed task, by what the engine answers.
        lost: the gates among these that the engine fails, and the estimator, judged by the same seed alone, does not.
    """

    model: str
    task: str
    engine: str
    reason: str = ""
    fault: str = ""
    n: int = 0
    equal: float | None = None
    difference: float | None = None
    compared: str = ""
    convert_seconds: float | None = None
    size: int | None = None
    metrics: dict[str, float | None] = {}
    verdicts: list[Verdict] = []
    lost: list[str] = []


class KeptModel(msgspec.Struct, frozen=True, tag=True):
    """A fitted model that was kept for `fitgate pack`, or why it was not.

    Attributes:
        model, task, engine: names; the engine `native` is the estimator as it is.
        loader: the library's engine that loads it.
        digest: SHA-256 of its file, whose name it is.
        size: of the file, in bytes.
        kernel, work_per_example, threads: as `Timing` has them.
        reason: why it was not kept, as a clause; all else is then empty.
    """

    model: str
    task: str
    engine: str
    loader: str = ""
    digest: str = ""
    size: int = 0
    kernel: str = ""
    work_per_example: float | None = None
    reason: str = ""
    threads: int | None = None


class KeptData(msgspec.Struct, frozen=True, tag=True):
    """The examples of a test split that were kept beside models, or why they were not.

    Attributes:
        dataset: its name.
        digest, size, reason: as `KeptModel` has them.
    """

    dataset: str
    digest: str = ""
    size: int = 0
    reason: str = ""


class Origin(msgspec.Struct, frozen=True):
    """The session whose fitted models came to this machine in a bundle, where they were timed.

    Attributes:
        started, commit, environment: of its record.
        fits: of the models.
        digest: SHA-256 of the bundle.
    """

    started: str
    commit: str | None
    environment: Environment
    fits: list[Fit]
    digest: str


class Extra(msgspec.Struct, frozen=True, tag=True, eq=False):
    """What a plugin keeps in the record for reports of its own.

    Attributes:
        owner: whose it is.
        content: plain values; arrays as `encode` writes them (`decode_array` reads them).
    """

    owner: str
    content: Any


def describe_data(dataset: Dataset) -> DataEntry:
    """A dataset as a record keeps it."""
    import numpy as np

    groups = group_codes(dataset.tested.groups)
    return DataEntry(
        name=dataset.name,
        profile=dataset.profile,
        digest=dataset.digest,
        digests=dict(dataset.digests),
        n_train=len(dataset.train),
        n_test=len(dataset.test),
        labels=np.asarray(dataset.tested.y),
        class_names=list(dataset.class_names),
        image_shape=tuple(dataset.image_shape) if dataset.image_shape else None,
        licence=dataset.licence,
        source=dataset.source,
        groups=0 if groups is None else len(np.unique(groups)),
        overlap=dataset.overlap.rows,
        overlap_alike=dataset.overlap.alike,
        folds=dataset.folds,
        group_of=groups,
    )


def describe_task(data: TaskData) -> TaskEntry:
    """A task as a record keeps it."""
    task = data.task
    names = list(task.metric_names)
    about = (task.name, data.dataset.name, data.kind, task.question)
    return TaskEntry(*about, names, data.y_tested, data.classes, data.costs)


def describe_slices(data: TaskData, by: By) -> SlicesEntry:
    """How gates slice a task's examples, as a record keeps it."""
    found = sliced(data.dataset.tested, by)
    slices, fault = (None, found) if isinstance(found, str) else (found, "")
    return SlicesEntry(data.task.name, slicing_name(by), slices, fault)


def describe_metric(metric: Metric) -> MetricEntry:
    """A metric as a record keeps it."""
    return MetricEntry(metric.name, metric.title, metric.unit, metric.higher_is_better, metric.scorer)


def describe_not_applied(model: str, gate: Gate, profile: str) -> NotApplied:
    """A gate that does not apply to a profile, as a record keeps it."""
    rules = {name: gate.rule(name) or "" for name in gate.profiles}
    return NotApplied(model, gate.task.name, gate.kind, profile, rules, gate.where)


def describe_model(model: Model, skipped: str | None) -> ModelEntry:
    """A model as a record keeps it."""
    return ModelEntry(model.name, model.description, [task.name for task in model.tasks], skipped, model.stochastic)
