"""Judging 500 gates of 100 models on given outputs, and collecting their tests."""

import subprocess
import sys

import numpy as np
import pytest

from fitgate import Above, Floor, NoRegression
from fitgate.gates import judge
from tests.evidence import baseline, claim, evaluation, evidence, wrong
from tests.fakes import DIGITS, FIVES, LABELS

MODELS = [f"m{i}" for i in range(100)]
GATES = (
    Floor(DIGITS, "accuracy", 0.8),
    NoRegression(DIGITS, "accuracy", 0.05),
    Floor(FIVES, "roc_auc", 0.8),
    Above(FIVES, "roc_auc", "m0"),
    NoRegression(FIVES, "roc_auc", 0.05),
)
PROJECT = """
from fitgate import *
from tests.benchmarks.test_judging import GATES, MODELS
def pytest_fitgate_models():
    return [Model(name, object, gates=GATES) for name in MODELS]
"""


def outputs():
    """Evaluations and baselines of 20 seeds, of both tasks, a little different for each model."""
    rng = np.random.default_rng(0)
    runs, baselines = {}, {}
    for name in MODELS:
        scores = [(LABELS == 5) + 0.2 * rng.normal(size=200) for _ in range(21)]
        for task, made in (
            (DIGITS, [evaluation(DIGITS, rng.permutation(wrong(10)), model=name) for _ in range(21)]),
            (FIVES, [evaluation(FIVES, s > 0.5, s, name) for s in scores]),
        ):
            runs[name, task.name], earlier = made[0], made[1:]
            baselines[name, task.name] = baseline(*earlier, task=task, model=name)
    return evidence(runs, baselines)


@pytest.mark.benchmark(group="500 gates of 100 models")
def test_judging(benchmark):
    claims = [claim(name, gate) for name in MODELS for gate in GATES]
    verdicts = benchmark.pedantic(judge, (claims, outputs()), rounds=1).verdicts
    assert len(verdicts) == 500


@pytest.mark.benchmark(group="500 gates of 100 models")
def test_collecting(benchmark, project):
    project.pytester.makeconftest(PROJECT)
    project.pytester.makepyfile(test_gates="from fitgate.checks import test_gate")
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    run = {"cwd": project.path, "capture_output": True, "text": True}
    result = benchmark.pedantic(subprocess.run, (command,), run, rounds=1)
    assert "500 tests collected" in result.stdout, result.stdout + result.stderr
