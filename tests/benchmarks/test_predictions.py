"""Judging 10,000 rows of predictions, with the probabilities of ten classes: reading them, and a whole session."""

import csv
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from fitgate import Dataset, Floor, Model, NoRegression, Task
from fitgate.gates import Truth, judge
from fitgate.runs import evaluate, train
from fitgate.tasks import TaskData, known_metrics
from tests.evidence import claim, evidence

ROWS, CLASSES = 10_000, 10
LABELS = np.random.default_rng(0).integers(0, CLASSES, ROWS)
TASK = Task("digits", Dataset.of_test_split("ten", LABELS), metrics=("accuracy", "macro_f1", "log_loss"))
GATES = (
    Floor(TASK, "accuracy", 0.8),
    Floor(TASK, "macro_f1", 0.8),
    Floor(TASK, "log_loss", 0.9),
    NoRegression(TASK, "accuracy", 0.01),
)
PROJECT = """
from fitgate import Model
from tests.benchmarks.test_predictions import GATES
def pytest_fitgate_models():
    return [Model("theirs", predictions="theirs.csv", gates=GATES)]
"""


@pytest.fixture
def file(project):
    path = project.path / "theirs.csv"
    logits = np.random.default_rng(1).normal(size=(ROWS, CLASSES))
    logits[np.arange(ROWS), LABELS] += 4
    likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    with path.open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["id", "label", "prediction", *(f"probability:{i}" for i in range(CLASSES))])
        writer.writerows(
            zip(range(ROWS), LABELS.tolist(), likely.argmax(axis=1).tolist(), *likely.T.tolist(), strict=True)
        )
    return path


@pytest.mark.benchmark(group="10,000 rows")
def test_judging(benchmark, file):
    model = Model("theirs", predictions=file, gates=GATES)
    metrics = known_metrics([TASK])

    def judged():
        data = TaskData(TASK, TASK.dataset)
        found = evaluate(train(model, data, 0), data, metrics)
        seen = replace(evidence({("theirs", "digits"): found}), truths={"digits": Truth.of(data)})
        return judge([claim("theirs", gate) for gate in GATES[:3]], seen)

    verdicts = benchmark.pedantic(judged, rounds=3).verdicts
    assert {str(v.outcome) for v in verdicts} == {"PASS"}


@pytest.mark.benchmark(group="10,000 rows")
def test_a_session(benchmark, project, file):
    project.pytester.makeconftest(PROJECT)
    project.pytester.makepyfile(test_gates="from fitgate.checks import test_gate")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run = {"cwd": project.path, "capture_output": True, "text": True}
    result = benchmark.pedantic(subprocess.run, (command,), run, rounds=3)
    assert "fitgate: PASS" in result.stdout, result.stdout + result.stderr
