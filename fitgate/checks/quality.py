"""Tests of quality: every gate holds, every test example is answered, by every seed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fitgate.data import Dataset
from fitgate.gates import Gate, Verdict
from fitgate.model import Model
from fitgate.plugin.trained import TrainedModel
from fitgate.tasks import Task

Trained = Callable[[Model], TrainedModel]
DataOf = Callable[[Task], Dataset]


def test_every_test_example_has_a_prediction(model: Model, task: Task, trained: Trained, data_of: DataOf) -> None:
    """Every model answers for every test example, on every task it has."""
    evaluation = trained(model).evaluation(task)
    found, expected = (evaluation.n, len(evaluation.predictions)), len(data_of(task).tested)
    assert found == (expected, expected), f"{found[1]} predictions for {found[0]} examples, expected {expected}"


def test_the_training_data_is_the_session_s(model: Model, task: Task, trained: Trained, data_of: DataOf) -> None:
    """Every fit was on the data that the gates speak of; of a model that was trained elsewhere, nobody knows."""
    if not model.is_trained:
        pytest.skip(f"{model.name} was not trained here")
    found, expected = trained(model).on(task).fit.data_digest, data_of(task).digest
    assert found == expected, f"fitted on data of SHA-256 {found}, expected {expected}"


def test_gate(model: Model, gate: Gate, trained: Trained, judge: Callable[[TrainedModel, Gate], Verdict]) -> None:
    """Every model holds to every gate that it declares."""
    verdict = judge(trained(model), gate)
    if not verdict.passed:
        pytest.fail(verdict.failure, pytrace=False)


def test_seed(model: Model, task: Task, seed: int, trained: Trained, data_of: DataOf) -> None:
    """Every model trains with each of the seeds of `--fit-seeds`."""
    run = trained(model).seed_run(task, seed)
    assert run.evaluation.n == len(run.evaluation.predictions) == len(data_of(task).tested), "not one answer an example"
    assert run.fit.seed == seed, f"trained with seed {run.fit.seed}, expected {seed}"
