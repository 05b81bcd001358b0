"""Tampering: defects of the harness's own inputs, each to be refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

ROOT = Path(__file__).parents[2]
PLUGIN = '''
import numpy as np
from suite import DIGITS, FIVES, Floor, Model, NoRegression

class Nearest:
    """The nearest class mean: quick to fit."""
    def fit(self, X, y):
        self.classes = np.unique(y)
        self.means = np.array([X[y == c].mean(axis=0) for c in self.classes])
        return self
    def predict(self, X):
        return self.classes[((X[:, None, :] - self.means) ** 2).sum(axis=2).argmin(axis=1)]
    def decision_function(self, X):
        distances = ((X[:, None, :] - self.means) ** 2).sum(axis=2)
        return {score}

NEAREST = Model({name!r}, lambda seed: Nearest(), tasks=(DIGITS, FIVES), stochastic=False,
                gates=({gates}))
pytest_plugins = ["fitgate.plugin"]
def pytest_suite_models():
    return [NEAREST]
'''
GATES = 'Floor(DIGITS, "accuracy", quick=0.5), NoRegression(DIGITS), NoRegression(FIVES, "roc_auc", quick=0.05),'
EVALUATION = """
def test_evaluation(model, task, trained, dataset):
    assert trained(model).evaluation(task).n == len(dataset.test)
"""
GATE = """
def test_gate(model, gate, trained, judge):
    verdict = judge(trained(model), gate)
    assert verdict.passed, verdict.message
"""


class Tampering(msgspec.Struct, frozen=True):
    """What was tampered with, whether the session failed, and the line that says why."""

    what: str
    caught: bool
    told: str


class Bench:
    """A project with one quick model and its baseline, in a directory of its own."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.cache = directory / "cache"
        self.baselines = directory / "reports" / "baselines" / "quick"
        self.plugin()
        (directory / "test_gates.py").write_text(EVALUATION + GATE)
        (directory / "pytest.ini").write_text("[pytest]\n")
        self.run()
        (run,) = (directory / "reports" / "runs").iterdir()
        self._python("-m", "suite", "bless", str(run), "--yes")

    def plugin(
        self, name: str = "nearest", gates: str = GATES, score: str = "distances[:, 0] - distances[:, 1]"
    ) -> None:
        """Write the plugin."""
        (self.directory / "conftest.py").write_text(PLUGIN.format(name=name, gates=gates, score=score))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run its tests."""
        return self._python("-m", "pytest", "-p", "no:cacheprovider", *arguments)

    def _python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "DIGIT_BENCH_CACHE_DIR": str(self.cache)}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True)


def tamper() -> list[Tampering]:
    """Tamper with everything, one thing at a time."""
    results = []
    for what, how in TAMPERINGS.items():
        with tempfile.TemporaryDirectory() as directory:
            bench = Bench(Path(directory))
            clean = bench.run("--require-baseline")
            result = how(bench)
            lines = (result.stdout + result.stderr).splitlines()
            told = next((line for line in reversed(lines) if "digit-bench: FAIL" in line or "ERROR" in line), lines[-1])
            caught = clean.returncode == 0 and result.returncode != 0
            results.append(Tampering(what, caught, told.removeprefix("digit-bench: ").replace(directory, "...")))
    return results


def _nan(bench: Bench) -> subprocess.CompletedProcess[str]:
    bench.plugin(score="np.full(len(X), np.nan)")
    return bench.run("--require-baseline")


def _stale_cache(bench: Bench) -> subprocess.CompletedProcess[str]:
    (path,) = bench.cache.glob("*.npz")
    with np.load(path) as archive:
        arrays = dict(archive)
    first = next(name for name in arrays if arrays[name].ndim == 1)
    arrays[first] = np.roll(arrays[first], 1)
    np.savez(path, **arrays)
    return bench.run("--require-baseline")


def _edited_baseline(bench: Bench) -> subprocess.CompletedProcess[str]:
    path = bench.baselines / "nearest-digits.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["predictions"] = arrays["predictions"].copy()
    arrays["predictions"][0, :50] = 0
    np.savez(path, **arrays)
    return bench.run("--require-baseline")


def _wrong_file(bench: Bench) -> subprocess.CompletedProcess[str]:
    shutil.copy(bench.baselines / "nearest-fives.npz", bench.baselines / "nearest-digits.npz")
    return bench.run("--require-baseline")


def _no_gate(bench: Bench) -> subprocess.CompletedProcess[str]:
    bench.plugin(gates="")
    (bench.directory / "test_gates.py").write_text(EVALUATION)
    return bench.run("--require-baseline")


def _missing_model(bench: Bench) -> subprocess.CompletedProcess[str]:
    bench.plugin(name="other")
    return bench.run()


TAMPERINGS: dict[str, Callable[[Bench], subprocess.CompletedProcess[str]]] = {
    "a metric that is NaN": _nan,
    "a stale cache": _stale_cache,
    "an edited baseline": _edited_baseline,
    "another file's predictions as the baseline": _wrong_file,
    "no gate collected": _no_gate,
    "a model gone missing": _missing_model,
}
