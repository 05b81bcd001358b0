"""The pool: what models gave for the test split, seed by seed, with a change or without one; fitted once, and kept."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from fitgate.gates import BaselineError, Truth, collect, read_baseline, write_baseline
from fitgate.gates.seedwise import evaluations_of
from fitgate.machine import Environment, changes, environment
from fitgate.machine.environment import distributions_of
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.record import RecordError, read_json, working_commit, write_json
from fitgate.runs import Evaluation, ModelFailed, SeedRun
from fitgate.runs.workers import run_seed
from fitgate.sabotage.defect import Defect, DefectiveEstimator
from fitgate.sabotage.errors import SabotageError
from fitgate.tasks import TaskData

BLOCK = 10  # seeds of a file, which is written when they are all fitted
ABOUT = "pool.json"
COMMAND = "fitgate sabotage"
Given = Evaluation | str  # what a seed gave, or why it failed
Fitted = SeedRun | str | SabotageError
Spread = Callable[[str, Callable[[int], Fitted], Sequence[int]], Sequence[Fitted]]


class About(msgspec.Struct, frozen=True):
    """What all outputs of a pool have in common; outputs of anything else would be compared with them in vain.

    Attributes:
        sources: SHA-256 of the project's Python files.
        environment: the machine and its libraries.
    """

    sources: str
    environment: Environment


class Block(msgspec.Struct, frozen=True):
    """Some seeds, the outputs of which lie beside.

    Attributes:
        seeds: in the order of the outputs, less those that failed.
        failed: why, by seed.
        data: SHA-256 of the dataset.
    """

    seeds: list[int]
    failed: dict[int, str]
    data: str


class Pool:
    """Outputs of models by seed, kept in a directory: what is there is not fitted again.

    Args:
        directory: where they are kept; made if it is not there.
        metrics: by name.
        modules: that the models need, whose versions count.
        spread: does work with several seeds elsewhere, side by side, as `Executor.spread`; None for here.
        foreign: it was made in another environment, and is only read here.

    Attributes:
        whence: what differs between its environment and this one, in words.

    Raises:
        SabotageError: if the pool was begun with other sources; or in another environment, unless it is foreign.
        RecordError: if a foreign one is not there, or what it says of itself is damaged.
    """

    def __init__(
        self,
        directory: Path,
        metrics: Mapping[str, Metric],
        modules: Iterable[str] = (),
        spread: Spread | None = None,
        foreign: bool = False,
    ):
        self.directory = directory
        self._metrics = metrics
        self._spread = spread
        self._foreign = foreign
        now = About(sources_digest(Path.cwd()), environment(distributions_of(modules)))
        path = directory / ABOUT
        begun = read_json(path, About, COMMAND) if foreign or path.exists() else now
        self.whence = "; ".join(changes(now.environment, begun.environment)) or "a like one"
        barred = [] if foreign else changes(begun.environment, now.environment)
        if begun.sources != now.sources:
            barred.append("the project's Python files")
        if barred:
            raise SabotageError(
                path,
                found=f"a pool that was begun before a change ({'; '.join(barred)})",
                expected="one of the project as it is" + ("" if foreign else ", here"),
                next_step="name another directory, or delete this one to begin again",
            )
        if not foreign:
            write_json(now, path)

    def runs(self, model: Model, data: TaskData, defect: Defect | None, seeds: Sequence[int]) -> list[Given]:
        """What a model gives on a task, seed by seed; of a deterministic model, with the first seed alone.

        Args:
            model: sound.
            data: the task, on its data.
            defect: that is planted; None for none.
            seeds: which.

        Raises:
            SabotageError: if the defect can't be planted, or a foreign pool lacks a seed.
            ExecutorError: if those who are to fit can't be reached, or die again and again.
        """
        found: list[Given] = []
        for block in _blocks(seeds if model.stochastic else seeds[:1]):
            found += self._block(model, data, defect, block)
        return found

    def _block(self, model: Model, data: TaskData, defect: Defect | None, seeds: Sequence[int]) -> list[Given]:
        path = self._file(model, data, defect, seeds)
        kept = self._kept(path, data, seeds)
        if kept is not None:
            return kept
        if self._foreign:
            raise SabotageError(
                self.directory,
                found=f"no fits of {model.name} on {data.task.name} with seeds {seeds[0]} to {seeds[-1]}, on this data",
                expected="those of another environment",
                next_step=f"run {COMMAND} --fit-only there, with the options of this campaign",
            )
        work = partial(_fitted, _defective(model, defect, data) if defect else model, data, self._metrics)
        what = f"fitting {model.name} on {data.task.name} with {defect.name if defect else 'no defect'}"
        fitted = self._spread(what, work, seeds) if self._spread else [work(seed) for seed in seeds]
        failed: dict[int, str] = {}
        runs: list[SeedRun] = []
        for seed, one in zip(seeds, fitted, strict=True):
            if isinstance(one, SabotageError):
                raise one
            if isinstance(one, str):
                failed[seed] = one
            else:
                runs.append(one)
        if runs:
            write_baseline(collect(runs, data.dataset.profile, environment(), working_commit(Path.cwd())), path)
        write_json(Block(list(seeds), failed, data.dataset.digest), path.with_suffix(".json"))
        again = self._kept(path, data, seeds)
        if again is None:
            raise SabotageError(
                path, found="outputs that can't be read again", expected="a model's outputs", next_step="see that file"
            )
        return again

    def _kept(self, path: Path, data: TaskData, seeds: Sequence[int]) -> list[Given] | None:
        """What is there of these seeds; None where something is missing or damaged."""
        try:
            block = read_json(path.with_suffix(".json"), Block, COMMAND)
            outputs = read_baseline(path)
        except (RecordError, BaselineError):
            return None
        fitted = [seed for seed in block.seeds if seed not in block.failed]
        if (block.seeds, block.data) != (list(seeds), data.dataset.digest):
            return None
        truth = Truth.of(data)
        own = [truth.own(self._metrics[name]) for name in data.task.metric_names]
        if (outputs.about.seeds if outputs else []) != fitted:
            return None
        evaluations = iter(evaluations_of(outputs, own, truth.target) if outputs else [])
        return [block.failed[seed] if seed in block.failed else next(evaluations) for seed in seeds]

    def _file(self, model: Model, data: TaskData, defect: Defect | None, seeds: Sequence[int]) -> Path:
        what = "sound" if defect is None else f"{defect.family} {defect.name} {defect.severity}"
        slug = re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")[:60]
        whole = hashlib.sha256(f"{what} {data.dataset.digest}".encode()).hexdigest()[:8]
        folder = self.directory / model.name / data.task.name / f"{slug}-{whole}"
        return folder / f"{seeds[0]}-{len(seeds)}.npz"


def sources_digest(root: Path) -> str:
    """SHA-256, in hex, of all Python files in a directory, less what lies in hidden ones or is installed."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).parts
        if not any(part.startswith(".") or part == "site-packages" for part in parts):
            content = path.read_bytes()
            digest.update(f"{'/'.join(parts)} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _defective(model: Model, defect: Defect, data: TaskData) -> Model:
    build = model.build
    return replace(model, build=lambda seed: DefectiveEstimator(build(seed), defect, seed, data))


def _fitted(model: Model, data: TaskData, metrics: Mapping[str, Metric], seed: int) -> Fitted:
    """What a seed gives, or why nothing that gates could judge; that a defect can't be planted comes back as it is."""
    try:
        run = run_seed(model, data, metrics, None, seed)
    except ModelFailed as error:
        return error.__cause__ if isinstance(error.__cause__, SabotageError) else str(error)
    evaluation = run.evaluation
    lacking = [name for name, value in evaluation.metrics.items() if value is None]
    if lacking:
        return evaluation.missing.get(lacking[0], f"{lacking[0]} has no value")
    numbers = [array for array in evaluation.outputs if array is not None and array.dtype.kind == "f"]
    return run if all(np.isfinite(array).all() for array in numbers) else "a score is not finite"


def _blocks(seeds: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(seeds), BLOCK):
        yield seeds[start : start + BLOCK]
