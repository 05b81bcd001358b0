"""A session on 100,000 test rows of 200 features and 20 classes: judged on three metrics, and reported."""

import resource
import subprocess
import sys

import pytest

from fitgate.cli import main

CONFTEST = """
import numpy as np
from sklearn.naive_bayes import GaussianNB
from fitgate import Dataset, Floor, Model, NoRegression, Task

def rows():
    rng = np.random.default_rng(0)
    means, y = rng.normal(scale=0.25, size=(20, 200)), rng.integers(20, size=110_000)
    return (means[y] + rng.normal(size=(110_000, 200))).astype(np.float32), y

ROWS = Task("rows", Dataset.from_sklearn(rows, test_size=100_000), metrics=("accuracy", "macro_f1", "log_loss"))
GATES = [gate for metric, floor, margin in (("accuracy", 0.9, 0.01), ("macro_f1", 0.9, 0.01), ("log_loss", 0.3, 0.02))
         for gate in (Floor(ROWS, metric, floor), NoRegression(ROWS, metric, margin=margin))]

def pytest_fitgate_models():
    return [Model("bayes", lambda seed: GaussianNB(var_smoothing={smoothing}), gates=GATES, stochastic=False)]
"""


@pytest.mark.benchmark(group="a session on 100,000 rows")
def test_a_session_on_many_rows(benchmark, pytester, monkeypatch):
    """The model differs a little from its baseline, so that each regression gate tests all rows."""
    pytester.makepyfile(test_models="from fitgate.checks import *")
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not latency", "-p", "no:cacheprovider"]
    run = {"cwd": pytester.path, "capture_output": True, "text": True}
    pytester.makeconftest(CONFTEST.format(smoothing=1e-9))
    subprocess.run(command, **run)
    monkeypatch.chdir(pytester.path)
    assert main(["bless", "--yes"]) == 0
    pytester.makeconftest(CONFTEST.format(smoothing=1e-2))
    result = benchmark.pedantic(subprocess.run, (command,), run, rounds=1)
    assert "fitgate: PASS: all 6 gates passed" in result.stdout, result.stdout + result.stderr
    benchmark.extra_info["peak, MiB"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
