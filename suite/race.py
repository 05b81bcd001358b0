"""A race: models that were trained with the same seeds, one after the other, seed by seed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fitgate.errors import FitgateError
from fitgate.files import write
from fitgate.record import Record
from fitgate.report import tables
from fitgate.runs.evaluation import SeedRun
from fitgate.statistics import mean_interval, ratio_interval
from suite import png
from suite.digits import DIGITS

NOTE = """\
Each seed trained all models in turn, so that whatever slowed the machine slowed them alike. *Training* is the wall
time of `fit` with the data in memory, compilation taken off; *compiling* is that part, without a cache and from one.
The time to the target is the mean training time of a model whose mean accuracy reaches it, for each is a recipe that
ends when it ends. Intervals are 95 %: Student's for means, and for ratios the same of the logarithms of the seeds'
ratios."""
FIGURE = "race.png"
CAPTION = "Accuracy against training time: a point is a seed."


class RaceError(FitgateError):
    """A record that holds no race between the models."""


class Racer(NamedTuple):
    """A model's runs, by seed.

    Attributes:
        name: of the model.
        runs: one a seed, sorted.
        accuracy: percent, `(seeds,)`.
        seconds: of training, compilation apart, `(seeds,)`.
    """

    name: str
    runs: list[SeedRun]
    accuracy: NDArray[np.float64]
    seconds: NDArray[np.float64]

    @property
    def seeds(self) -> list[int]:
        """The seeds that it was trained with."""
        return [run.fit.seed for run in self.runs]


def write_race(record: Record, path: Path, names: Sequence[str], target: float) -> Path:
    """Write a race in markdown, and its figure into the directory named after it beside it; the path.

    Args:
        record: of a run with `--fit-seeds`.
        path: of the report.
        names: of the models; the ratios are of the first one's training time to each other one's.
        target: the accuracy that a model's mean should reach, from 0 to 1.

    Raises:
        RaceError: if the record lacks two seeds of each model, the same for all.
    """
    racers = [_racer(record, name) for name in names]
    if any(len(racer.seeds) < 2 or racer.seeds != racers[0].seeds for racer in racers):
        raise RaceError(
            f"the record of the run of {record.started}",
            found=", ".join(f"{_seeds(racer)} of {racer.name}" for racer in racers),
            expected="the same two or more seeds of each model",
            next_step="run pytest with --fit-seeds, one --fit-seed and these models",
        )
    directory = path.with_suffix("")
    _draw(racers, 100 * target, directory / FIGURE)
    write(path, _render(record, racers, 100 * target, f"{directory.name}/{FIGURE}"))
    return path


def _seeds(racer: Racer) -> str:
    """Which seeds a model has."""
    numbers = ", ".join(map(str, racer.seeds))
    return f"seed{'' if len(racer.seeds) == 1 else 's'} {numbers}" if numbers else "no seeds"


def _draw(racers: Sequence[Racer], target: float, path: Path) -> None:
    """Draw the accuracy, in percent, against the seconds of training: a point for each seed, and the target."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for racer, marker in zip(racers, itertools.cycle("oD^s"), strict=False):
        axes.plot(racer.seconds, racer.accuracy, marker, alpha=0.8, label=racer.name)
    axes.axhline(target, linestyle="--", color="grey", linewidth=1, label=f"{target:g} %")
    axes.set_xlim(left=0)
    axes.set(xlabel="training time, s", ylabel=f"accuracy on {DIGITS.name}, %")
    axes.grid(alpha=0.3)
    axes.legend()
    png.save(figure, path)


def _render(record: Record, racers: Sequence[Racer], target: float, figure: str) -> str:
    first, *others = racers
    data = record.dataset(DIGITS.name)
    described = [[m.name, m.description] for m in record.models if m.name in [racer.name for racer in racers]]
    parts = [
        f"# Race to {target:g} %: {', '.join(racer.name for racer in racers)}",
        *(_ratio(first, other) for other in others),
        f"{len(first.seeds)} seeds; trained on {data.n_train:,} images, tested on {data.n_test:,}." if data else "",
        _summary(racers, target),
        f"![{CAPTION}]({figure})\n\n{CAPTION}",
        NOTE,
        f"## Models\n\n{tables.table(['model', 'what it is'], described)}",
        f"## Seed by seed\n\n{_details(racers)}",
        f"## Environment\n\n{tables.environment(record)}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _racer(record: Record, name: str) -> Racer:
    mine = (run for run in record.seed_runs if (run.fit.model, run.fit.task) == (name, DIGITS.name))
    runs = sorted(mine, key=lambda run: run.fit.seed)
    accuracy = np.array([run.evaluation.metrics["accuracy"] for run in runs], np.float64)
    seconds = np.array([run.fit.seconds - (run.fit.compile_seconds or 0.0) for run in runs])
    return Racer(name, runs, 100 * accuracy, seconds)


def _ratio(first: Racer, other: Racer) -> str:
    mean = np.exp(np.mean(np.log(first.seconds / other.seconds)))
    low, high = ratio_interval(first.seconds, other.seconds)
    return f"**{first.name} trains in {mean:.2f} times the time of {other.name}** ({low:.2f} to {high:.2f})."


def _summary(racers: Sequence[Racer], target: float) -> str:
    rows = []
    for racer in racers:
        low, high = mean_interval(racer.accuracy)
        mean, seconds = racer.accuracy.mean(), racer.seconds.mean()
        accuracy = [f"{mean:.3f}", f"{racer.accuracy.std(ddof=1):.3f}", f"{low:.3f} to {high:.3f}"]
        reached = [f"{np.mean(racer.accuracy >= target):.0%}", f"{seconds:.2f}", f"{racer.seconds.std(ddof=1):.2f}"]
        to_target = f"{seconds:.2f} s" if mean >= target else "not reached"
        rows.append([racer.name, *accuracy, *reached, to_target, _compiling(racer.runs)])
    headers = ["model", "accuracy, %", "SD", "interval", f"seeds at {target:g} %", "training, s", "SD"]
    return tables.table([*headers, f"time to {target:g} %", "compiling, s"], rows, right=1)


def _compiling(runs: list[SeedRun]) -> str:
    """Seconds of compiling: the median without a cache, and of what came from one."""
    cold = [f.compile_seconds + f.compile_saved_seconds for run in runs if (f := run.fit).compile_seconds is not None]
    warm = [run.fit.compile_seconds or 0.0 for run in runs if run.fit.compile_saved_seconds]
    words = [f"{np.median(cold):.2f} cold"] if cold else []
    words += [f"{np.median(warm):.2f} CACHED"] if warm else []
    return ", ".join(words) or tables.NONE


def _details(racers: Sequence[Racer]) -> str:
    rows = []
    for i, seed in enumerate(racers[0].seeds):
        cells = [cell for racer in racers for cell in (f"{racer.accuracy[i]:.2f}", f"{racer.seconds[i]:.2f}")]
        rows.append([str(seed), *cells])
    columns = [cell for racer in racers for cell in (f"{racer.name}: accuracy, %", "training, s")]
    return tables.table(["seed", *columns], rows, right=0)
