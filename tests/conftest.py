"""A little project with a suite of its own, for pytest to run inside a test."""

import importlib
import time
from pathlib import Path

import pytest

from fitgate.data import load
from fitgate.machine import Kernel
from tests import fakes

ROOT = str(Path(__file__).parents[1])

CONFTEST = """
pytest_plugins = ["fitgate.plugin"]
from tests import fakes
from tests.fakes import *
from suite import *

def pytest_suite_models():
    return [{models}]
"""

QUALITY = """
from suite.quality.test_gates import test_gate
from suite.quality.test_evaluations import test_every_test_example_has_a_prediction
from suite.quality.test_seeds import test_seed
"""

LATENCY = """
from suite.latency.test_fit import pytestmark, test_fit
from suite.latency.test_predict import test_predict
"""


class Project:
    """A directory with fake models, and what became of running the suite there."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path

    def write(self, *models):
        self.pytester.makeconftest(CONFTEST.format(models=", ".join(models)))
        self.pytester.makepyfile(test_quality=QUALITY, test_speed=LATENCY)

    def run(self, *arguments, subprocess=False):
        run = self.pytester.runpytest_subprocess if subprocess else self.pytester.runpytest_inprocess
        return run("-p", "no:cacheprovider", *arguments)

    @property
    def runs(self):
        return sorted((self.path / "reports" / "runs").glob("*"))

    @property
    def record(self):
        from fitgate.record import read

        (run,) = self.runs
        return read(run)

    @property
    def report(self):
        (run,) = self.runs
        return (run / "report.md").read_text()

    @property
    def fits(self):
        log = self.path / "fits.log"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture(scope="session")
def _libraries():
    """Compiled libraries load once per process, and pytester forgets what was imported inside a run."""
    for name in ("matplotlib.figure", "scipy.stats", "sklearn.metrics", "fitgate.report.figures"):
        importlib.import_module(name)


@pytest.fixture
def project(pytester, monkeypatch, _libraries):
    """A project on fake data of a profile; processes that it starts have the patch not, and need --dataset-dir."""
    monkeypatch.setenv("PYTHONPATH", ROOT)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # or pytest-benchmark would think itself in a worker

    def fake_load(profile, *, dataset_dir=None, **options):
        return load(profile, dataset_dir=dataset_dir) if dataset_dir else fakes.dataset(profile)

    monkeypatch.setattr("fitgate.plugin.bench.load", fake_load)
    quick = Kernel("nothing", "k calls/s", lambda: lambda: time.sleep(1e-4), 1.0)
    monkeypatch.setattr("fitgate.plugin.bench.KERNELS", (quick,))
    monkeypatch.setattr("fitgate.machine.kernels.SECONDS", 0.0)
    return Project(pytester)
