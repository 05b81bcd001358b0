"""Trials: models with a defect, or without one, judged by their own gates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fitgate.data import Dataset
from fitgate.gates import (
    Baseline,
    Claim,
    Evidence,
    Gate,
    JudgeSettings,
    Outcome,
    Truth,
    Verdict,
    find_baseline,
    judge,
    needs,
)
from fitgate.gates.seedwise import evaluations_of
from fitgate.gates.soundness import check_baseline
from fitgate.machine import environment
from fitgate.metrics import Metric, Outputs
from fitgate.model import Model
from fitgate.runs import Evaluation, Evaluator, ModelFailed, Once
from fitgate.sabotage.defect import CONTROL, Defect, DefectiveEstimator
from fitgate.sabotage.errors import SabotageError
from fitgate.sabotage.trial import Trial
from fitgate.tasks import Task, TaskData

Key = tuple[str, str]  # the names of a model and of a task


class Standard(NamedTuple):
    """What a model's regression gate holds it to.

    Attributes:
        metric: which it judges.
        margin: the fall that it answers for.
        before: the metric's mean over the baseline's seeds.
    """

    metric: Metric
    margin: float
    before: float


class Trials:
    """Trials of models on a task, each by all gates on it; the false alarms of all models' gates are counted together.

    Of the models that are not on trial, seeds of their baselines are judged.

    Args:
        models: by name; those that do not have the task are left out.
        task: on which they are tried.
        data: its dataset, of one profile.
        metrics: by name.
        baselines: the directory.

    Raises:
        SabotageError: if a model has no regression gate with a baseline that can be used, or its rival is missing.
        BaselineError: if a baseline is damaged, or there are only such of other data.
    """

    def __init__(
        self, models: Mapping[str, Model], task: Task, data: Dataset, metrics: Mapping[str, Metric], baselines: Path
    ):
        self.data = TaskData(task, data.on(None))
        self.models = {name: model for name, model in models.items() if model.task(task.name)}
        self._task = task
        self._metrics = metrics
        self._truth = Truth.of(self.data)
        self._environment = environment()
        self._claims = [
            Claim(name, gate, rule)
            for name, model in self.models.items()
            for gate in model.gates
            if isinstance(gate, Gate) and gate.task.name == task.name
            if (rule := gate.rule(self._truth.profile)) is not None
        ]
        self._check_needs()
        self._baselines = self._read(baselines)
        self._others = {key: self._as_evaluations(key[0], baseline) for key, baseline in self._baselines.items()}
        self.models = {name: self._settled(model) for name, model in self.models.items()}
        clean = self._verdicts({key: runs[:1] for key, runs in self._others.items()})
        self._standards = {name: self._standard(name, clean) for name in self.models}

    def defective(self, name: str, defect: Defect, seeds: Sequence[int]) -> Trial:
        """Train a model with each seed and with a defect, and have its gates judge it.

        Raises:
            SabotageError: if the defect can't be planted.
        """
        model, about = self.models[name], (defect.family, defect.name, defect.severity)
        build = model.build
        made_wrong = replace(model, build=lambda seed: DefectiveEstimator(build(seed), defect, seed, self.data))
        seeds = seeds if model.stochastic else seeds[:1]
        try:
            runs = self._train(made_wrong, seeds)
        except ModelFailed as error:
            if isinstance(error.__cause__, SabotageError):
                raise error.__cause__ from None
            return self._trial(about, name, seeds, None, ["failed outright"], error=str(error))
        return self._judged(about, name, seeds, runs)

    def clean(self, name: str, seeds: Sequence[int]) -> tuple[list[Trial], Trial]:
        """Train a clean model with each seed: what its gates conclude of each alone, and of all together."""
        runs, about = self._train(self.models[name], seeds), (CONTROL, "fresh seeds", "")
        alone = [self._judged(about, name, [seed], [run]) for seed, run in zip(seeds, runs, strict=True)]
        return alone, self._judged(about, name, seeds, runs)

    def _train(self, model: Model, seeds: Sequence[int]) -> list[Evaluation]:
        return Evaluator(lambda task: self.data, self._metrics, seeds[0], Once()).runs(model, self._task, seeds)

    def _judged(self, about: tuple[str, str, str], name: str, seeds: Sequence[int], runs: list[Evaluation]) -> Trial:
        others = {key: several[: len(runs)] for key, several in self._others.items()}
        verdicts = [v for v in self._verdicts({**others, (name, self._task.name): runs}) if v.model == name]
        metric, _, before = self._standards[name]
        effect = metric.lead(before, self._mean(metric, [run.outputs for run in runs]))
        return self._trial(
            about,
            name,
            seeds,
            effect if math.isfinite(effect) else None,
            caught_by=[v.gate for v in verdicts if v.outcome is Outcome.FAIL],
            inconclusive=[v.gate for v in verdicts if v.outcome is Outcome.INCONCLUSIVE],
            suspected=[v.gate for v in verdicts if v.gained],
        )

    def _trial(
        self,
        about: tuple[str, str, str],
        name: str,
        seeds: Sequence[int],
        effect: float | None,
        caught_by: list[str],
        inconclusive: Sequence[str] = (),
        suspected: Sequence[str] = (),
        error: str | None = None,
    ) -> Trial:
        metric, margin, _ = self._standards[name]
        found = (caught_by, list(inconclusive), list(suspected))
        return Trial(*about, name, list(seeds), effect, margin, *found, error, metric.title, metric.unit)

    def _verdicts(self, runs: Mapping[Key, Sequence[Evaluation]]) -> list[Verdict]:
        evidence = Evidence(
            truths={self._task.name: self._truth},
            metrics=self._metrics,
            settings=JudgeSettings(),
            environment=self._environment,
            runs=runs,
            baselines=dict(self._baselines),
        )
        return judge(self._claims, evidence).verdicts

    def _read(self, directory: Path) -> dict[Key, Baseline]:
        """The baselines that the gates on this task hold models to."""
        wanted = dict.fromkeys(need for claim in self._claims for need in claim.gate.baselines(claim.model))
        found: dict[Key, Baseline] = {}
        for model, task in (need for need in wanted if need.task == self._task.name):
            baseline = find_baseline(directory, self._truth.profile, model, task, self._truth.digest)
            if baseline is not None:
                check_baseline(baseline, model, task, self._truth)
                found[model, task] = baseline
        return found

    def _settled(self, model: Model) -> Model:
        """A model that says whether it is stochastic: its baseline shows it where its author does not."""
        baseline = self._baselines.get((model.name, self._task.name))
        if model.stochastic is not None or baseline is None:
            return model
        return replace(model, stochastic=len(baseline.predictions) > 1)

    def _check_needs(self) -> None:
        for claim in self._claims:
            for need in needs([claim]):
                if need.model not in self.models or need.task != self._task.name:
                    raise SabotageError(
                        f"{claim.model}'s gate {claim.gate.rule(self._truth.profile)}",
                        found=f"a need of {need.model} on {need.task}, which takes no part",
                        expected=f"a gate on models that take part, on {self._task.name}",
                        next_step=f"have {need.model} take part, or leave {claim.model} out",
                    )

    def _standard(self, name: str, clean: Sequence[Verdict]) -> Standard:
        """From the verdicts on the baselines' own outputs to what a model is held to."""
        held = [
            verdict
            for claim, verdict in zip(self._claims, clean, strict=True)
            if claim.model == name and claim.gate.baselines(name)
        ]
        baseline = self._baselines.get((name, self._task.name))
        for verdict in held:
            if verdict.margin is not None and baseline is not None:
                metric = self._truth.own(self._metrics[verdict.metric])
                return Standard(metric, verdict.margin, self._mean(metric, baseline.outputs))
        found = f"that {held[0].reason}" if held and baseline else "no baseline" if held else "no regression gate"
        raise SabotageError(
            f"{name} on {self._task.name}",
            found=found,
            expected="a NoRegression gate, and a baseline of this data",
            next_step="declare the gate and bless a run, or leave the model out",
        )

    def _mean(self, metric: Metric, outputs: Sequence[Outputs]) -> float:
        return float(np.mean([metric.value(self._truth.target, one) for one in outputs]))

    def _as_evaluations(self, name: str, baseline: Baseline) -> list[Evaluation]:
        """The seeds of a baseline, as if they had been trained now."""
        own = [self._truth.own(self._metrics[metric]) for metric in self._task.metric_names]
        return evaluations_of(baseline, own, self._truth.target)
