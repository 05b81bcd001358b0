"""A campaign: sound models, all changes and all tamperings, recorded as they end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from fitgate.clock import perf_counter
from fitgate.machine import Environment, changes, environment
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.record import RecordError, read_json, working_commit, write_json
from fitgate.sabotage.catalogue import generic_defects
from fitgate.sabotage.defect import CONTROL, Defect
from fitgate.sabotage.errors import SabotageError
from fitgate.sabotage.nulls import Nulls, nulls
from fitgate.sabotage.pool import Pool, sources_digest
from fitgate.sabotage.tampering import Tampering, Tamperings
from fitgate.sabotage.trial import Trial
from fitgate.sabotage.trials import ELSEWHERE, Size, Trials
from fitgate.tasks import TaskData

Say = Callable[[str], None]
NULLS = "sound models"  # what `--only` knows them by


class Effort(NamedTuple):
    """How much a campaign tries.

    Attributes:
        size: of each trial.
        pool: seeds with which each stochastic model is fitted as it is.
        baselines: that are drawn from these; 0 for the project's own.
        runs: of sound models, against all of these together.
        defects: names of those that are planted; empty for all.
        every: of each name's severities, which ones: all, or every other.
    """

    size: Size = Size()
    pool: int = 300
    baselines: int = 20
    runs: int = 1_000
    defects: tuple[str, ...] = ()
    every: int = 1


WHOLE = Effort()
QUICK = Effort(Size(8, 10, 100), 20, 0, 200, ("label noise", "rows deleted"), every=2)


class Campaign(msgspec.Struct):
    """What a campaign found.

    Attributes:
        profile: of the data; empty where it has one size.
        commit: of the working tree; None outside git.
        environment: the machine and its libraries.
        tasks: on which models were tried, all at once.
        trials: of changes; those of the family `control` should not matter.
        nulls: runs of sound models; None before, and where none were asked for.
        tamperings: with a project's files.
        size: of each trial.
        seconds: wall time of the processes that worked on it; what the pool already had took none of it.
        sources: SHA-256 of the project's Python files.
        baselines: SHA-256 of the data and of the outputs of those that judged, by model and task.
        processors: that worked on it, by their names; in old campaigns that of `environment` alone.
    """

    profile: str
    commit: str | None
    environment: Environment
    tasks: list[str] = []
    trials: list[Trial] = []
    nulls: Nulls | None = None
    tamperings: list[Tampering] = []
    size: Size = Size()
    seconds: float = 0.0
    sources: str = ""
    baselines: dict[str, tuple[str, str]] = {}
    processors: list[str] = []


def run(
    path: Path,
    *,
    models: Mapping[str, Model],
    data: Sequence[TaskData],
    metrics: Mapping[str, Metric],
    baselines: Path,
    defects: Iterable[Defect],
    pool: Pool,
    foreign: Sequence[Pool] = (),
    effort: Effort,
    only: str,
    say: Say,
) -> Campaign:
    """Run a campaign, and keep what it found in a file as it goes.

    What the file already holds of the same work is not done again: one that was stopped goes on, and the parts that
    `only` names may be tried one after the other.

    Args:
        path: the file, JSON.
        models: by name.
        data: the tasks on which they are tried, each on its data, of one profile.
        metrics: by name.
        baselines: the directory.
        defects: those that plugins contribute; the generic ones come before them.
        pool: of outputs.
        foreign: pools of other environments: to be there should not matter either.
        effort: how much is tried; of the changes that `only` names, all are.
        only: what the family and name of a change, with the model's name, or of a tampering must contain.
        say: is given a line for each trial.

    The project is the one around the working directory: its own tests are run for the tamperings.

    Raises:
        SabotageError: if the project's session does not pass as it is, the gates can't be tried, a change can't be
            planted, two have one name and severity, or the file holds the same work of another environment.
    """
    started = perf_counter()
    profile = data[0].dataset.profile
    able = [name for name, model in models.items() if model.task(data[0].task.name)]
    tamperings = Tamperings(Path.cwd(), able, data[0].task.name, profile, baselines, only)
    trials = Trials(models, data, metrics, baselines, pool)
    campaign = _begun(
        path,
        Campaign(
            profile,
            working_commit(Path.cwd()),
            environment(),
            [one.task.name for one in data],
            size=effort.size,
            sources=sources_digest(Path.cwd()),
            baselines={
                f"{model} {task}": (of.about.data_digest, of.about.content)
                for (model, task), of in trials.baselines.items()
            },
        ),
    )
    before, here = campaign.seconds, environment().cpu
    if here not in campaign.processors:
        campaign.processors.append(here)

    def keep() -> None:
        campaign.seconds = before + perf_counter() - started
        write_json(campaign, path)

    if NULLS.startswith(only) and trials.stochastic and campaign.nulls is None:
        campaign.nulls = nulls(trials, effort.pool, effort.baselines, effort.runs, say)
        keep()
    planned = _planned([*generic_defects(), *defects], trials, only, effort)
    todo = {(defect.name, defect.severity, name): partial(trials.changed, name, defect) for defect, name in planned}
    todo |= {
        (ELSEWHERE, other.whence, name): partial(trials.elsewhere, name, other)
        for other in foreign
        for name in trials.models
        if only in f"{CONTROL} {ELSEWHERE} {name}"
    }
    tried = {(trial.defect, trial.severity, trial.model) for trial in campaign.trials}
    for i, (key, attempt) in enumerate(todo.items()):
        if key in tried:
            continue
        trial = attempt(effort.size)
        campaign.trials.append(trial)
        say(f"{i + 1}/{len(todo)} {_line(trial)}")
        keep()
    for tampering in tamperings:  # all anew: they take a minute
        campaign.tamperings = [one for one in campaign.tamperings if one.what != tampering.what] + [tampering]
        say(f"{tampering.what}: {'refused' if tampering.caught else 'NOT REFUSED'}: {tampering.message}")
    keep()
    return campaign


def fit_sound(trials: Trials, effort: Effort, say: Say) -> None:
    """Fit models as they are with the seeds of a trial, for a campaign in another environment to read from the pool."""
    for name in trials.models:
        for task in trials.tasks(name):
            say(f"{name} on {task}: {sum(map(len, effort.size.seeds))} seeds of it as it is")
            for seeds in effort.size.seeds:
                trials.sound(name, task, seeds)


def _begun(path: Path, campaign: Campaign) -> Campaign:
    """What a file holds of the same work, to go on with; else a campaign that begins.

    The processor may be another: each trial's fits, sound and changed, are of one pool, and so of one processor.

    Raises:
        SabotageError: if it holds that of another environment.
    """
    try:
        kept = read_campaign(path)
    except RecordError:  # there is none, or what is there is damaged
        return campaign
    work = [(one.sources, one.baselines, one.profile, one.tasks, one.size) for one in (kept, campaign)]
    if work[0] != work[1]:
        return campaign
    now = campaign.environment
    there = msgspec.structs.replace(kept.environment, cpu=now.cpu, blas=now.blas)  # which names its kernels' processor
    if moved := changes(there, now):
        raise SabotageError(
            path,
            found=f"a campaign on this project, of another environment ({'; '.join(moved)})",
            expected="one of this environment, to go on with",
            next_step="name another file with --out, or delete this one to begin again",
        )
    return kept


def read_campaign(path: Path) -> Campaign:
    """Read what a campaign found.

    Raises:
        RecordError: if the file is missing or damaged.
    """
    return read_json(path, Campaign, "fitgate sabotage")


def _planned(known: Iterable[Defect], trials: Trials, only: str, effort: Effort) -> list[tuple[Defect, str]]:
    """The changes that apply on some task, each with a model's name.

    Raises:
        SabotageError: if two of one model have one name and severity: their trials could not be told apart.
    """
    planned: dict[tuple[str, str, str], tuple[Defect, str]] = {}
    for defect in known if only else _chosen(known, effort):
        for name, model in trials.models.items():
            if only not in f"{defect.family} {defect.name} {name}":
                continue
            if not any(defect.applies(model, trials.data[task]) for task in trials.tasks(name)):
                continue
            key = (defect.name, defect.severity, name)
            if planned.setdefault(key, (defect, name))[0] is not defect:
                raise SabotageError(
                    f"defect {defect.name}, {defect.severity}",
                    found=f"two of that name and severity for {name}",
                    expected="one",
                    next_step="rename one of them, or name the models that each is meant for",
                )
    return list(planned.values())


def _chosen(known: Iterable[Defect], effort: Effort) -> Iterator[Defect]:
    met: Counter[str] = Counter()
    for defect in known:
        met[defect.name] += 1
        if (not effort.defects or defect.name in effort.defects) and met[defect.name] % effort.every == 0:
            yield defect


def _line(trial: Trial) -> str:
    worst = trial.worst
    if worst is None:
        return f"{trial.model}: {trial.defect}, {trial.severity}: fails ({trial.error})"
    effect = f"{worst.shown(worst.mean):+.2f} {worst.unit_shown} of {worst.title}, {worst.margins:.1f} margins"
    return f"{trial.model}: {trial.defect}, {trial.severity}: {effect}; {trial.caught} of {trial.runs} runs failed"
