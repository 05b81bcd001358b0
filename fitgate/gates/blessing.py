"""Blessing: a run's outputs become the baselines that later runs are compared with."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from fitgate.gates.archive import other_files, standing_baseline
from fitgate.gates.baseline import Baseline, BlessedSet, baseline_file, collect, ranks_of
from fitgate.gates.errors import BaselineError
from fitgate.gates.evidence import Truth
from fitgate.gates.soundness import is_finite
from fitgate.gates.stored import encoded
from fitgate.gates.transaction import replace_all
from fitgate.machine import Environment, changes
from fitgate.metrics import Metric
from fitgate.runs import Evaluation, SeedRun, same_output

LEAST_SEEDS = 20


@dataclass(frozen=True)
class Candidate:
    """The runs of a model on a task that may become its baseline.

    Attributes:
        runs: one a seed; of a deterministic model, one.
        stochastic: whether the seed changes what the model learns; None where its author does not say.
        truth: of the task.
        metrics: what its gates read, as they are on the task's classes.
    """

    runs: Sequence[SeedRun]
    stochastic: bool | None
    truth: Truth
    metrics: Sequence[Metric]


@dataclass(frozen=True)
class Proposal:
    """A baseline to be written.

    Attributes:
        path: where.
        baseline: what is to stand there.
        before: what stands there now; None if nothing does, or nothing that can be read.
        others: the files of baselines of other data that stand beside it.
        summary: what would change, in a line.
    """

    path: Path
    baseline: Baseline
    before: Baseline | None
    others: Sequence[Path]
    summary: str


def propose(
    candidates: Mapping[tuple[str, str], Candidate],
    environment: Environment,
    commit: str | None,
    directory: Path,
    least_seeds: int = LEAST_SEEDS,
) -> list[Proposal]:
    """What blessing runs would write into a directory, model by model and task by task.

    Args:
        candidates: by the names of model and task.
        environment: where they ran.
        commit: of the working tree; None outside git.
        directory: of the baselines.
        least_seeds: how many a stochastic model needs. One whose seeds all gave the same output, whatever its author
            says, needs two, of which one becomes the baseline.

    Raises:
        BaselineError: if there are no runs, too few seeds (to judge by, or to know whether they matter), or an output
            that is not finite, or no labels or numbers.
    """
    proposals = []
    for (model, task), candidate in candidates.items():
        runs = _runs(model, task, candidate, least_seeds)
        place = (directory, candidate.truth.profile, model, task, candidate.truth.digest)
        path, others = baseline_file(*place), other_files(*place)
        baseline = collect(runs, candidate.truth.profile, environment, commit)
        try:
            before, damage = standing_baseline(directory, path), ""
        except BaselineError as error:
            before, damage = None, f", in the place of {error.found}"
        proposals.append(Proposal(path, baseline, before, others, _summary(baseline, before, candidate) + damage))
    if not proposals:
        raise BaselineError(
            "this run",
            found="no outputs that a gate would be held to",
            expected="those of models with a regression gate, and of that gate's tests",
            next_step="declare one, run pytest with --fit-seeds=20 --fit-seed=2000, and bless that run",
        )
    return proposals


def bless(proposals: Sequence[Proposal], directory: Path, *, replace: bool = False) -> None:
    """Write the baselines as one set: all of them, or none.

    Args:
        proposals: what to write.
        directory: of the baselines, for which they were proposed.
        replace: whether to delete those of other data that stand beside them.

    Raises:
        BaselineError: if they can't be written, or another process is blessing.
    """
    before = [p.before.about.blessed for p in proposals if p.before is not None and p.before.about.blessed is not None]
    latest = max((blessed.when for blessed in before), default=datetime.min.replace(tzinfo=UTC))
    when = max(datetime.now(UTC), latest + timedelta(microseconds=1))  # clocks go back, too
    names = [proposal.path.relative_to(directory).as_posix() for proposal in proposals]
    together = BlessedSet(when, secrets.token_hex(8), sorted(names))
    files = {
        p.path: encoded(structs.replace(p.baseline, about=structs.replace(p.baseline.about, blessed=together)))
        for p in proposals
    }
    replace_all(directory, files, [other for p in proposals for other in p.others] if replace else [])


def _runs(model: str, task: str, candidate: Candidate, least_seeds: int) -> Sequence[SeedRun]:
    """The runs that become a baseline: all, or the first where the seed was found to change nothing."""
    runs, stochastic = candidate.runs, candidate.stochastic
    if same_output([run.evaluation for run in runs]):
        runs, stochastic = runs[:1], False
    elif stochastic is None:
        if len(runs) == 1:
            raise BaselineError(
                f"{model} on {task}",
                found="one seed, of a model that does not say whether its seed changes what it learns",
                expected="two seeds or more, which show it",
                next_step=f"run pytest with --fit-seeds={max(least_seeds, 2)}, which trains just two if the seed "
                "changes nothing, or declare stochastic=False",
            )
        stochastic = True
    if stochastic and len(runs) < least_seeds:
        raise BaselineError(
            f"{model} on {task}",
            found=f"{len(runs)} seeds",
            expected=f"{least_seeds} or more",
            next_step=f"run pytest with --fit-seeds={least_seeds}, or give --least-seeds",
        )
    for run in runs:
        outputs = run.evaluation.outputs
        for name, array in outputs._asdict().items():
            if fault := _fault(array, np.unique(candidate.truth.target)):
                raise BaselineError(
                    f"{model} on {task}, seed {run.fit.seed}",
                    found=f"{name} with {fault}",
                    expected="finite numbers, or labels",
                    next_step="mend the model, and run it again",
                )
        for metric in candidate.metrics:
            _check_value(f"{model} on {task}, seed {run.fit.seed}", metric, candidate.truth, run.evaluation)
    return runs


def _fault(array: NDArray[Any] | None, labels: NDArray[Any]) -> str | None:
    """Why an output can't be kept; None where it can."""
    if not is_finite(array, labels):
        return "a NaN or an infinite number"
    if array is not None and array.dtype.kind not in "biufUSOT":
        return f"elements of dtype {array.dtype}"
    return None


