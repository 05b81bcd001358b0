"""Substitution: a model's gates judged by what an engine answers in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from fitgate.errors import FitgateError
from fitgate.gates import (
    Baseline,
    BaselineError,
    Claim,
    Evidence,
    Gate,
    Need,
    Outcome,
    Truth,
    Verdict,
    Waiver,
    find_baseline,
    judge,
    needs,
    slicings,
)
from fitgate.gates.evidence import Key
from fitgate.machine import environment
from fitgate.model import Model
from fitgate.plugin.options import Options
from fitgate.plugin.registry import Registry
from fitgate.runs import Evaluation, Evaluator, Fit, ModelFailed


class Judged(NamedTuple):
    """What an engine's answers came to.

    Attributes:
        verdicts: of the model's gates on its timed task, as if the model had given these answers.
        lost: the gates that fail so, and don't by the model's own answers.
    """

    verdicts: list[Verdict]
    lost: list[str]


class Substitution:
    """Judges a model's gates twice, by its own answers and by others in their place, of one seed and else alike.

    So what the session knows of further seeds changes neither: they are not the engine's.

    Args:
        registry: the session's models and metrics.
        options: what is in force.
        evaluator: serves the outputs of other models that gates compare with.
        waivers: the failures that are accepted.
    """

    def __init__(
        self,
        registry: Registry,
        options: Options,
        evaluator: Callable[[], Evaluator],
        waivers: Callable[[], Sequence[Waiver]],
    ):
        self._registry, self._options, self._evaluator, self._waivers = registry, options, evaluator, waivers

    def judged(self, model: Model, fit: Fit, native: Evaluation, answered: Evaluation) -> Judged:
        """Judge the gates on the timed task, but those that ask about disturbed examples: no engine is asked these.

        With cross-validation there is nothing to judge: an engine serves the model of the first fold alone.

        Args:
            model: as it takes part.
            fit: of its estimator.
            native: what it gave for the test split.
            answered: what the engine gave.
        """
        data = self._registry.data_of(model.timed_task)
        claims = [
            Claim(model.name, gate, rule)
            for gate in model.gates
            if isinstance(gate, Gate) and gate.task == model.timed_task and not gate.disturbances
            if (rule := gate.rule(data.dataset.profile))
        ]
        if not claims or data.dataset.folds is not None:
            return Judged([], [])
        before, after = (judge(claims, self._evidence(model, fit, one, claims)) for one in (native, answered))
        settings = self._options.settings.judge
        failing = {Outcome.FAIL: True, Outcome.INCONCLUSIVE: settings.strict}
        failing[Outcome.NO_BASELINE] = settings.require_baseline
        pairs = zip(before.verdicts, after.verdicts, strict=True)
        lost = [b.gate for a, b in pairs if failing.get(b.outcome) and not failing.get(a.outcome)]
        return Judged(after.verdicts, lost)

    def _evidence(self, model: Model, fit: Fit, evaluation: Evaluation, claims: Sequence[Claim]) -> Evidence:
        own, settings = Need(model.name, model.timed_task.name), self._options.settings.judge
        runs: dict[Key, Sequence[Evaluation]] = {own: [evaluation]}
        missing: dict[Key, str] = {}
        for need in needs(claims):
            if need != own:
                try:
                    runs[need] = [self._other(need)]
                except ModelFailed as error:
                    missing[need] = str(error)
                except LookupError as error:
                    missing[need] = str(error.args[0])
        by = slicings(claims)
        data = {name: self._registry.data_of(self._registry.tasks[name]) for _, name in runs}
        return Evidence(
            truths={name: Truth.of(of_task, by.get(name, ())) for name, of_task in data.items()},
            metrics=self._registry.metrics,
            settings=msgspec.structs.replace(settings, seeds=1, most_seeds=1, confirm=False),
            environment=environment(self._registry.libraries),
            runs=runs,
            missing=missing,
            baselines=self._baselines(claims),
            seeds={own: [fit.seed]},
            executions={own: fit.execution} if fit.execution else {},
            waivers=self._waivers(),
            today=datetime.now(UTC).date(),
        )

    def _other(self, need: Need) -> Evaluation:
        """What another model gave for its test split."""
        model = self._registry.known_models.get(need.model)
        task = model.task(need.task) if model else None
        if model is None or task is None:
            raise LookupError(f"no plugin contributes a model {need.model!r} on {need.task}")
        if reason := self._registry.unavailable(model):
            raise LookupError(reason)
        return self._evaluator().evaluation(model, task)

    def _baselines(self, claims: Sequence[Claim]) -> dict[Key, Baseline | FitgateError]:
        """What the gates are held to, as far as there is any."""
        found: dict[Key, Baseline | FitgateError] = {}
        for need in {need for claim in claims for need in claim.gate.baselines(claim.model)}:
            if need.task in self._registry.tasks:
                dataset = self._registry.data_of(self._registry.tasks[need.task]).dataset
                try:
                    baseline = find_baseline(self._options.baselines, dataset.profile, *need, dataset.digest)
                except BaselineError as error:
                    found[need] = error
                else:
                    if baseline is not None:
                        found[need] = baseline
        return found
