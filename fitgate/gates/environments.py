"""Environments: a run's output beside that of a baseline, for machines that compute other last digits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from fitgate.gates.archive import anchor_file, sound_baseline
from fitgate.gates.baseline import Baseline, Kept, baseline_file, keep
from fitgate.gates.blessing import Proposal, sound
from fitgate.gates.candidate import Candidate
from fitgate.gates.errors import BaselineError
from fitgate.gates.origin import Origin
from fitgate.gates.soundness import check_content
from fitgate.gates.stored import MOST_OTHERS
from fitgate.machine import Environment
from fitgate.runs import SeedRun, same_output


def propose_environment(
    candidates: Mapping[tuple[str, str], Candidate], environment: Environment, commit: str | None, directory: Path
) -> tuple[list[Proposal], list[str]]:
    """The baselines of a directory with a run's output besides, and in words those that have no need of it.

    Args:
        candidates: by the names of model and task.
        environment: where they ran.
        commit: of the working tree; None outside git.
        directory: of the baselines.

    Raises:
        BaselineError: if a baseline can't be read, or the run has none of its seeds, gave other output in its very
            environment, or can't be held beside it.
    """
    proposals, notes = [], []
    for (model, task), candidate in candidates.items():
        place = (directory, candidate.truth.profile, model, task, candidate.truth.digest)
        path, before = baseline_file(*place), sound_baseline(directory, model, task, candidate.truth)
        if before is None:
            notes.append(f"{candidate.subject}: there is no baseline, so bless a run first")
            continue
        runs = _shared(candidate, before)
        candidate.check(runs)
        seeds, execution = [run.fit.seed for run in runs], runs[0].fit.execution
        outputs = [run.evaluation.outputs for run in runs]
        if before.gave(outputs, seeds, environment, execution):
            notes.append(f"{candidate.subject}: the baseline has this output, so there is nothing to add")
            continue
        kept = keep([run.evaluation for run in runs])
        own = before.about.seeds if len(before.about.seeds) == 1 else seeds
        origin = Origin(environment, own, kept.digest, execution, commit, datetime.now(UTC))
        baseline, again = _with(before, origin, kept, candidate.subject)
        check_content(baseline, f"the baseline of {candidate.subject} with this run")
        anchor = sound(directory, anchor_file(path), candidate)
        summary = _summary(before, candidate, runs, origin, again)
        proposals.append(Proposal(path, baseline, before, anchor, (), candidate, summary))
    return proposals, notes


def _shared(candidate: Candidate, before: Baseline) -> list[SeedRun]:
    """The runs with seeds of the baseline's, by seed, its first among them."""
    own = before.about.seeds
    if len(own) == 1:
        if len(candidate.runs) > 1 and not same_output([run.evaluation for run in candidate.runs]):
            raise BaselineError(
                candidate.subject,
                found="a baseline of one seed",
                expected="several, of a model that heeds its seed",
                next_step="bless a run with --fit-seeds=20 --fit-seed=2000, without --add-environment",
            )
        return list(candidate.runs[:1])
    runs = sorted((run for run in candidate.runs if run.fit.seed in own), key=lambda run: run.fit.seed)
    if min(own) not in [run.fit.seed for run in runs]:
        seeds = sorted(run.fit.seed for run in candidate.runs)
        raise BaselineError(
            candidate.subject,
            found=f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds[:3]))}{', ...' * (len(seeds) > 3)}",
            expected=f"seed {min(own)} of the baseline, with which runs begin, and any others of it",
            next_step="run pytest without --fit-seed, and with --fit-seeds=5 for five of them",
        )
    return runs


def _with(before: Baseline, origin: Origin, kept: Kept, subject: str) -> tuple[Baseline, bool]:
    """The baseline with an output besides; and whether it replaces one of the same environment."""
    environment, execution = origin.environment, origin.execution
    if not before.about.origins[0].changes(environment, execution):
        raise BaselineError(
            subject,
            found="other output than the baseline's in the environment that the baseline was made in",
            expected="another environment: in the same one, the model or its data must have changed",
            next_step="see what has changed, and bless the run without --add-environment if that is on purpose",
        )
    pairs = list(zip(before.about.others, before.others, strict=True))
    others = [pair for pair in pairs if pair[0].changes(environment, execution)]
    if len(others) >= MOST_OTHERS:
        raise BaselineError(
            subject,
            found=f"{len(others)} other environments in the baseline",
            expected=f"{MOST_OTHERS} at most, with this one",
            next_step="bless a run on the machine that matters most, which begins anew",
        )
    about = replace(before.about, others=[*(known for known, _ in others), origin])
    return replace(before, about=about, others=[*(arrays for _, arrays in others), kept]), len(others) < len(pairs)


def _summary(before: Baseline, candidate: Candidate, runs: list[SeedRun], origin: Origin, again: bool) -> str:
    """What would be added, in a line: how many seeds, in which environment, and how far the metric lies off."""
    metric, target = candidate.metrics[0], candidate.truth.target
    own, outputs = before.about.seeds, before.outputs
    then = [metric.value(target, outputs[own.index(seed)]) for seed in origin.seeds]
    now = [metric.value(target, run.evaluation.outputs) for run in runs]
    count = len(origin.seeds)
    seeds = f"{count} of its {len(own)} seed{'s' * (len(own) > 1)}"
    values = f"{metric.shown(float(np.mean(then)))} -> {metric.shown(float(np.mean(now)))}"
    moved = metric.difference(float(np.mean(now)) - float(np.mean(then)))
    words = "; ".join(before.about.origins[0].changes(origin.environment, origin.execution))
    fate = ", in the place of what it had of this environment" if again else ""
    return f"{candidate.subject}: {seeds} in another environment, {metric.title} {values} ({moved}); {words}{fate}"
