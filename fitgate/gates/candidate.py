"""Candidates: the runs of a model that may become its baseline, or a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.gates.baseline import ranks_of
from fitgate.gates.errors import BaselineError
from fitgate.gates.evidence import Truth
from fitgate.gates.soundness import is_finite
from fitgate.metrics import Metric
from fitgate.runs import Evaluation, SeedRun, same_output


@dataclass(frozen=True)
class Candidate:
    """The runs of a model on a task that may become its baseline.

    Attributes:
        runs: one a seed; of a deterministic model, one.
        stochastic: whether the seed changes what the model learns; None where its author does not say.
        truth: of the task.
        metrics: what its gates read, as they are on the task's classes.
    """

    runs: Sequence[SeedRun]
    stochastic: bool | None
    truth: Truth
    metrics: Sequence[Metric]

    @property
    def subject(self) -> str:
        """Which model on which task, in words."""
        return f"{self.runs[0].fit.model} on {self.runs[0].fit.task}"

    def whole(self, least_seeds: int) -> Sequence[SeedRun]:
        """The runs that become a baseline: all, or the first where the seed was found to change nothing.

        Raises:
            BaselineError: if there are too few, to judge by or to know whether seeds matter, they computed on unlike
                devices, or one has an output that is not finite, or no labels or numbers.
        """
        runs, stochastic = self.runs, self.stochastic
        if same_output([run.evaluation for run in runs]):
            runs, stochastic = runs[:1], False
        elif stochastic is None:
            if len(runs) == 1:
                raise BaselineError(
                    self.subject,
                    found="one seed, of a model that does not say whether its seed changes what it learns",
                    expected="two seeds or more, which show it",
                    next_step=f"run pytest with --fit-seeds={max(least_seeds, 2)}, which trains just two if the seed "
                    "changes nothing, or declare stochastic=False",
                )
            stochastic = True
        if stochastic and len(runs) < least_seeds:
            raise BaselineError(
                self.subject,
                found=f"{len(runs)} seeds",
                expected=f"{least_seeds} or more",
                next_step=f"run pytest with --fit-seeds={least_seeds}, or give --least-seeds",
            )
        self.check(runs)
        return runs

    def check(self, runs: Sequence[SeedRun]) -> None:
        """Refuse runs that can't be kept together.

        Raises:
            BaselineError: if they computed on unlike devices or machines, or one has an output that is not finite, or
                no labels or numbers, or by which a metric of the gates has no value.
        """
        if len(executions := sorted({run.fit.execution for run in runs})) > 1:
            raise BaselineError(
                self.subject,
                found=f"seeds that computed {' and '.join(words or '(not said)' for words in executions)}",
                expected="all of them alike: on other devices, the same seed gives other last digits",
                next_step="run them all with --fit-backend, or all without",
            )
        if moved := next((run for run in runs if run.fit.elsewhere or run.evaluation.elsewhere), None):
            differs = moved.fit.elsewhere or moved.evaluation.elsewhere
            raise BaselineError(
                f"{self.subject}, seed {moved.fit.seed}",
                found=f"a worker unlike the session's own environment: {'; '.join(differs)}",
                expected="seeds of one environment, of which the baseline keeps a description",
                next_step="run them on workers like the machine that pytest runs on",
            )
        labels = np.unique(self.truth.target)
        for run in runs:
            where = f"{self.subject}, seed {run.fit.seed}"
            for name, array in run.evaluation.outputs._asdict().items():
                if fault := _fault(array, labels):
                    raise BaselineError(
                        where,
                        found=f"{name} with {fault}",
                        expected="finite numbers, or labels",
                        next_step="mend the model, and run it again",
                    )
            for metric in self.metrics:
                _check_value(where, metric, self.truth, run.evaluation)


def _fault(array: NDArray[Any] | None, labels: NDArray[Any]) -> str | None:
    """Why an output can't be kept; None where it can."""
    if not is_finite(array, labels):
        return "a NaN or an infinite number"
    if array is not None and array.dtype.kind not in "biufUSOT":
        return f"elements of dtype {array.dtype}"
    return None


def _check_value(where: str, metric: Metric, truth: Truth, evaluation: Evaluation) -> None:
    """Refuse a metric that has no value, or another one on what a baseline keeps of the outputs."""
    outputs = evaluation.outputs
    kept = outputs if outputs.scores is None else outputs._replace(scores=ranks_of(outputs.scores).astype(np.float64))
    value, again = (metric.value(truth.target, some) for some in (outputs, kept))
    if not np.isfinite(value):
        raise BaselineError(
            where,
            found=f"no {metric.title} ({evaluation.missing.get(metric.name, 'it is not a finite number')})",
            expected="a value for each seed",
            next_step="let the gate read another metric, or mend the model",
        )
    if not np.isclose(value, again, rtol=1e-9, atol=1e-12):
        raise BaselineError(
            where,
            found=f"a {metric.title} of {metric.shown(value)}, and {metric.shown(again)} by the scores' ranks",
            expected="a metric that depends on the order of scores alone: a baseline keeps nothing else of them",
            next_step="let the gate read a metric of probabilities or predictions",
        )
