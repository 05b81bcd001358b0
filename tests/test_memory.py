"""Memory: that of processes of their own, and of nothing else."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from fitgate.data import Dataset
from fitgate.executor import Executor, run
from fitgate.model import Model
from fitgate.runs import memory
from fitgate.runs.training import ModelFailed
from fitgate.tasks import Task, TaskData

X = np.arange(200, dtype=np.uint8).reshape(100, 2)
TINY = Dataset.from_arrays("tiny", X, X[:, 0] % 3, X, X[:, 0] % 3)
TASK = Task("thirds", TINY)


def measured(estimator):
    model = Model("fake", lambda seed: estimator(), tasks=(TASK,))
    return memory.measure(model, TaskData(TASK, TINY), 42, Executor())


class Hoarder:
    """Holds 64 MiB while it fits, and keeps 32 of them."""

    def fit(self, X, y):
        self.kept = np.ones(2**22)
        (2 * np.ones(2**23)).sum()
        return self

    def predict(self, X):
        return X[:, 0] % 3


class Unfittable:
    def fit(self, X, y):
        raise RuntimeError("the optimiser diverged")


class Mortal:
    def fit(self, X, y):
        print("about to end")
        os._exit(3)


def test_memory_is_that_of_processes_of_their_own():
    ballast = np.ones(2**26)  # half a GiB here must not count there
    found = measured(Hoarder)
    assert found.fit < ballast.nbytes
    assert 90 < (found.fit - found.fit_before) / 2**20 < 250
    assert (found.predict - found.predict_before) / 2**20 > 30
    assert found.disk / 2**20 == pytest.approx(32, abs=1)
    assert found.device is None


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (Unfittable, "RuntimeError: the optimiser diverged"),
        (Mortal, ".*exit code 3; its last output was 'about to end'"),
    ],
)
def test_a_model_that_fails_apart_is_named_with_the_reason(estimator, reason):
    with pytest.raises(ModelFailed, match=f"fake failed to fit on thirds: in a process of its own: {reason}"):
        measured(estimator)


def test_memory_is_measured_only_where_it_is_asked_for(project):
    project.write("model()")
    project.pytester.makepyfile(test_apart="from fitgate.checks import test_memory")
    assert project.run("test_apart.py").ret == 5  # nothing is collected
    assert project.run("test_apart.py", "--fit-memory").ret == 0
    (found,) = project.record.memory
    assert found.model == "reader"
    assert "Memory, and size on disk" in project.report


def test_the_peak_is_had_where_there_is_no_resource_module(monkeypatch):
    used = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=2**30))
    monkeypatch.setattr(Path, "read_text", lambda path: (_ for _ in ()).throw(FileNotFoundError))
    monkeypatch.setitem(sys.modules, "resource", None)
    monkeypatch.setattr(psutil, "Process", lambda: used)
    assert memory.peak() == 2**30


def test_the_peak_grows_with_what_was_held_once():
    def hold():
        before = memory.peak()
        np.ones(2**24)  # 128 MiB
        return memory.peak() - before

    assert 100 < run(hold, label="holder") / 2**20 < 160
