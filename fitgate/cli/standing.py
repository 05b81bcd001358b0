"""What a project's gates stand on before anything is trained: its data, and its baselines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fitgate.errors import FitgateError
from fitgate.gates import Baseline, BaselineError, Claim, Evidence, Gate, JudgeSettings, Need, Truth, slicings
from fitgate.gates.archive import sound_baseline
from fitgate.gates.seedwise import evaluations_of
from fitgate.machine import environment
from fitgate.model import ModelError
from fitgate.tasks import TaskData

if TYPE_CHECKING:
    from fitgate.plugin.project import Project


@dataclass(frozen=True)
class Standing:
    """Gates, and what is known of them.

    Attributes:
        claims: the gates, each with its model.
        evidence: truths, baselines, and as runs the seeds of the baselines.
        data: of their tasks, by name.
    """

    claims: list[Claim]
    evidence: Evidence
    data: dict[str, TaskData]


def standing(around: Project, models: Collection[str], tasks: Collection[str], settings: JudgeSettings) -> Standing:
    """Load the data and the baselines of a project's gates.

    Args:
        around: the project.
        models, tasks: names of those that take part alone; empty for all but the slow ones.
        settings: how to judge.

    Raises:
        ModelError: if a name is not known, or no gate is left.
        FitgateError: if data can't be loaded.
    """
    for option, names, known in (("--models", models, around.models), ("--tasks", tasks, around.tasks)):
        for name in names:
            if name not in known:
                raise ModelError(
                    option,
                    found=repr(name),
                    expected=f"one of {', '.join(sorted(known)) or 'the project: it has none'}",
                    next_step="correct the name, or run this in the project's directory",
                )
    claims = [
        Claim(model.name, gate, rule)
        for model in around.models.values()
        if (model.name in models if models else not model.slow)
        for gate in model.gates
        if isinstance(gate, Gate) and (gate.task.name in tasks if tasks else not gate.task.slow)
        if (rule := gate.rule(around.tasks[gate.task.name].dataset.profile))
    ]
    if not claims:
        raise ModelError(
            "this project",
            found="no gate",
            expected="models with gates on the tasks that take part",
            next_step="declare some, or name slow ones by --models and --tasks",
        )
    data = {claim.gate.task.name: around.tasks[claim.gate.task.name] for claim in claims}
    by = slicings(claims)
    truths = {name: Truth.of(of_task, by[name]) for name, of_task in data.items()}
    baselines: dict[tuple[str, str], Baseline | FitgateError] = {}
    for need in dict.fromkeys(
        need for c in claims for need in (Need(c.model, c.gate.task.name), *c.gate.needs(c.model))
    ):
        truth = truths.get(need.task)
        if truth is None:
            continue
        try:
            found = sound_baseline(around.baselines, *need, truth)
        except BaselineError as error:
            baselines[need] = error
            continue
        if found is not None:
            baselines[need] = found
    runs, seeds = {}, {}
    for key, baseline in baselines.items():
        if isinstance(baseline, Baseline):
            truth, names = truths[key[1]], data[key[1]].task.metric_names
            runs[key] = evaluations_of(baseline, [truth.own(around.metrics[n]) for n in names], truth.target)
            seeds[key] = baseline.about.seeds
    evidence = Evidence(truths, around.metrics, settings, environment(), runs, {}, baselines, seeds)
    return Standing(claims, evidence, data)
