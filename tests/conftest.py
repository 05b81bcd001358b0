"""A little project with a suite of its own, for pytest to run inside a test."""

import gc
import importlib
import os
import shutil
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from fitgate.cli import main
from fitgate.machine import Kernel
from tests.zygote import Zygote, write_blank

ROOT = str(Path(__file__).parents[1])

CONFTEST = """
from fitgate import *
from tests import fakes
from tests.fakes import *

def pytest_fitgate_models():
    return [{models}]
"""

QUALITY = "from fitgate.checks import test_every_test_example_has_a_prediction, test_gate, test_seed"
LATENCY = "from fitgate.checks import test_fit, test_predict"

SEEDED = 'model("learner", Learner, tasks=(DIGITS,), seeded=True, gates=(NoRegression(DIGITS, "accuracy", 0.1),))'


@pytest.fixture(scope="session", autouse=True)
def onnx_imported_once():
    """Its extension ends a process that imports it again, as after pytester has put `sys.modules` back."""
    with suppress(ImportError):
        importlib.import_module("onnx")


class Project:
    """A directory with fake models, and what became of running the suite there."""

    def __init__(self, pytester):
        self.pytester = pytester
        self.path = pytester.path

    def write(self, *models):
        self.pytester.makeconftest(CONFTEST.format(models=", ".join(models)))
        self.pytester.makepyfile(test_quality=QUALITY, test_speed=LATENCY)

    def run(self, *arguments, subprocess=False):
        """Run pytest; in a process of its own, for those that end it, or that it must be the first session of."""
        run = self.pytester.runpytest_subprocess if subprocess else self.pytester.runpytest_inprocess
        return run("-p", "no:cacheprovider", *arguments)

    @property
    def runs(self):
        return sorted(path for path in (self.path / ".fitgate" / "runs").glob("*") if path.is_dir())

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
    """What a session imports late is loaded once per process: pytester forgets what was imported inside a run."""
    late = ("matplotlib.figure", "scipy.stats", "sklearn.metrics", "joblib", "psutil", "threadpoolctl", "cpuinfo")
    for name in (*late, "fitgate.checks", "fitgate.report.figures", "fitgate.report.report"):
        importlib.import_module(name)
    Figure().subplots()  # matplotlib imports some more on first use
    gc.freeze()  # each session collects garbage five times as it ends


@pytest.fixture(scope="session")
def zygote():
    """`zygote()`: what sessions in processes of their own fork from; begun on first use."""
    begun = []

    def zygote():
        if not begun:
            begun.append(Zygote())
        return begun[0]

    yield zygote
    for process in begun:
        process.close()


@pytest.fixture
def drawn():
    """Figures of a test's projects are drawn; else they are made, and written blank."""


@pytest.fixture
def project(pytester, monkeypatch, request, zygote, _libraries):
    """A project on fake data."""
    drawn = "drawn" in request.fixturenames
    if hasattr(os, "fork"):
        started = pytester.popen

        def popen(arguments, **how):
            own = arguments[:2] == (sys.executable, "-mpytest")
            return zygote().popen(arguments[2:], drawn=drawn, **how) if own else started(arguments, **how)

        monkeypatch.setattr(pytester, "popen", popen)
    if not drawn:
        monkeypatch.setattr(Figure, "savefig", write_blank)
    monkeypatch.setenv("PYTHONPATH", ROOT)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_ACTIONS", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # or pytest-benchmark would think itself in a worker
    monkeypatch.delenv("PYTEST_XDIST_WORKER_COUNT", raising=False)
    # Importing hypothesis takes a process a second, and so does a process of a model's own.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -o fit_processes=0")
    quick = Kernel("nothing", "k calls/s", lambda: lambda: time.sleep(1e-4), 1.0)
    monkeypatch.setattr("fitgate.plugin.registry.KERNELS", (quick,))
    monkeypatch.setattr("fitgate.machine.kernels.SECONDS", 0.0)
    return Project(pytester)


@pytest.fixture
def blessed(project, capsys):
    """A project whose one model has a baseline of three seeds."""
    project.write(SEEDED)
    project.run("--fit-seeds", "3", "-k", "seed or gate")
    (run,) = project.runs
    baselines = str(project.path / "baselines")
    assert main(["bless", str(run), "--baselines", baselines, "--least-seeds", "3", "--yes"]) == 0
    shutil.rmtree(run.parent)
    return project
