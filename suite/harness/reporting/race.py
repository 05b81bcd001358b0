"""A race: models that were trained with the same seeds, one after the other, seed by seed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suite.harness.evaluation import SeedRun
from suite.harness.record import Record, RecordError
from suite.harness.reporting import tables
from suite.harness.statistics import mean_interval, ratio_interval
from suite.harness.tasks import DIGITS

NOTE = """\
Each seed trained all models in turn, so that whatever slowed the machine slowed them alike. *Training* is the wall time
of `fit` with the data in memory, compilation taken off; *compiling* is that part. A recipe takes as long as it takes:
the time to the target is the training time of a recipe whose mean accuracy reaches it. Intervals are 95 %: Student's
for means, and of the logarithms of paired ratios for ratios."""


def race(record: Record, names: Sequence[str], target: float) -> str:
    """A report in markdown of how fast and how well models learn the ten digits.

    Args:
        record: of a run with `--seeds`.
        names: of the models; the ratios are of the first to each other one.
        target: the accuracy that a mean is to reach.

    Raises:
        RecordError: if the record has not two seeds of each model, the same for all.
    """
    runs = {name: _runs(record, name) for name in names}
    seeds = {name: [run.fit.seed for run in several] for name, several in runs.items()}
    first, *others = names
    if any(len(seeds[name]) < 2 or seeds[name] != seeds[first] for name in names):
        found = ", ".join(f"{len(seeds[name])} of {name}" for name in names)
        raise RecordError(f"found seeds: {found}; expected the same two or more of each. Run pytest with --seeds.")
    seconds = {name: np.array([_training(run) for run in several]) for name, several in runs.items()}
    rows, details = [], []
    for name, several in runs.items():
        accuracy = np.array([run.evaluation.metrics["accuracy"] for run in several], np.float64)
        low, high = mean_interval(accuracy)
        reached = accuracy.mean() >= target
        rows.append(
            [
                name,
                f"{100 * accuracy.mean():.3f}",
                f"{100 * accuracy.std(ddof=1):.3f}",
                f"{100 * low:.3f} to {100 * high:.3f}",
                f"{np.mean(accuracy >= target):.0%}",
                f"{seconds[name].mean():.2f}",
                f"{seconds[name].std(ddof=1):.2f}",
                f"{seconds[name].mean():.2f} s" if reached else "not reached",
                _compiling(several),
            ]
        )
    for i, seed in enumerate(seeds[first]):
        cells = [
            cell
            for name, several in runs.items()
            for cell in (f"{100 * (several[i].evaluation.metrics['accuracy'] or 0):.2f}", f"{seconds[name][i]:.2f}")
        ]
        details.append([str(seed), *cells])
    ratios = []
    for other in others:
        low, high = ratio_interval(seconds[first], seconds[other])
        mean = float(np.exp(np.mean(np.log(seconds[first] / seconds[other]))))
        ratios.append(f"**{first} trains in {mean:.2f} times the time of {other}** ({low:.2f} to {high:.2f}).")
    goal = f"{100 * target:g} %"
    headers = ["model", "accuracy, %", "SD", "interval", f"seeds at {goal}", "training, s", "SD", f"time to {goal}"]
    columns = [cell for name in names for cell in (f"{name}: accuracy, %", "training, s")]
    described = [[m.name, m.description] for m in record.models if m.name in names]
    parts = [
        f"# Race to {goal}: {', '.join(names)}",
        *ratios,
        f"{len(seeds[first])} seeds, on all {record.data.n_train:,} training images; accuracy on all "
        f"{record.data.n_test:,} test images."
        if record.data
        else "",
        tables.table([*headers, "compiling, s"], rows, right=1),
        NOTE,
        "## Models",
        tables.table(["model", "what it is"], described),
        "## Seed by seed",
        tables.table(["seed", *columns], details, right=0),
        "## Environment",
        tables.environment(record),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _runs(record: Record, name: str) -> list[SeedRun]:
    mine = (run for run in record.seed_runs if (run.fit.model, run.fit.task) == (name, DIGITS.name))
    return sorted(mine, key=lambda run: run.fit.seed)


def _compiling(runs: list[SeedRun]) -> str:
    """Seconds of compiling: the median without a cache, and of what came from one."""
    cold = [f.compile_seconds + f.compile_saved_seconds for run in runs if (f := run.fit).compile_seconds is not None]
    warm = [run.fit.compile_seconds or 0.0 for run in runs if run.fit.compile_saved_seconds]
    told = [f"{np.median(cold):.2f} cold"] if cold else []
    return ", ".join([*told, f"{np.median(warm):.2f} CACHED"] if warm else told) or tables.NONE


def _training(run: SeedRun) -> float:
    """Seconds of training, compilation apart."""
    return run.fit.seconds - (run.fit.compile_seconds or 0.0)
