"""Trials: models with a change or without one, judged by their own gates as whole runs would judge them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fitgate.gates import Baseline, Claim, Gate, NoRegression, Outcome, Truth, needs, slicings
from fitgate.gates.archive import sound_baseline
from fitgate.gates.seedwise import evaluations_of
from fitgate.machine import environment
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.runs import Evaluation
from fitgate.sabotage.defect import CONTROL, Defect
from fitgate.sabotage.errors import SabotageError
from fitgate.sabotage.pool import Given, Pool
from fitgate.sabotage.replay import Key, Ran, Replay
from fitgate.sabotage.trial import Effect, Outcomes, Trial
from fitgate.statistics import mean_interval
from fitgate.tasks import TaskData

ELSEWHERE = "another environment"
HELD_OUT, JUDGED = 30_000, 40_000  # the first seeds of effects, and of what gates judge; baselines are made with others


class Size(NamedTuple):
    """How much is tried.

    Attributes:
        held_out: seeds of each change's effect.
        judged: further seeds, among which each run draws its own.
        runs: that are replayed of each change.
    """

    held_out: int = 40
    judged: int = 40
    runs: int = 200

    @property
    def seeds(self) -> tuple[range, range]:
        """Those of the effects, and those that are judged."""
        return range(HELD_OUT, HELD_OUT + self.held_out), range(JUDGED, JUDGED + self.judged)


class Trials:
    """Trials of a project's models, on all of some tasks at once.

    In a run, one model is changed; the others give what their baselines hold, as models do that nobody touched.

    Args:
        models: by name; what they declare on other tasks is left out.
        data: the tasks, each on its data.
        metrics: by name.
        baselines: the directory.
        pool: of outputs.

    Raises:
        SabotageError: if a model has no regression gate with a baseline that can be used, or its rival is missing.
        BaselineError: if a baseline is damaged, or there are only such of other data.
    """

    def __init__(
        self,
        models: Mapping[str, Model],
        data: Sequence[TaskData],
        metrics: Mapping[str, Metric],
        baselines: Path,
        pool: Pool,
    ):
        self.data = {one.task.name: one for one in data}
        narrowed = {name: model.narrowed(lambda task: task.name in self.data) for name, model in models.items()}
        self._metrics, self._pool = metrics, pool
        known = {name: model for name, model in narrowed.items() if model is not None}
        self.claims = [
            Claim(name, gate, rule)
            for name, model in known.items()
            for gate in model.gates
            if isinstance(gate, Gate) and not gate.disturbances  # outputs that are kept are of the test split as it is
            if (rule := gate.rule(self.data[gate.task.name].dataset.profile)) is not None
        ]
        by = slicings(self.claims)
        self._truths = {name: Truth.of(one, by.get(name, ())) for name, one in self.data.items()}
        self._check_needs(known)
        self.baselines = self._read(baselines)
        self.models = {name: self._settled(model) for name, model in known.items()}
        self._own = {name: [claim for claim in self.claims if claim.model == name] for name in self.models}
        for name in self.models:
            self._check_gates(name)
        self._unchanged = {(model, task): self._as_it_is(model, task) for model, task in needs(self.claims)}
        self._check_project()

    def replay(self, name: str | None = None) -> Replay:
        """Runs in which the gates of one model are judged, those of the others being as certain; of all, for None."""
        claims = self.claims if name is None else self._own[name]
        return Replay(claims, self._truths, self._metrics, environment())

    @property
    def stochastic(self) -> list[str]:
        """The names of the models whose seeds differ."""
        return [name for name, model in self.models.items() if model.stochastic]

    def tasks(self, name: str) -> list[str]:
        """The names of a model's tasks."""
        return [task.name for task in self.models[name].tasks]

    def sound(self, name: str, task: str, seeds: Sequence[int]) -> list[Evaluation]:
        """What a model gives as it is, by seed.

        Raises:
            SabotageError: if it fails with one: what is not sound shows nothing.
        """
        given = self._pool.runs(self.models[name], self.data[task], None, seeds)
        found = [one for one in given if isinstance(one, Evaluation)]
        if len(found) < len(given):
            raise SabotageError(
                f"{name} on {task}",
                found=f"that it fails as it is ({next(one for one in given if isinstance(one, str))})",
                expected="a model that can be fitted with any seed",
                next_step="mend it, or leave it out",
            )
        return found

    def changed(self, name: str, defect: Defect, size: Size) -> Trial:
        """Plant a change in a model, measure its effect on some seeds, and have runs with others judged.

        Raises:
            SabotageError: if the change can't be planted, or the model is not sound as it is.
        """
        model = self.models[name]

        def given(data: TaskData, seeds: Sequence[int]) -> list[Given] | None:
            return self._pool.runs(model, data, defect, seeds) if defect.applies(model, data) else None

        return self._trial((defect.family, defect.name, defect.severity, name), given, size)

    def elsewhere(self, name: str, pool: Pool, size: Size) -> Trial:
        """The same for what a model gives, as it is, in the environment of a foreign pool.

        Raises:
            SabotageError: if that pool lacks a seed, or the model is not sound here.
        """

        def given(data: TaskData, seeds: Sequence[int]) -> list[Given]:
            return pool.runs(self.models[name], data, None, seeds)

        return self._trial((CONTROL, ELSEWHERE, pool.whence, name), given, size)

    def _trial(
        self,
        about: tuple[str, str, str, str],
        given: Callable[[TaskData, Sequence[int]], Sequence[Given] | None],
        size: Size,
    ) -> Trial:
        """A trial of a change.

        Args:
            about: its family, name and severity, and the model's name.
            given: what the changed model gives on a task, by seed; None where the change does not apply.
            size: how much is tried.
        """
        name, effects = about[-1], list[Effect]()
        outputs: dict[Key, Sequence[Given]] = {}
        held_out, judged = size.seeds
        broken: list[str] = []
        for task in self.tasks(name):
            after, candidates = given(self.data[task], held_out), given(self.data[task], judged)
            if after is None or candidates is None:
                outputs[name, task] = self.sound(name, task, judged)
                continue
            outputs[name, task] = candidates
            effects += self._effects(name, task, self.sound(name, task, held_out), after)
            broken += [one for one in (*after, *candidates) if isinstance(one, str)]
        return self._judged(about, effects, outputs, broken, size.runs if self.models[name].stochastic else 1)

    def _effects(self, name: str, task: str, before: Sequence[Evaluation], after: Sequence[Given]) -> list[Effect]:
        """Of each metric on a task that a regression gate judges, over the seeds that did not fail."""
        truth = self._truths[task]
        pairs = [(a.outputs, b.outputs) for a, b in zip(before, after, strict=True) if isinstance(b, Evaluation)]
        found = []
        for claim, gate in self._regressions(name, task) if pairs else ():
            metric = truth.own(self._metrics[gate.metric])
            values = [[metric.value(truth.target, one) for one in pair] for pair in pairs]
            worse = np.array([metric.lead(sound, changed) for sound, changed in values])
            low, high = mean_interval(worse) if len(worse) > 1 else (None, None)
            sizes = (gate.margin_on(truth.profile), float(worse.mean()), low, high, len(worse))
            found.append(Effect(task, claim.rule, metric.title, metric.unit, *sizes))
        return found

    def _judged(
        self,
        about: tuple[str, str, str, str],
        effects: list[Effect],
        outputs: Mapping[Key, Sequence[Given]],
        broken: Sequence[str],
        runs: int,
    ) -> Trial:
        name, rng = about[-1], np.random.default_rng(0)
        replay, counted = self.replay(name), Tally()
        for _ in range(runs):
            order = rng.permutation(max(map(len, outputs.values())))
            drawn = {key: [several[i] for i in order] for key, several in outputs.items()}
            given, seeds = self.beside(drawn)
            counted.add(replay.run(given, seeds, self.baselines), name)
        gates = [Outcomes(claim.gate.task.name, claim.rule, *counted.of(claim)) for claim in replay.claims]
        counts = (counted.runs, counted.caught, counted.noticed, counted.inconclusive)
        mean = counted.seeds / counted.runs
        return Trial(*about, effects, gates, *counts, mean, len(broken), broken[0] if broken else None)

    def beside(
        self, outputs: Mapping[Key, Sequence[Given]]
    ) -> tuple[dict[Key, Sequence[Given]], dict[Key, Sequence[int]]]:
        """Outputs of some models, and of all others what they give untouched, with the seeds of that."""
        others = {key: runs for key, runs in self._unchanged.items() if key not in outputs}
        seeds = {key: self.baselines[key].about.seeds for key in others if key in self.baselines}
        return {**others, **outputs}, dict(seeds)

    def _regressions(self, name: str, task: str) -> list[tuple[Claim, NoRegression]]:
        own = ((claim, claim.gate) for claim in self._own[name] if claim.gate.task.name == task)
        return [(claim, gate) for claim, gate in own if isinstance(gate, NoRegression) and gate.by is None]

    def _read(self, directory: Path) -> dict[Key, Baseline]:
        """The baselines that the gates hold models to."""
        found: dict[Key, Baseline] = {}
        for need in dict.fromkeys(need for claim in self.claims for need in claim.gate.baselines(claim.model)):
            baseline = sound_baseline(directory, need.model, need.task, self._truths[need.task])
            if baseline is not None:
                found[need.model, need.task] = baseline
        return found

    def _settled(self, model: Model) -> Model:
        """A model that says whether it is stochastic: its baselines show it where its author does not."""
        own = [baseline for (name, _), baseline in self.baselines.items() if name == model.name]
        if model.stochastic is not None or not own:
            return model
        return replace(model, stochastic=any(len(baseline.predictions) > 1 for baseline in own))

    def _check_needs(self, models: Mapping[str, Model]) -> None:
        for claim in self.claims:
            for need in needs([claim]):
                if need.model not in models or need.task not in self.data:
                    raise SabotageError(
                        f"{claim.model}'s gate {claim.rule}",
                        found=f"a need of {need.model} on {need.task}, which takes no part",
                        expected=f"a gate on models that take part, on {', '.join(self.data)}",
                        next_step=f"have {need.model} take part, or leave {claim.model} out",
                    )

    def _check_gates(self, name: str) -> None:
        held = [task for task in self.tasks(name) if self._regressions(name, task)]
        lacking = [task for task in held if (name, task) not in self.baselines]
        if held and not lacking:
            return
        raise SabotageError(
            f"{name} on {lacking[0]}" if lacking else name,
            found="no baseline" if lacking else "no regression gate",
            expected="a NoRegression gate, and a baseline of this data",
            next_step="declare the gate and bless a run, or leave the model out",
        )

    def _check_project(self) -> None:
        """Refuse a project that fails by itself: a change that it fails would show nothing."""
        given, seeds = self.beside({})
        verdicts = self.replay().run(given, seeds, self.baselines).verdicts
        failed = next((verdict for verdict in verdicts if verdict.outcome is Outcome.FAIL), None)
        if failed is not None:
            raise SabotageError(
                f"{failed.model} on {failed.task}",
                found=f"that {failed.gate} fails as it is ({failed.message})",
                expected="a project whose gates pass",
                next_step="mend it, or leave the model out",
            )

    def _as_it_is(self, name: str, task: str) -> Sequence[Given]:
        """What a model gives where nobody touches it: the outputs of its baseline, or of a fit where it has none."""
        baseline, truth = self.baselines.get((name, task)), self._truths[task]
        if baseline is None:
            return self.sound(name, task, [HELD_OUT])
        own = [truth.own(self._metrics[metric]) for metric in self.data[task].task.metric_names]
        return evaluations_of(baseline, own, truth.target)


