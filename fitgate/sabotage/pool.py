"""The pool: what models gave for the test split, seed by seed, with a defect or without one; fitted once, and kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from fitgate.gates import Baseline, BaselineError, Truth, collect, read_baseline, write_baseline
from fitgate.gates.seedwise import evaluations_of
from fitgate.machine import Environment, changes, environment
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.record import read_json, working_commit, write_json
from fitgate.runs import Evaluation, Evaluator, ModelFailed, Once
from fitgate.runs.workers import Outcome
from fitgate.sabotage.defect import Defect, DefectiveEstimator
from fitgate.sabotage.errors import SabotageError
from fitgate.tasks import TaskData

BLOCK = 10  # seeds of a file, which is written when they are all fitted
ABOUT = "pool.json"
NO_SEED = -1  # of a session, which there is none of
Spread = Callable[[str, Callable[[int], Outcome], Sequence[int]], Sequence[Outcome]]


class About(msgspec.Struct, frozen=True):
    """What all outputs of a pool have in common; outputs of anything else would be compared with them in vain."""

    commit: str | None
    environment: Environment


class Pool:
    """Outputs of models by seed, kept in a directory: what is there is not fitted again.

    Args:
        directory: where they are kept; made if it is not there.
        metrics: by name.
        spread: fits with several seeds elsewhere, side by side, as `Evaluator` has it; None for here.

    Raises:
        SabotageError: if the pool is of another commit, or was begun in another environment.
    """

    def __init__(self, directory: Path, metrics: Mapping[str, Metric], spread: Spread | None = None):
        self.directory = directory
        self._metrics = metrics
        self._spread = spread
        now = About(working_commit(Path.cwd()), environment())
        path = directory / ABOUT
        begun = read_json(path, About, "fitgate sabotage") if path.exists() else now
        moved = changes(begun.environment, now.environment)
        if begun.commit != now.commit:
            moved.append(f"commit {begun.commit or 'none'} -> {now.commit or 'none'}")
        if moved:
            raise SabotageError(
                path,
                found=f"a pool that was begun elsewhere ({'; '.join(moved)})",
                expected="one that was begun just here",
                next_step="name another directory by --pool, or delete this one to begin again",
            )
        write_json(now, path)

    def runs(self, model: Model, data: TaskData, defect: Defect | None, seeds: Sequence[int]) -> list[Evaluation]:
        """A model's evaluations on a task, one a seed; of a deterministic model the one of the first seed.

        Args:
            model: sound.
            data: the task, on its data.
            defect: that is planted; None for none.
            seeds: in blocks of `BLOCK`, from a multiple of it on.

        Raises:
            ModelFailed: if fitting or predicting failed.
            SabotageError: if the defect can't be planted.
        """
        truth = Truth.of(data)
        own = [truth.own(self._metrics[name]) for name in data.task.metric_names]
        wanted = seeds if model.stochastic else seeds[:1]
        found = []
        for block in _blocks(wanted):
            found += evaluations_of(self._block(model, data, defect, block), own, truth.target)
        return found

    def _block(self, model: Model, data: TaskData, defect: Defect | None, seeds: Sequence[int]) -> Baseline:
        path = self._file(model, data, defect, seeds)
        try:
            kept = read_baseline(path)
        except BaselineError:
            kept = None  # damaged, or of another layout: it is fitted again
        if kept is not None and kept.about.seeds == list(seeds) and kept.about.data_digest == data.dataset.digest:
            return kept
        made = model if defect is None else _defective(model, defect, data)
        evaluator = Evaluator(lambda task: data, self._metrics, NO_SEED, Once(), spread=self._spread)
        try:
            runs = evaluator.seed_runs(replace(made, stochastic=True), data.task, seeds)
        except ModelFailed as error:
            if isinstance(error.__cause__, SabotageError):
                raise error.__cause__ from None
            raise
        block = collect(runs, data.dataset.profile, environment(), working_commit(Path.cwd()))
        write_baseline(block, path)
        return block

    def _file(self, model: Model, data: TaskData, defect: Defect | None, seeds: Sequence[int]) -> Path:
        what = "sound" if defect is None else f"{defect.family} {defect.name} {defect.severity}"
        slug = re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")[:60]
        whole = hashlib.sha256(f"{what} {data.dataset.digest}".encode()).hexdigest()[:8]
        folder = self.directory / model.name / data.task.name / f"{slug}-{whole}"
        return folder / f"{seeds[0]}-{len(seeds)}.npz"


def _defective(model: Model, defect: Defect, data: TaskData) -> Model:
    build = model.build
    return replace(model, build=lambda seed: DefectiveEstimator(build(seed), defect, seed, data))


def _blocks(seeds: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(seeds), BLOCK):
        yield seeds[start : start + BLOCK]
