"""What a model plugin contributes."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from fitgate.tasks import DIGITS, Task


class ModelError(Exception):
    """A model that is declared wrongly."""


class Rule(Protocol):
    """What a model needs to know of a gate (see `fitgate.gates.gates`)."""

    @property
    def task(self) -> Task: ...

    def rule(self, profile: str) -> str | None:
        """The rule in words, as `accuracy>=0.95`; None where it does not apply to a profile."""


class Work(NamedTuple):
    """How much a fitted estimator does for each image that it predicts, in the measure of a calibration kernel.

    Attributes:
        kernel: `gemm`, in floating-point operations (a multiplication and an addition are two), or `tree`, in nodes.
        per_image: how many.
    """

    kernel: str
    per_image: float


@dataclass(frozen=True)
class Model:
    """A classifier to be held to its gates.

    Attributes:
        name: what test ids, fixtures and reports call it: lower case, digits and underscores.
        build: makes a fresh, unfitted scikit-learn estimator from a seed; imports its library itself, so that
            collecting the suite stays fast.
        tasks: what it is asked. An estimator is fitted for each.
        gates: what it must hold to.
        requires: modules without which it is skipped.
        description: one line for the report.
        slow: whether it takes part only where `--models` names it.
        stochastic: whether the seed changes what it learns; if not, one seed stands for all.
        work: tells how much a fitted estimator does, where that is defined: reports set it against the machine's limit.

    Raises:
        ModelError: if a name is malformed, there is no task, or a gate is on a task that the model does not have.
    """

    name: str
    build: Callable[[int], Any] = field(repr=False)
    tasks: tuple[Task, ...] = field(default=(DIGITS,), repr=False)
    gates: tuple[Rule, ...] = field(default=(), repr=False)
    requires: tuple[str, ...] = field(default=(), kw_only=True, repr=False)
    description: str = field(default="", kw_only=True, repr=False)
    slow: bool = field(default=False, kw_only=True, repr=False)
    stochastic: bool = field(default=True, kw_only=True, repr=False)
    work: Callable[[Any], Work] | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ModelError(f"model name {self.name!r}: expected lower-case letters, digits and underscores")
        if not self.tasks:
            raise ModelError(f"model {self.name}: expected at least one task")
        for gate in self.gates:
            if gate.task not in self.tasks:
                raise ModelError(f"model {self.name}: a gate is on task {gate.task.name}, which it does not have")

    @property
    def timed_task(self) -> Task:
        """The task on which its predictions are timed: `digits`, so that models compare, else its first."""
        return DIGITS if DIGITS in self.tasks else self.tasks[0]

    @property
    def missing(self) -> tuple[str, ...]:
        """The required modules that are not installed."""
        return tuple(name for name in self.requires if importlib.util.find_spec(name) is None)


def register(models: Iterable[Model]) -> dict[str, Model]:
    """Models by name.

    Raises:
        ModelError: if two share a name.
    """
    registry: dict[str, Model] = {}
    for model in models:
        if registry.setdefault(model.name, model) is not model:
            raise ModelError(f"two models are named {model.name!r}: rename one of them")
    return registry
