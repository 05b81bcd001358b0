"""What a model's author declares."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from fitgate.engines import Engine
from fitgate.errors import FitgateError, declaring_frame
from fitgate.machine.modules import missing
from fitgate.tasks import Task, by_name


class ModelError(FitgateError):
    """A model that is declared wrongly, or that there is not."""


def _nothing_to_build(seed: int) -> Any:
    raise ModelError(
        "a model that is not trained here",
        found="a demand to build its estimator",
        expected="a look at what its file holds",
        next_step="leave such models out, by Model.is_trained",
    )


class Rule(Protocol):
    """What a model needs to know of a gate (see `fitgate.gates`)."""

    @property
    def task(self) -> Task: ...

    def rule(self, profile: str) -> str | None:
        """The rule in symbols, as `accuracy>=0.95`; None where it does not apply to a profile."""


class Work(NamedTuple):
    """How much a fitted estimator does for each example that it predicts, in the measure of a calibration kernel.

    Attributes:
        kernel: `gemm`, in floating-point operations (a multiplication and an addition are two), or `tree`, in nodes.
        per_example: how many.
    """

    kernel: str
    per_example: float


@dataclass(frozen=True)
class Published:
    """A value of a metric that others published for such a model, which the report sets beside ours. It judges nothing.

    Attributes:
        task: on which.
        metric: its name, one of the task's.
        value: as it was published, in the metric's own unit.
        profile: the size of the data that it is of; empty where the dataset has one size.
        source: where it was published, and how that model differs from this one, in words.
    """

    task: Task
    metric: str
    value: float
    profile: str = field(default="", kw_only=True)
    source: str = field(kw_only=True)


@dataclass(frozen=True)
class Model:
    """An estimator to be held to its gates; or, in its place, a file of one that was trained, or of its predictions.

    Attributes:
        name: what test ids, fixtures and reports call it: lower case, digits and underscores.
        build: makes a fresh, unfitted scikit-learn estimator from a seed; imports its library itself, so that
            collecting stays fast. Not with predictions; with an artefact, only of weights.
        tasks: what it is asked, first the task whose predictions are timed; those of its gates where there are none. An
            estimator is fitted for each.
        gates: what it must hold to.
        published: values that others published for such a model, for the report to set beside its own.
        requires: modules without which it is skipped.
        description: one line for the report.
        slow: whether it takes part only where `--fit-models` names it.
        stochastic: whether the seed changes what it learns; if not, one seed stands for all. Where its author does not
            say, a session of several seeds finds out, task by task: if the first two give the same output, it is not.
        work: tells how much a fitted estimator does, where that is defined: reports set it against the machine's limit.
        timeout: seconds that each fit, and predicting the test split, may take, in a process of its own; None for what
            `--fit-timeout` says.
        engines: that serve this model alone, where `--fit-engines` asks for them; one of the name of another, such as
            `onnx`, takes its place.
        expected_failed_checks: why it may fail checks of `fitgate.contracts`, by their names; pytest reports these
            failures as expected, and tells where one is passed all the same.
        serving_threads: cores that it answers queries of fewer than 2,000 examples with, where it is timed; None for
            all, as it has for larger ones.
        artefact: a file of the trained model: what skops writes, an ONNX model, or weights in safetensors for the
            estimator that `build` makes, which has `import_weights` (see `fitgate.protocols.TakesWeights`). A path is
            relative to the file that declares the model.
        trusted: of a skops file, names of the types and functions that may be loaded besides scikit-learn's own.
        predictions: a CSV or Parquet file of what it answers about the test split (see `fitgate.runs.predictions`).

    Raises:
        ModelError: if its name is malformed, its timeout or its serving threads are no positive number, it has neither
            task nor gate, or a gate or a published value is on a task that it does not have, or of a metric that the
            task does not have, or what is among its engines is none, or an expected failure has no reason; or if it has
            not just one of an estimator, an artefact and predictions, or something beside them that is of no use.
        TaskError: if two of its engines have one name.
    """

    name: str
    build: Callable[[int], Any] = field(default=_nothing_to_build, repr=False)
    tasks: tuple[Task, ...] = field(default=(), repr=False)
    gates: tuple[Rule, ...] = field(default=(), repr=False)
    requires: tuple[str, ...] = field(default=(), kw_only=True, repr=False)
    description: str = field(default="", kw_only=True, repr=False)
    published: tuple[Published, ...] = field(default=(), kw_only=True, repr=False)
    slow: bool = field(default=False, kw_only=True, repr=False)
    stochastic: bool | None = field(default=None, kw_only=True, repr=False)
    work: Callable[[Any], Work] | None = field(default=None, kw_only=True, repr=False)
    timeout: float | None = field(default=None, kw_only=True, repr=False)
    engines: tuple[Engine, ...] = field(default=(), kw_only=True, repr=False)
    serving_threads: int | None = field(default=None, kw_only=True, repr=False)
    expected_failed_checks: Mapping[str, str] = field(default_factory=dict, kw_only=True, repr=False, hash=False)
    artefact: Path | str | None = field(default=None, kw_only=True, repr=False)
    trusted: tuple[str, ...] = field(default=(), kw_only=True, repr=False)
    predictions: Path | str | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ModelError(
                "a model's name",
                found=repr(self.name),
                expected="lower-case letters, digits and underscores, a letter first",
                next_step="rename the model",
            )
        seconds = 1 if self.timeout is None else self.timeout
        if not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
            raise ModelError(
                f"model {self.name}",
                found=f"a timeout of {self.timeout!r}",
                expected="a positive number of seconds",
                next_step="correct it, or leave it out",
            )
        if self.serving_threads is not None and (type(self.serving_threads) is not int or self.serving_threads < 1):
            raise ModelError(
                f"model {self.name}",
                found=f"serving_threads={self.serving_threads!r}",
                expected="a positive whole number",
                next_step="correct it, or leave it out to answer with all cores",
            )
        for check, reason in self.expected_failed_checks.items():
            if not isinstance(reason, str) or not reason.strip():
                raise ModelError(
                    f"model {self.name}",
                    found=f"{reason!r} as the reason why {check} is expected to fail",
                    expected="a reason in words",
                    next_step="say why, or take it away",
                )
        if not self.tasks:
            object.__setattr__(self, "tasks", tuple(dict.fromkeys(gate.task for gate in self.gates)))
        if not self.tasks:
            raise ModelError(
                f"model {self.name}", found="no task and no gate", expected="a task", next_step="name one in `tasks`"
            )
        for gate in self.gates:
            if gate.task not in self.tasks:
                raise ModelError(
                    f"model {self.name}",
                    found=f"a gate on task {gate.task.name}",
                    expected=f"one on {', '.join(task.name for task in self.tasks)}",
                    next_step="add the task to its tasks, or take the gate away",
                )

        for published in self.published:
            if published.task not in self.tasks or published.metric not in published.task.metric_names:
                known = (f"{name} on {task.name}" for task in self.tasks for name in task.metric_names)
                raise ModelError(
                    f"model {self.name}",
                    found=f"a published value of {published.metric} on {published.task.name}",
                    expected=f"one of {', '.join(known)}",
                    next_step="correct its task or metric, or add these to the model",
                )
        for engine in self.engines:
            if not isinstance(engine, Engine):
                raise ModelError(
                    f"model {self.name}",
                    found=f"{engine!r} among its engines",
                    expected="fitgate.Engine objects",
                    next_step="correct it",
                )
        by_name("engine", self.engines, f"one that serves model {self.name}")
        self._check_source()

    @property
    def is_trained(self) -> bool:
        """Whether it is trained here, as it has neither an artefact nor predictions."""
        return self.artefact is None and self.predictions is None

    @property
    def file(self) -> Path:
        """That of a model that is not trained here."""
        given = self.predictions or self.artefact
        assert given is not None, "a model that is trained here has no file"
        return Path(given)

    def _check_source(self) -> None:
        """Refuse what does not go together of what is trained here, loaded, or predicted elsewhere."""
        weights = self.artefact is not None and Path(self.artefact).suffix == ".safetensors"
        of_weights, built = ("weights without the estimator that takes them", self.build is not _nothing_to_build)
        for wrong, found, expected in (
            (self.is_trained and not built, "nothing to judge", "build, artefact or predictions"),
            (self.artefact is not None and self.predictions is not None, "an artefact and predictions", "one of them"),
            (built and self.predictions is not None, "build beside predictions", "one of them"),
            (built and self.artefact is not None and not weights, "build beside a whole model", "one of them"),
            (weights and not built, of_weights, "build, too"),
            (bool(self.trusted) and self.artefact is None, "trusted types without an artefact", "a file that has some"),
            (
                not self.is_trained and bool(self.stochastic),
                "stochastic=True, and no training",
                "what was trained once",
            ),
            (not self.is_trained and len(self.tasks) > 1, f"{len(self.tasks)} tasks of what was trained once", "one"),
            (
                self.predictions is not None and bool(self.engines or self.work or self.serving_threads),
                "engines, work or serving threads of predictions, which are not timed",
                "none of these",
            ),
        ):
            if wrong:
                raise ModelError(f"model {self.name}", found=found, expected=expected, next_step="correct it")
        if not self.is_trained:
            object.__setattr__(self, "stochastic", False)
            declared_in = Path(declaring_frame().f_code.co_filename).absolute().parent
            for name in ("artefact", "predictions"):
                if (given := getattr(self, name)) is not None:
                    object.__setattr__(self, name, declared_in / given)

    @property
    def timed_task(self) -> Task:
        """The task on which its predictions are timed."""
        return self.tasks[0]

    def task(self, name: str) -> Task | None:
        """Its task of a name; None if it has none such."""
        return next((task for task in self.tasks if task.name == name), None)

    def narrowed(self, takes_part: Callable[[Task], bool]) -> Model | None:
        """The model with those of its tasks alone that take part, and what it declares on them; None if none does."""
        tasks = tuple(task for task in self.tasks if takes_part(task))
        if tasks == self.tasks:
            return self
        gates = tuple(gate for gate in self.gates if takes_part(gate.task))
        published = tuple(value for value in self.published if takes_part(value.task))
        return replace(self, tasks=tasks, gates=gates, published=published) if tasks else None

    @property
    def missing(self) -> tuple[str, ...]:
        """The required modules that are not installed."""
        return missing(self.requires)


def register(models: Iterable[Model]) -> dict[str, Model]:
    """Models by name.

    Raises:
        ModelError: if two share a name.
    """
    registry: dict[str, Model] = {}
    for model in models:
        if registry.setdefault(model.name, model) is not model:
            raise ModelError(
                f"model {model.name}", found="two models of that name", expected="one", next_step="rename one of them"
            )
    return registry
