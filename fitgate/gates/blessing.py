"""Blessing: a run's predictions become the baselines that later runs are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fitgate.gates.baseline import Baseline, baseline_file, collect, read_baseline, write_baseline
from fitgate.machine import changes
from fitgate.metrics import METRICS
from fitgate.record import Listed, Record, RecordError
from fitgate.runs.evaluation import SeedRun
from fitgate.tasks import TASKS, Task

LEAST_SEEDS = 20


@dataclass(frozen=True)
class Proposal:
    """A baseline to be written.

    Attributes:
        path: where.
        baseline: what is to stand there.
        before: what stands there now; None if nothing does.
        words: what would change.
    """

    path: Path
    baseline: Baseline
    before: Baseline | None
    words: str


def propose(record: Record, directory: Path, least_seeds: int = LEAST_SEEDS) -> list[Proposal]:
    """What blessing a record would write into a directory, model by model and task by task.

    Raises:
        RecordError: if the run has not finished, was of other data than MNIST, or has too few seeds of a stochastic
            model.
        BaselineError: if what stands there now can't be read.
    """
    if record.status != "finished":
        raise RecordError(f"found a run that is {record.status}, expected a finished one; repeat it.")
    if record.profile not in ("quick", "full") or record.data is None:
        raise RecordError(f"found profile {record.profile}, expected quick or full: other data has no baselines.")
    proposals = []
    for listed in record.models:
        for task in (TASKS[name] for name in listed.tasks):
            if runs := _runs(record, listed, task):
                if listed.stochastic and len(runs) < least_seeds:
                    raise RecordError(
                        f"found {len(runs)} seeds of {listed.name} on {task.name}, expected {least_seeds} or more; run "
                        f"pytest --profile {record.profile} --seeds {least_seeds}, or give --least-seeds."
                    )
                path = baseline_file(directory, record.profile, listed.name, task.name)
                baseline, before = collect(runs, record.profile, record.environment, record.commit), read_baseline(path)
                proposals.append(Proposal(path, baseline, before, _words(baseline, before, record, task)))
    if not proposals:
        raise RecordError("found no model that was evaluated, expected a run of pytest with --seeds.")
    return proposals


def bless(proposals: Sequence[Proposal]) -> None:
    """Write the baselines, each in one step."""
    for proposal in proposals:
        write_baseline(proposal.baseline, proposal.path)


def _runs(record: Record, listed: Listed, task: Task) -> list[SeedRun]:
    key = (listed.name, task.name)
    runs = [run for run in record.seed_runs if (run.fit.model, run.fit.task) == key]
    if listed.stochastic and runs:
        return runs
    fits = {(fit.model, fit.task): fit for fit in record.fits}
    return [SeedRun(fits[key], e) for e in record.evaluations if (e.model, e.task) == key and key in fits]


def _words(baseline: Baseline, before: Baseline | None, record: Record, task: Task) -> str:
    assert record.data is not None, "a record with evaluations has data"
    about, metric = baseline.about, METRICS[task.metrics[0]]
    target = task.target(record.data.test_labels)

    def mean(some: Baseline) -> float:
        ranks = some.ranks if some.ranks is not None else [None] * len(some.predictions)
        return float(np.mean([metric.value(target, *output) for output in zip(some.predictions, ranks, strict=True)]))

    told = f"{about.model} on {about.task}: {len(about.seeds)} seed{'s' * (len(about.seeds) > 1)}, {metric.label} "
    if before is None:
        return f"{told}{mean(baseline):.4f}; new"
    if before.about.content == about.content:
        return f"{told}{mean(baseline):.4f}; the same predictions"
    if before.about.data_digest != about.data_digest:
        return f"{told}{mean(baseline):.4f}; before, on other data"
    changed = "; ".join(changes(before.about.environment, about.environment))
    fall = f"{mean(before):.4f} -> {mean(baseline):.4f} ({100 * (mean(baseline) - mean(before)):+.2f} points)"
    return f"{told}{fall}" + (f"; {changed}" if changed else "")
