"""The contract of a gate: what it is called, which outputs it needs, and how it examines a model."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Self

import msgspec

from fitgate.data import By, slicing_name
from fitgate.disturbances import Disturbance
from fitgate.errors import FitgateError
from fitgate.gates.evidence import Evidence
from fitgate.gates.limit import declared_at
from fitgate.gates.verdict import Outcome, Verdict
from fitgate.metrics import Metric
from fitgate.tasks import Task


class GateError(FitgateError):
    """A gate that can't judge."""


class Need(NamedTuple):
    """Outputs that a gate needs: those of a model on a task, by their names."""

    model: str
    task: str


class Request(NamedTuple):
    """More seeds that a gate asks for: so many of a model on a task, those included that there are."""

    model: str
    task: str
    seeds: int


class Adjusted(NamedTuple):
    """A test among those of the session.

    Attributes:
        p_value: adjusted for the others.
        level: at which it is decided, given the others: its own p-value is to be below.
    """

    p_value: float
    level: float


@dataclass(frozen=True)
class Contested:
    """What a gate found that tests a hypothesis, before the session's tests are adjusted for each other.

    Attributes:
        p_worse, p_better: one-sided p-values: that the model is no worse, and that it is no better.
        conclude: from both tests, adjusted, to the verdict.
        seeds: from a verdict to how many seeds the gate asks for, to reach a better one; None for no more.
    """

    p_worse: float
    p_better: float
    conclude: Callable[[Adjusted, Adjusted], Verdict]
    seeds: Callable[[Verdict], int | None] = lambda verdict: None


class Declaration(msgspec.Struct, frozen=True, tag=True):
    """A gate as a record keeps it, so that it can judge again.

    Attributes:
        model, task: names.
        gate: the rule in symbols.
        kind: of gate.
        parameters: what it was declared with, as plain values.
        where: the file and line that declare it.
    """

    model: str
    task: str
    gate: str
    kind: str
    parameters: dict[str, Any]
    where: str = ""

    @property
    def named(self) -> str:
        """Which gate it is, and where it is declared, for messages."""
        place = f", declared at {self.where}" if self.where else ""
        return f"{self.gate} of {self.model} on {self.task}{place}"


@dataclass(frozen=True)
class Gate(ABC):
    """A rule that a model must hold to. A kind of gate is a frozen dataclass derived from this one.

    Its fields besides `task` are plain values (numbers, strings, lists, mappings), so that a record can keep them and
    judge again; of functions that slice examples it keeps the names, and the slices beside them. `kind` is the class's
    name unless it sets another; the hook `pytest_fitgate_gates` makes a kind known.

    Attributes:
        task: on which task.
        where: the file and line that declare it.
        perfect: whether output that equals the test labels may pass; without it, the library's gates fail such output,
            for a leak of the test labels looks like this.
    """

    kind: ClassVar[str] = ""
    task: Task
    perfect: bool = field(default=False, kw_only=True)
    where: str = field(default_factory=declared_at, kw_only=True, compare=False, repr=False)

    def __init_subclass__(cls) -> None:
        cls.kind = vars(cls).get("kind", cls.__name__)

    @abstractmethod
    def rule(self, profile: str) -> str | None:
        """The rule in symbols, as `accuracy>=0.95`; None where it does not apply to a profile."""

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it has numbers for; by default it holds on any, and names none."""
        return ()

    @abstractmethod
    def examine(self, model: str, evidence: Evidence) -> Verdict | Contested:
        """Judge a model from evidence alone, on a profile that the gate applies to.

        Raises:
            NotEvaluated: if outputs that it needs are missing; the session makes that a FAIL.
        """

    @property
    def slicings(self) -> Sequence[By]:
        """How it slices the test examples, by columns or functions; `Truth.slices` then has these. By default none."""
        return ()

    def needs(self, model: str) -> Sequence[Need]:
        """The outputs without which it can't judge a model: by default that model's on the gate's task."""
        return (Need(model, self.task.name),)

    @property
    def disturbances(self) -> Sequence[Disturbance]:
        """Those of the test examples under which it needs the outputs of the session's own estimator, too; none."""
        return ()

    def baselines(self, model: str) -> Sequence[Need]:
        """The baselines that it holds a model to: by default none."""
        return ()

    def check(self, profile: str, metrics: Mapping[str, Metric]) -> None:  # noqa: B027 # nothing to check is fine
        """Refuse a number that the gate can't mean, once the session's profile and metrics are known.

        Raises:
            TaskError: if it is such.
        """

    def verdict(self, model: str, evidence: Evidence, outcome: Outcome, message: str, **numbers: Any) -> Verdict:
        """A verdict of this gate, with its kind, rule and place filled in; `numbers` are fields of `Verdict`."""
        rule = self.rule(evidence.truths[self.task.name].profile) or ""
        return Verdict(model, self.task.name, rule, outcome, message, kind=self.kind, where=self.where, **numbers)

    def declaration(self, model: str, profile: str) -> Declaration:
        """What a record keeps of this gate on a model."""
        names = (f.name for f in dataclasses.fields(self) if f.name not in ("task", "where"))
        parameters = msgspec.to_builtins({name: getattr(self, name) for name in names}, enc_hook=slicing_name)
        return Declaration(model, self.task.name, self.rule(profile) or "", self.kind, parameters, self.where)

    @classmethod
    def restored(cls, declaration: Declaration, task: Task) -> Self:
        """The gate that a record kept.

        Raises:
            GateError: if the record has other parameters than this kind of gate.
        """
        # What a record of an earlier version lacks was then as it is by default.
        known = {f.name: f.default for f in dataclasses.fields(cls) if f.default is not dataclasses.MISSING}
        fields = {**known, "task": task, "where": declaration.where, **declaration.parameters}
        expected = {f.name for f in dataclasses.fields(cls)}
        if fields.keys() != expected:
            raise GateError(
                declaration.named,
                found=f"a {declaration.kind} with {', '.join(sorted(fields))}",
                expected=", ".join(sorted(expected)),
                next_step="use the version of the plugin that the run was made with, or repeat the run",
            )
        gate = object.__new__(cls)
        for name, value in fields.items():
            object.__setattr__(gate, name, value)
        return gate
