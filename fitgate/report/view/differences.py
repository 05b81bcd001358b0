"""Differences between the machines of a comparison besides their speed: what else changed, and what is computed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitgate.machine import Environment
from fitgate.metrics import METRICS, right
from fitgate.record import Record
from fitgate.report.view.machine import Machine
from fitgate.report.view.words import threads
from fitgate.runs import Evaluation

DIFFERENT = 0.01  # p-value, two-sided, below which two shares of right answers differ
TOOLS = {"pytest", "pytest-benchmark"}  # no model runs in them
IMPORTED_AS = {"scikit-learn": "sklearn"}  # of the library's own dependencies, where the names differ


@dataclass(frozen=True)
class Difference:
    """How a model's predictions on one machine differ from those on another.

    Attributes:
        count: of test examples that are predicted otherwise; None where the shapes differ.
        points: by how many points of a hundredth the share of right answers differs; None where nothing is right or
            wrong, as of a regression.
        p_value: of that, two-sided.
        test: whose p-value that is: McNemar's mid-p test's, or with folds the corrected resampled t-test's.
    """

    count: int | None
    points: float | None = None
    p_value: float | None = None
    test: str = "McNemar's"

    @property
    def significant(self) -> bool:
        """Whether the models compute something else, rather than the same to rounding."""
        return self.count is None or (self.p_value is not None and self.p_value < DIFFERENT)


@dataclass(frozen=True)
class Warned:
    """Something besides the machine that may explain a difference of its times: what, and of which models."""

    machine: str
    change: str
    models: str


def difference(first: Machine, other: Machine, model: str) -> Difference | None:
    """How a model's predictions differ between machines; None where one of them has no evaluation."""
    mine, theirs = first.evaluation(model), other.evaluation(model)
    task = first.record.task(first.task(model))
    if mine is None or theirs is None or task is None:
        return None
    if mine.predictions.shape != theirs.predictions.shape:
        return Difference(None)
    count = int((~right(mine.predictions, theirs.predictions)).sum())
    if task.kind.startswith(REGRESSION):
        return Difference(count)
    folds = first.record.folds(task.name)
    paired = METRICS["accuracy"].on(None, folds).paired_test
    test = paired.compute(task.target, mine.predictions, theirs.predictions)
    p_value, name = min(1.0, 2 * min(test.p_value, 1 - test.p_value)), "McNemar's" if folds is None else paired.name
    return Difference(count, -100 * test.size, p_value, name)


def warnings(machines: Sequence[Machine], models: Sequence[str]) -> tuple[Warned, ...]:
    """What differs from the first machine besides the machine itself, and which models that may affect."""
    first, *others = machines
    found = []
    for other in others:
        a, b = first.record, other.record
        for library, change in software(a.environment, b.environment).items():
            found.append(Warned(other.name, change, _affected(a, models, library)))
        if a.threads != b.threads:
            change = f"threads {threads(a)} -> {threads(b)}"
            found.append(Warned(other.name, change, "every model that works in parallel"))
        for model in models:
            before, now = (_type(machine.evaluation(model)) for machine in (first, other))
            if before != now:
                found.append(Warned(other.name, f"scores of type {before} -> {now}", model))
        if a.commit != b.commit:
            change = f"commit {(a.commit or 'unknown')[:12]} -> {(b.commit or 'unknown')[:12]}"
            found.append(Warned(other.name, change, "all models"))
    for machine in machines:
        if (workers := max(record.workers for record in machine.records)) > 1:
            found.append(Warned(machine.name, f"{workers} processes were timed at once", "all models"))
        if any(record.status != "finished" for record in machine.records):
            found.append(Warned(machine.name, "a run that did not end, so that some may be missing", "all models"))
    return tuple(found)


def software(before: Environment, now: Environment) -> dict[str, str]:
    """Changes of versions, in words, by the library's name; of libraries that both record."""
    shared = sorted((before.libraries.keys() & now.libraries.keys()) - TOOLS)
    versions = {"Python": (before.python, now.python)}
    versions |= {name: (before.libraries[name], now.libraries[name]) for name in shared}
    return {name: f"{name} {a} -> {b}" for name, (a, b) in versions.items() if a != b}


def _affected(record: Record, models: Sequence[str], library: str) -> str:
    """The models that a library may affect, as far as the classes that did their work show it; else all.

    A model whose classes are all of other libraries is not affected. One of the project's own classes may use anything.
    """
    packages = {fit.model: _packages(fit.implementation) for fit in record.fits}
    if not any(_provides(library, package) for of in packages.values() for package in of):
        return "all models"
    libraries = record.environment.libraries
    affected = [
        model
        for model in models
        if any(
            _provides(library, package) or not any(_provides(other, package) for other in libraries)
            for package in packages.get(model, {""})
        )
    ]
    return ", ".join(affected) or "none of these models"


def _packages(implementation: str) -> set[str]:
    """The top-level packages of the classes that an implementation names, as `a.B(c.D)`."""
    return {name.partition(".")[0] for name in re.split(r"[()]", implementation) if name}


def _provides(library: str, package: str) -> bool:
    return package.lower() == IMPORTED_AS.get(library, library).lower().replace("-", "_")


def _type(evaluation: Evaluation | None) -> str:
    return (
        str(np.asarray(evaluation.scores).dtype) if evaluation is not None and evaluation.scores is not None else "none"
    )


REGRESSION = "continuous"  # how scikit-learn's types of regression targets begin
