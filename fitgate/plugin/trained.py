"""A model as tests see it: fitted once a session, on first use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fitgate.model import Model
from fitgate.plugin.seeds import Seeds
from fitgate.runs import Evaluation, Evaluator, SeedRun, Trained
from fitgate.tasks import Task


@dataclass(frozen=True)
class TrainedModel:
    """A model's fitted estimators, one for each of its tasks, each made on first use.

    Attributes:
        model: the model.
        evaluator: what fits and evaluates it.
        seeds: what it is built with.
        check: skips a test that asks for a task which does not take part.
    """

    model: Model
    evaluator: Evaluator
    seeds: Seeds
    check: Callable[[Task], None]

    def on(self, task: Task) -> Trained:
        """The estimator fitted on a task, with its provenance.

        Raises:
            ModelFailed: if fitting failed, now or before.
        """
        self.check(task)
        return self.evaluator.trained(self.model, task)

    def evaluation(self, task: Task) -> Evaluation:
        """What it makes of the test split, with metrics.

        Raises:
            ModelFailed: if fitting or predicting failed, now or before.
        """
        self.check(task)
        return self.evaluator.evaluation(self.model, task)

    def seed_run(self, task: Task, seed: int) -> SeedRun:
        """The model trained with one of the seeds of `--fit-seeds`, and evaluated; skips the test of a seed too many.

        Raises:
            ModelFailed: if fitting or predicting failed, now or before.
        """
        self.check(task)
        seeds = self.seeds.all(self.model, task)
        if self.model.stochastic is None and not self.evaluator.is_wanted(self.model, task, seed, seeds):
            pair = " and ".join(map(str, seeds[:2]))
            pytest.skip(f"{self.model.name} is deterministic on {task.name}: seeds {pair} gave the same output")
        return self.evaluator.seed_run(self.model, task, seed, seeds)