def _check_value(where: str, metric: Metric, truth: Truth, evaluation: Evaluation) -> None:
    """Refuse a metric that has no value, or another one on what a baseline keeps of the outputs."""
    outputs = evaluation.outputs
    kept = outputs if outputs.scores is None else outputs._replace(scores=ranks_of(outputs.scores).astype(np.float64))
    value, again = (metric.value(truth.target, some) for some in (outputs, kept))
    if not np.isfinite(value):
        raise BaselineError(
            where,
            found=f"no {metric.title} ({evaluation.missing.get(metric.name, 'it is not a finite number')})",
            expected="a value for each seed",
            next_step="let the gate read another metric, or mend the model",
        )
    if not np.isclose(value, again, rtol=1e-9, atol=1e-12):
        raise BaselineError(
            where,
            found=f"a {metric.title} of {metric.shown(value)}, and {metric.shown(again)} by the scores' ranks",
            expected="a metric that depends on the order of scores alone: a baseline keeps nothing else of them",
            next_step="let the gate read a metric of probabilities or predictions",
        )


def _summary(baseline: Baseline, before: Baseline | None, candidate: Candidate) -> str:
    about, metric, target = baseline.about, candidate.metrics[0], candidate.truth.target

    def mean(some: Baseline) -> float:
        return float(np.mean([metric.value(target, outputs) for outputs in some.outputs]))

    count = len(about.seeds)
    ignored = len(candidate.runs) if candidate.stochastic and len(candidate.runs) > count else 0
    words = f"1 of {ignored} seeds, which gave the same output though stochastic=True is declared" if ignored else ""
    begin = f"{about.model} on {about.task}: {words or f'{count} seed' + 's' * (count > 1)}, {metric.title} "
    if before is None:
        return f"{begin}{metric.shown(mean(baseline))}; new"
    if before.about.content == about.content:
        return f"{begin}{metric.shown(mean(baseline))}; the same output"
    changed = "; ".join(changes(before.about.environment, about.environment))
    moved = metric.difference(mean(baseline) - mean(before))
    line = f"{begin}{metric.shown(mean(before))} -> {metric.shown(mean(baseline))} ({moved})"
    return f"{line}; {changed}" if changed else line
