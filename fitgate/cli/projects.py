"""Commands on a project: to begin one, and to see what is in it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitgate.cli.scaffold import DEFAULT, scaffold
from fitgate.gates import Gate
from fitgate.gates.archive import baseline_files
from fitgate.model import Model, ModelError
from fitgate.text import CELL, shown

if TYPE_CHECKING:
    from fitgate.plugin.project import Project


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    init = commands.add_parser(
        "init",
        help="begin: write conftest, tests and a CI workflow for a model",
        description="Write conftest.py, test_models.py and a workflow for GitHub Actions into the current directory, "
        "around one estimator and data of scikit-learn's. They run as they are; then put your data, estimator and "
        "numbers in. Nothing that exists is overwritten.",
    )
    init.add_argument(
        "estimator",
        nargs="?",
        default=DEFAULT,
        metavar="ESTIMATOR",
        help=f"a class, as package.module.Class, or the name of one of scikit-learn's (default: {DEFAULT})",
    )
    init.set_defaults(run=_init)

    lister = commands.add_parser(
        "list",
        help="list models, tasks and gates, and what is missing to run them",
        description="List the models of the project around the current directory with their tasks and gates: where "
        "each is declared, and what is missing to run or judge it. Nothing is trained, and no data is loaded.",
    )
    lister.add_argument("--profile", metavar="NAME", help="size of the data (default: as the project has it)")
    lister.set_defaults(run=_list)


def _init(options: argparse.Namespace) -> None:
    sys.path.insert(0, str(Path.cwd()))  # an estimator of the project's own
    for path in scaffold(Path.cwd(), options.estimator):
        print(f"wrote {path.relative_to(Path.cwd())}")
    print(
        "Now run `pytest`: it trains the model once, judges its gates, times it, and writes a report.\n"
        "Then put your own data and estimator into conftest.py. To hold the model to what it is today:\n"
        '`pytest -m "not latency" --fit-seeds=20 --fit-seed=2000`, and `fitgate bless`.'
    )


def _list(options: argparse.Namespace) -> int:
    from tabulate import tabulate

    from fitgate.plugin.project import project

    around = project(Path.cwd(), options.profile)
    say_absent(around)
    if not around.models:
        raise ModelError(
            Path.cwd(),
            found="no models",
            expected="some, contributed by the hook pytest_fitgate_models",
            next_step="run this in your project's directory, or begin one by `fitgate init`",
        )
    rows = [[shown(text, CELL) for text in row] for model in around.models.values() for row in _rows(around, model)]
    print(tabulate(rows, ["model", "task", "data", "gate", "declared at", "missing"], disable_numparse=True))
    return int(bool(around.absent))


def say_absent(around: Project) -> None:
    """Show a line for each plugin that can't be imported."""
    for failure in around.absent:
        print(f"error: {failure}", file=sys.stderr)


def _rows(around: Project, model: Model) -> Iterator[list[str]]:
    """A row for each gate, and for each task without one."""
    lacking = [f"library {name}" for name in model.missing]
    for task in model.tasks:
        named = [f"--fit-models={model.name}"] if model.slow else []
        named += [f"--fit-tasks={task.name}"] if task.slow else []
        slow = f"{' '.join(named)}, as it is slow" if named else ""
        dataset = around.tasks[task.name].dataset
        data = f"{dataset.name} ({dataset.profile})" if dataset.profile else dataset.name
        gates = [gate for gate in model.gates if isinstance(gate, Gate) and gate.task is task]
        for gate in gates:
            rule = gate.rule(dataset.profile)
            needed = [] if rule is None else [*lacking, *_baselines(around, model, gate, dataset.profile)]
            missing = ", ".join(filter(None, [slow, *needed]))
            shown = rule or f"{gate.kind}: not applied on profile {dataset.profile}"
            yield [model.name, task.name, data, shown, gate.where, missing]
        if not gates:
            yield [model.name, task.name, data, "none", "", ", ".join(filter(None, [slow, *lacking]))]


def _baselines(around: Project, model: Model, gate: Gate, profile: str) -> Iterator[str]:
    for need in gate.baselines(model.name):
        if not baseline_files(around.baselines, profile, *need):
            yield "baseline" if need.model == model.name else f"baseline of {need.model}"