class Tally:
    """What runs concluded, counted.

    Attributes:
        runs: how many.
        caught, noticed, inconclusive: of these, as `Trial` has them.
        seeds: that they took, all together, each on the task where it took most.
    """

    def __init__(self) -> None:
        self.runs = self.caught = self.noticed = self.inconclusive = self.seeds = 0
        self._of: dict[tuple[str, str, str], list[int]] = {}

    def add(self, ran: Ran, name: str | None = None) -> None:
        """Count a run; seeds are those of one model, or of all for None."""
        failed = [verdict for verdict in ran.verdicts if verdict.outcome is Outcome.FAIL]
        unsure = [verdict for verdict in ran.verdicts if verdict.outcome is Outcome.INCONCLUSIVE]
        self.runs += 1
        self.caught += bool(failed)
        self.noticed += bool(failed) or any(verdict.gained for verdict in ran.verdicts)
        self.inconclusive += bool(unsure) and not failed
        self.seeds += max(count for key, count in ran.seeds.items() if name in (None, key[0]))
        for verdict in ran.verdicts:
            counts = self._of.setdefault((verdict.model, verdict.task, verdict.gate), [0, 0, 0, 0])
            outcomes = (Outcome.FAIL, Outcome.PASS, Outcome.INCONCLUSIVE)
            for i, hit in enumerate([*(verdict.outcome is one for one in outcomes), bool(verdict.gained)]):
                counts[i] += hit

    def of(self, claim: Claim) -> tuple[int, int, int, int]:
        """How often a claim failed, passed, was inconclusive, and was suspected of a leak."""
        failed, passed, unsure, suspected = self._of[claim.key]
        return failed, passed, unsure, suspected
