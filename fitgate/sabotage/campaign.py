"""A campaign: all defects, all tamperings and clean controls, each recorded as it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from fitgate.clock import perf_counter
from fitgate.data import Dataset
from fitgate.machine import Environment, environment
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.record import read_json, working_commit, write_json
from fitgate.sabotage.catalogue import generic_defects
from fitgate.sabotage.defect import CONTROL, Defect
from fitgate.sabotage.errors import SabotageError
from fitgate.sabotage.tampering import Tampering, Tamperings
from fitgate.sabotage.trial import Trial
from fitgate.sabotage.trials import Trials
from fitgate.tasks import Task

FIRST_SEED = 30_000  # far from the seeds that baselines are made with
SEEDS_TOGETHER = 5  # of the clean runs that are judged together
Say = Callable[[str], None]


class Campaign(msgspec.Struct):
    """What a campaign found.

    Attributes:
        profile: of the data; empty where it has one size.
        commit: of the working tree; None outside git.
        environment: the machine and its libraries.
        trials: of defects; one that was inconclusive is followed by another with twice the seeds, as its gate asks.
        alone, together: clean controls, judged by one seed each, and by several.
        tamperings: with a project's files.
        seconds: wall time.
        task: on which models were tried; empty in campaigns of older versions.
    """

    profile: str
    commit: str | None
    environment: Environment
    trials: list[Trial] = []
    alone: list[Trial] = []
    together: list[Trial] = []
    tamperings: list[Tampering] = []
    seconds: float = 0.0
    task: str = ""

    @property
    def latest(self) -> list[Trial]:
        """The last trial of each defect of each model."""
        return list({(trial.model, trial.defect, trial.severity): trial for trial in self.trials}.values())


def run(
    path: Path,
    *,
    models: Mapping[str, Model],
    task: Task,
    data: Dataset,
    metrics: Mapping[str, Metric],
    baselines: Path,
    defects: Iterable[Defect],
    seeds: int,
    controls: int,
    only: str,
    say: Say,
) -> Campaign:
    """Run a campaign, and keep what it found in a file as it goes.

    Args:
        path: the file, JSON.
        models: by name; those that do not have the task are left out.
        task: on which they are tried.
        data: its dataset, of one profile.
        metrics: by name.
        baselines: the directory.
        defects: those that plugins contribute; the generic ones come before them.
        seeds: with how many each defect of a stochastic model is trained.
        controls: how many clean runs, shared among the stochastic models, in fives.
        only: what the family and name of a defect, with the model's name, or of a tampering must contain.
        say: is given a line for each trial.

    The project is the one around the working directory: its own tests are run for the tamperings.

    Raises:
        SabotageError: if the project's session does not pass as it is, the gates can't be tried, a defect can't be
            planted, or two have one name and severity.
    """
    started = perf_counter()
    able = [name for name, model in models.items() if model.task(task.name)]
    tamperings = Tamperings(Path.cwd(), able, task.name, data.on(None).profile, baselines, only)
    trials = Trials(models, task, data, metrics, baselines)
    known = [*generic_defects(), *defects]
    campaign = Campaign(data.on(None).profile, working_commit(Path.cwd()), environment(), task=task.name)

    def keep() -> None:
        campaign.seconds = perf_counter() - started
        write_json(campaign, path)

    planned = _planned(known, trials, only)
    for i, (defect, name) in enumerate(planned):
        first = FIRST_SEED + 100 * i
        trial = trials.defective(name, defect, range(first, first + seeds))
        (campaign.together if defect.family == CONTROL else campaign.trials).append(trial)
        say(f"{i + 1}/{len(planned)} {_line(trial)}")
        keep()
    _follow(trials, known, campaign, say)
    stochastic = [name for name, model in trials.models.items() if model.stochastic]
    for i, name in enumerate(stochastic):
        _control(trials, name, FIRST_SEED // 2 + 1_000 * i, controls // len(stochastic), campaign, say)
        keep()
    for tampering in tamperings:
        campaign.tamperings.append(tampering)
        say(f"{tampering.what}: {'refused' if tampering.caught else 'NOT REFUSED'}: {tampering.message}")
    keep()
    return campaign


def follow(
    path: Path,
    *,
    models: Mapping[str, Model],
    task: Task,
    data: Dataset,
    metrics: Mapping[str, Metric],
    baselines: Path,
    defects: Iterable[Defect],
    say: Say,
) -> Campaign:
    """Try again, with twice the seeds, the defects that a campaign's gates answer for and could not decide on.

    Args: as for `run`; the file is read, and written again.

    Raises:
        RecordError: if the file is missing or damaged.
        SabotageError: if the gates can't be tried, or a defect of the campaign is not known.
    """
    campaign = read_campaign(path)
    known = [*generic_defects(), *defects]
    _follow(Trials(models, task, data, metrics, baselines), known, campaign, say)
    write_json(campaign, path)
    return campaign


def read_campaign(path: Path) -> Campaign:
    """Read what a campaign found.

    Raises:
        RecordError: if the file is missing or damaged.
    """
    return read_json(path, Campaign, "fitgate sabotage")


def _planned(known: Iterable[Defect], trials: Trials, only: str) -> list[tuple[Defect, str]]:
    """The defects that apply, each with a model's name.

    Raises:
        SabotageError: if two of one model have one name and severity: their trials could not be told apart.
    """
    planned: dict[tuple[str, str, str], tuple[Defect, str]] = {}
    for defect in known:
        for name, model in trials.models.items():
            if only not in f"{defect.family} {defect.name} {name}" or not defect.applies(model, trials.data):
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


def _follow(trials: Trials, known: Sequence[Defect], campaign: Campaign, say: Say) -> None:
    """Do as the gates ask that could not decide: take more seeds."""
    for trial in [t for t in campaign.latest if t.due and t.inconclusive and not t.caught_by and len(t.seeds) > 1]:
        defect = _defect_of(trial, trials, known)
        first = max(trial.seeds) + 1
        again = trials.defective(trial.model, defect, range(first, first + 2 * len(trial.seeds)))
        campaign.trials.append(again)
        say(f"again, with {len(again.seeds)} seeds: {_line(again)}")


def _defect_of(trial: Trial, trials: Trials, known: Sequence[Defect]) -> Defect:
    model = trials.models.get(trial.model)
    for defect in known:
        named = (defect.name, defect.severity) == (trial.defect, trial.severity)
        if named and model is not None and defect.applies(model, trials.data):
            return defect
    raise SabotageError(
        "this campaign",
        found=f"a trial of {trial.model} with {trial.defect}, {trial.severity}, which this project can't repeat",
        expected="models and defects that its plugins contribute",
        next_step="bring back the plugin that contributed it, or run the campaign again",
    )


def _control(trials: Trials, name: str, first: int, count: int, campaign: Campaign, say: Say) -> None:
    """Clean runs with fresh seeds: each judged alone, and every five of them together."""
    for start in range(0, count, SEEDS_TOGETHER):
        begin = first + start
        alone, together = trials.clean(name, range(begin, begin + SEEDS_TOGETHER))
        campaign.alone += alone
        campaign.together.append(together)
        if (start // SEEDS_TOGETHER + 1) % 5 == 0:
            alarms = sum(bool(trial.caught_by) for trial in campaign.alone + campaign.together)
            say(f"{start + SEEDS_TOGETHER}/{count} clean runs of {name}; {alarms} false alarms so far")


def _line(trial: Trial) -> str:
    effect = "failed" if trial.effect is None else f"effect {trial.in_unit(trial.effect):+.2f} {trial.unit_shown}"
    caught = f"caught by {', '.join(trial.caught_by)}" if trial.caught_by else "not caught"
    return f"{trial.model}: {trial.defect}, {trial.severity}: {effect}; {caught}"
