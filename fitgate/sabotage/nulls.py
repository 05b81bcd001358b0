"""Nulls: whole runs of models that nobody touched, held to resampled baselines. A gate that fails one errs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from fitgate.gates import Baseline, JudgeSettings
from fitgate.gates.baseline import keep
from fitgate.gates.settings import CONFIRMING, MOST_SEEDS
from fitgate.runs import Evaluation
from fitgate.sabotage.replay import Key
from fitgate.sabotage.trials import Tally, Trials

SOUND = 15_000  # the first seed of those that nulls draw from
Say = Callable[[str], None]


class Nulls(msgspec.Struct, frozen=True):
    """What runs of sound models came to.

    Attributes:
        pool: how many seeds each stochastic model was fitted with.
        baselines: that were drawn from them, each of as many seeds as the project's own, the rest being left to the
            runs; 0 where models were held to the project's own.
        runs: of all gates, as many against each baseline.
        failed: of these, those that some gate failed.
        confirmed: that some gate failed where falls are confirmed by fresh seeds (`--gate-confirm`).
        inconclusive: that none failed, and some could not decide.
        seeds: of a run, on average, of the model that took most.
        gates: how often each regression gate failed, by model, task and rule.
    """

    pool: dict[str, int]
    baselines: int
    runs: int
    failed: int
    confirmed: int
    inconclusive: int
    seeds: float
    gates: list[tuple[str, str, str, int]]


def nulls(trials: Trials, pool: int, baselines: int, runs: int, say: Say) -> Nulls:
    """Draw baselines and runs from sound fits. Deterministic models give what their baselines hold.

    Nothing tells these runs that a model is unchanged, as its output would: every gate of a stochastic model is tested,
    as after a change that should not matter, in all models at once.

    Args:
        trials: of the project.
        pool: seeds of each stochastic model; more, where its baselines leave too few of these for a run.
        baselines: to draw, each of as many seeds as the project's own; 0 for these themselves.
        runs: of all of them together, as many against each.
        say: is given a line for what takes long.
    """
    own = {key: len(trials.baselines[key].predictions) if baselines else 0 for key in trials.baselines}
    held = {name: max(count for key, count in own.items() if key[0] == name) for name in trials.stochastic}
    enough = max(held.values(), default=0) + MOST_SEEDS + CONFIRMING
    pool = max(pool, enough)
    fitted: dict[Key, list[Evaluation]] = {}
    for name in held:
        for task in trials.tasks(name):
            say(f"{name} on {task}: {pool} seeds of it as it is")
            fitted[name, task] = trials.sound(name, task, range(SOUND, SOUND + pool))
    rng, replay, rounds = np.random.default_rng(0), trials.replay(), max(baselines, 1)
    plain, confirmed = Tally(), Tally()
    for drawn in range(rounds):
        order = {name: rng.permutation(pool) for name in held}  # the same seeds on all tasks, as in a session
        held_to = dict(trials.baselines)
        for (name, task), several in fitted.items():
            if count := own.get((name, task)):
                held_to[name, task] = _of(held_to[name, task], [several[i] for i in order[name][:count]])
        for _ in range(runs // rounds):
            draws = {name: rng.permutation(order[name][count:]) for name, count in held.items()}
            given, seeds = trials.beside({key: [several[i] for i in draws[key[0]]] for key, several in fitted.items()})
            for counted, settings in ((plain, JudgeSettings()), (confirmed, JudgeSettings(confirm=True))):
                counted.add(replay.run(given, seeds, held_to, settings))
        say(f"{plain.caught} of {plain.runs} runs of sound models failed so far, against {drawn + 1} baselines")
    gates = [
        (claim.model, claim.gate.task.name, claim.rule, plain.of(claim)[0])
        for claim in trials.claims
        if claim.model in held and claim.gate.baselines(claim.model)
    ]
    counts = (plain.runs, plain.caught, confirmed.caught, plain.inconclusive)
    return Nulls(dict.fromkeys(held, pool), baselines, *counts, plain.seeds / plain.runs, gates)


def _of(own: Baseline, evaluations: Sequence[Evaluation]) -> Baseline:
    """A baseline like a project's own, of other outputs."""
    kept = keep(evaluations)
    about = msgspec.structs.replace(own.about, seeds=list(range(len(evaluations))), content=kept.digest, others=[])
    return Baseline(about, *kept.arrays)
