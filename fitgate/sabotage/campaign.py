"""A campaign: all defects, all tamperings and clean controls, each recorded as it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from fitgate.ab.probe import find_models
from fitgate.data import load
from fitgate.machine import Environment, environment
from fitgate.model import Model
from fitgate.record import read_json, working_commit, write_json
from fitgate.sabotage.defects import Defect, defects
from fitgate.sabotage.tampering import Tampering, tamper
from fitgate.sabotage.trial import Court, Trial
from models.cnn.defects import reordered

FIRST_SEED = 30_000  # no seed of a floor or a baseline
CONTROLS = ("sgd", "forest", "cnn")
FAST = ("sgd", "forest", "svc", "knn", "cnn")


class Campaign(msgspec.Struct):
    """What a campaign found.

    Attributes:
        profile: of the data.
        commit: of the working tree.
        environment: the machine and its libraries.
        trials: of defects; one that was inconclusive is followed by another with twice the seeds, as its gate asks.
        alone, together: clean controls, judged by one seed each, and by five.
        tamperings: of the harness.
        seconds: wall time.
    """

    profile: str
    commit: str | None
    environment: Environment
    trials: list[Trial] = []
    alone: list[Trial] = []
    together: list[Trial] = []
    tamperings: list[Tampering] = []
    seconds: float = 0.0

    @property
    def latest(self) -> list[Trial]:
        """The last trial of each defect of each model."""
        return list({(trial.model, trial.defect, trial.severity): trial for trial in self.trials}.values())


def run(
    path: Path,
    baselines: Path,
    seeds: int,
    controls: int,
    only: str,
    say: Callable[[str], None],
) -> Campaign:
    """Run a campaign on the quick data, and keep what it found in a file as it goes.

    Args:
        path: the file, JSON.
        baselines: the directory of baselines.
        seeds: with how many each defect of a stochastic model is trained.
        controls: how many clean runs.
        only: what a defect's family, name or model is to contain.
        say: is told of progress.
    """
    started = time.perf_counter()
    court = Court(_models(), load("quick"), baselines)
    campaign = Campaign("quick", working_commit(Path.cwd()), environment())

    def keep() -> None:
        campaign.seconds = time.perf_counter() - started
        write_json(campaign, path)

    path.parent.mkdir(parents=True, exist_ok=True)
    every = ((defect, name) for defect in (*defects(), *_harmless()) for name in defect.models)
    planned = [(d, name) for d, name in every if only in f"{d.family} {d.name} {name}"]
    for i, (defect, name) in enumerate(planned):
        first = FIRST_SEED + 100 * i
        trial = court.try_model(name, defect, range(first, first + seeds))
        (campaign.together if defect.family == "control" else campaign.trials).append(trial)
        effect = "failed" if trial.effect is None else f"{100 * trial.effect:+.2f} points"
        caught = ", ".join(trial.caught_by) or "nothing"
        say(f"{i + 1}/{len(planned)} {name}: {defect.name}, {defect.severity}: {effect}; caught by {caught}")
        keep()
    _follow(court, campaign, say)
    for name in CONTROLS:
        _control(court, name, controls // len(CONTROLS), campaign, say)
        keep()
    campaign.tamperings = tamper()
    for tampering in campaign.tamperings:
        say(f"{tampering.what}: {'caught' if tampering.caught else 'NOT CAUGHT'}: {tampering.told}")
    keep()
    return campaign


def follow(path: Path, baselines: Path, say: Callable[[str], None]) -> Campaign:
    """Try again, with twice the seeds, what a campaign's gates owed a verdict on and found inconclusive; keep it there.

    Raises:
        RecordError: if the file is missing or damaged.
    """
    campaign = read_campaign(path)
    _follow(Court(_models(), load("quick"), baselines), campaign, say)
    write_json(campaign, path)
    return campaign


def read_campaign(path: Path) -> Campaign:
    """Read what a campaign found.

    Raises:
        RecordError: if the file is missing or damaged.
    """
    return read_json(path, Campaign, "python -m suite sabotage")


def _follow(court: Court, campaign: Campaign, say: Callable[[str], None]) -> None:
    """Do as the gates say that could not tell: take more seeds."""
    for trial in [t for t in campaign.latest if t.due and t.inconclusive and not t.caught_by and len(t.seeds) > 1]:
        (defect,) = (d for d in defects() if (d.name, d.severity) == (trial.defect, trial.severity))
        first = max(trial.seeds) + 1
        again = court.try_model(trial.model, defect, range(first, first + 2 * len(trial.seeds)))
        campaign.trials.append(again)
        caught = ", ".join(again.caught_by) or "nothing"
        say(f"{trial.model}: {trial.defect}, {trial.severity}, with {len(again.seeds)} seeds: caught by {caught}")


def _control(court: Court, name: str, count: int, campaign: Campaign, say: Callable[[str], None]) -> None:
    """Clean runs with fresh seeds: each judged alone, and every five of them together."""
    five = 5
    for start in range(0, count, five):
        first = FIRST_SEED // 2 + 1_000 * CONTROLS.index(name) + start
        alone, together = court.try_clean(name, range(first, first + five))
        campaign.alone += alone
        campaign.together.append(together)
        if (start // five + 1) % 5 == 0:
            alarms = sum(bool(trial.caught_by) for trial in campaign.alone + campaign.together)
            say(f"{start + five}/{count} clean runs of {name}; {alarms} false alarms so far")


def _harmless() -> Sequence[Defect]:
    """Changes that change nothing that matters."""
    return (
        Defect("control", "another thread count", "1", ("forest",), settings={"n_jobs": 1}),
        Defect("control", "another thread count", "1", ("cnn",), settings={"device": "cpu:0"}),
        Defect("control", "random draws reordered", "all", ("cnn",), code=reordered),
    )


def _models() -> dict[str, Model]:
    registry = find_models()
    return {name: registry[name] for name in FAST}
