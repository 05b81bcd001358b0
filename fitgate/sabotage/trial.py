"""Trials: a model with a defect, or without one, put before its own gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from fitgate.data import Dataset
from fitgate.gates.baseline import Baseline, baseline_file, read_baseline
from fitgate.gates.gates import Evidence, Gate, Outcome
from fitgate.gates.regression import NoRegression
from fitgate.model import Model
from fitgate.runs.evaluation import Evaluation, Evaluator
from fitgate.runs.once import Once
from fitgate.runs.training import ModelFailed
from fitgate.sabotage.defects import Defect, Spoiled
from fitgate.tasks import DIGITS, Task


class Trial(msgspec.Struct, frozen=True):
    """What the gates said of a model.

    Attributes:
        family, defect, severity: what was planted; `control` and empty for none.
        model: its name.
        seeds: it was trained with.
        effect: by how much its accuracy on the ten digits truly fell, as 0.01: the mean over the seeds, against the
            baseline's; None if it has none, because it failed outright.
        margin: the fall that the regression gate answers for.
        caught_by: the gates that failed it.
        inconclusive: the gates that could not tell.
        suspected: the gates that called it better than chance explains.
        error: what it raised, if it did.
    """

    family: str
    defect: str
    severity: str
    model: str
    seeds: list[int]
    effect: float | None
    margin: float
    caught_by: list[str]
    inconclusive: list[str]
    suspected: list[str] = []
    error: str | None = None

    @property
    def due(self) -> bool:
        """Whether the gates answer for such an effect: of a fall as large as the margin, or of failing outright."""
        return self.effect is None or self.effect >= self.margin


class Court:
    """The gates of all models on the ten digits, with their baselines.

    Args:
        models: by name.
        dataset: the data.
        baselines: the directory.

    Raises:
        LookupError: if a model has no baseline, or no regression gate.
    """

    def __init__(self, models: dict[str, Model], dataset: Dataset, baselines: Path):
        self._models = models
        self._dataset = dataset
        self._baselines: dict[str, Baseline] = {}
        self._gates: dict[str, NoRegression] = {}
        for name, model in models.items():
            baseline = read_baseline(baseline_file(baselines, dataset.profile, name, DIGITS.name))
            gate = next((g for g in model.gates if isinstance(g, NoRegression) and g.task is DIGITS), None)
            if baseline is None or gate is None:
                missing = "baseline" if gate else "NoRegression gate"
                raise LookupError(
                    f"{name} has no {missing} on {DIGITS.name}, expected one; see the README on baselines"
                )
            self._baselines[name], self._gates[name] = baseline, gate

    def margin(self, name: str) -> float:
        """The fall that a model's regression gate answers for."""
        margin = self._gates[name].margin(self._dataset.profile)
        assert margin is not None, "a model with a baseline has a margin"
        return margin

    def try_model(self, name: str, defect: Defect, seeds: Sequence[int]) -> Trial:
        """Train a model with each seed and with a defect, and let its gates judge it."""
        model, about = self._models[name], (defect.family, defect.name, defect.severity)
        build = model.build
        model = replace(model, build=lambda seed: Spoiled(build(seed), defect, seed, self._dataset.test))
        seeds = seeds if model.stochastic else seeds[:1]
        try:
            runs = self._train(model, seeds)
        except ModelFailed as error:
            return Trial(*about, name, list(seeds), None, self.margin(name), ["failed outright"], [], error=str(error))
        return self._judge(name, about, seeds, runs)

    def try_clean(self, name: str, seeds: Sequence[int]) -> tuple[list[Trial], Trial]:
        """Train a clean model with each seed: what its gates say of each alone, and of all together."""
        runs, about = self._train(self._models[name], seeds), ("control", "fresh seeds", "")
        alone = [self._judge(name, about, [seed], [run]) for seed, run in zip(seeds, runs, strict=True)]
        return alone, self._judge(name, about, seeds, runs)

    def _train(self, model: Model, seeds: Sequence[int]) -> list[Evaluation]:
        return Evaluator(self._dataset, seeds[0], Once(), seeds=seeds).runs(model, DIGITS)

    def _judge(self, name: str, about: tuple[str, str, str], seeds: Sequence[int], runs: list[Evaluation]) -> Trial:
        evidence = self._evidence(name, runs)
        verdicts = [
            (rule, gate.judge(name, evidence))
            for gate in self._gates_of(self._models[name])
            if (rule := gate.rule(self._dataset.profile))
        ]
        truth = DIGITS.target(self._dataset.test.labels)
        before = np.mean(self._baselines[name].predictions == truth)
        now = np.mean([run.predictions == truth for run in runs])
        return Trial(
            *about,
            model=name,
            seeds=list(seeds),
            effect=float(before - now),
            margin=self.margin(name),
            caught_by=[rule for rule, verdict in verdicts if verdict.outcome is Outcome.FAIL],
            inconclusive=[rule for rule, verdict in verdicts if verdict.outcome is Outcome.INCONCLUSIVE],
            suspected=[rule for rule, verdict in verdicts if verdict.gained],
        )

    def _gates_of(self, model: Model) -> list[Gate]:
        return [gate for gate in model.gates if gate.task is DIGITS]  # type: ignore[misc]

    def _evidence(self, name: str, runs: list[Evaluation]) -> Evidence:
        """The model's runs; of all others, whose false alarms count too, seeds of their baselines."""

        def runs_of(other: str, task: Task) -> list[Evaluation]:
            if other == name:
                return runs
            baseline = self._baselines[other]
            return [replace_predictions(runs[0], predictions) for predictions in baseline.predictions[: len(runs)]]

        return Evidence(
            self._dataset,
            lambda other, task: runs_of(other, task)[0],
            runs_of,
            lambda other, task: self._baselines[other],
            tuple(self._gates.items()),
        )


def replace_predictions(evaluation: Evaluation, predictions: np.ndarray) -> Evaluation:
    """An evaluation with other predictions."""
    return msgspec.structs.replace(evaluation, predictions=predictions)
