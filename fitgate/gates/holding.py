"""Holding to a baseline: the one that there is, or the verdict without one, or where nothing has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fitgate.errors import FitgateError
from fitgate.gates.baseline import Baseline
from fitgate.gates.errors import BaselineError
from fitgate.gates.evidence import Evidence
from fitgate.gates.gate import Gate
from fitgate.gates.settings import LEAST_SEEDS
from fitgate.gates.soundness import check_baseline
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.runs import same_output


def baseline_of(gate: Gate, metric: str, model: str, evidence: Evidence) -> Baseline | Verdict:
    """The baseline that a model is held to; NO BASELINE where there is none, and FAIL where it can't be used.

    Args:
        gate: that judges.
        metric: by which; empty for none.
        model: that is judged.
        evidence: what there is.
    """
    task = gate.task.name
    runs, baseline = evidence.runs_of(model, task), evidence.baselines.get((model, task))
    if baseline is None:
        return _without(gate, metric, model, evidence)
    try:
        if isinstance(baseline, FitgateError):
            raise baseline
        check_baseline(baseline, model, task, evidence.truths[task])
        if len(baseline.predictions) == 1 < len(runs) and not same_output(runs):
            raise BaselineError(
                f"the baseline of {model} on {task}",
                found="one seed",
                expected="several, of a model that heeds its seed",
                next_step="declare stochastic=True, if its author has not, run pytest with --fit-seeds=20 "
                "--fit-seed=2000, and bless that run",
            )
    except FitgateError as error:
        return unusable(gate, metric, model, evidence, str(error))
    return baseline


def unusable(gate: Gate, metric: str, model: str, evidence: Evidence, message: str) -> Verdict:
    """FAIL, for a baseline that can't be used."""
    return gate.verdict(model, evidence, Outcome.FAIL, message, metric=metric, reason=Reason.BAD_BASELINE)


def same_as(baseline: Baseline, model: str, evidence: Evidence) -> bool:
    """Whether a model's output is the baseline's for its seeds."""
    key = (model, baseline.about.task)
    outputs = [run.outputs for run in evidence.runs_of(*key)]
    execution = evidence.executions.get(key, "")
    return baseline.gave(outputs, evidence.seeds.get(key, ()), evidence.environment, execution)


def unchanged(gate: Gate, model: str, evidence: Evidence, what: str, **numbers: Any) -> Verdict:
    """PASS, for output that is the baseline's.

    Args:
        gate: that judges.
        model: that is judged.
        evidence: what there is.
        what: the metric and its value, as the beginning of a sentence; empty for none.
        numbers: fields of the verdict.
    """
    runs: Sequence[Any] = evidence.runs_of(model, gate.task.name)
    with_seeds = "" if len(runs) == 1 else f", with each of {len(runs)} seeds"
    message = f"{what + ': t' if what else 'T'}he output is the baseline's, to the last example{with_seeds}."
    said = {"reason": Reason.SAME_OUTPUT, "n": evidence.truths[gate.task.name].n, "seeds": len(runs)}
    return gate.verdict(model, evidence, Outcome.PASS, message, **said, **numbers)


def _without(gate: Gate, metric: str, model: str, evidence: Evidence) -> Verdict:
    said = {"metric": metric, "reason": Reason.NO_BASELINE}
    if evidence.settings.seeds >= LEAST_SEEDS:
        message = f"There is no baseline of {model} on {gate.task.name}: fitgate bless makes one of this run's seeds."
        return gate.verdict(model, evidence, Outcome.NO_BASELINE, message, **said)
    profile = evidence.truths[gate.task.name].profile
    of_profile = f" for profile {profile}" if profile else ""
    option = f" --fit-profile={profile}" if profile else ""
    message = (
        f"There is no baseline of {model} on {gate.task.name}{of_profile}. To make one, with seeds of its own: "
        f"pytest{option} --fit-models={model} --fit-tasks={gate.task.name} --fit-seeds=20 --fit-seed=2000, "
        "then fitgate bless."
    )
    return gate.verdict(model, evidence, Outcome.NO_BASELINE, message, **said)
