"""What a project's own session refuses, where one thing was tampered with; and what it would be blind to is seen."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fitgate.cli import main
from fitgate.sabotage import SabotageError
from fitgate.sabotage.tampering import FILES, PROJECT, RECORDS, Tamperings

ROOT = Path(__file__).parents[1]
CONFTEST = '''\
import numpy as np
from fitgate import Dataset, Floor, Model, NoRegression, Task

LABELS = np.tile(np.arange(3), 60)
FEATURES = 1.5 * np.eye(3)[LABELS] + np.random.default_rng(0).normal(size=(180, 3))
DATA = Dataset.from_arrays("three clouds", FEATURES[:90], LABELS[:90], FEATURES[90:], LABELS[90:])
CLOUD = Task("cloud", DATA)
FIRST = Task("first", DATA, target=lambda y: y == 0, metrics=("roc_auc",))


class NearestMean:
    """Of the class with the nearest mean, computed again and again."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means = np.array([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def distances(self, X):
        for _ in range(50):  # so that remembering answers pays
            found = ((X[:, None, :] - self.means) ** 2).sum(axis=2)
        return found

    def predict(self, X):
        return self.classes_[self.distances(X).argmin(axis=1)]

    def decision_function(self, X):
        distances = self.distances(X)
        return distances[:, 0] - distances[:, 1]


def pytest_fitgate_models():
    regressions = NoRegression(CLOUD, "accuracy", 0.05), NoRegression(FIRST, "roc_auc", 0.05)
    gates = (Floor(CLOUD, "accuracy", {floor}), *regressions)
    return [Model("nearest", lambda seed: NearestMean(), tasks=(CLOUD, FIRST), stochastic=False, gates=gates)]
'''


def sessions_of(path, floor=0.5):
    (path / "conftest.py").write_text(CONFTEST.replace("{floor}", str(floor)))
    (path / "test_models.py").write_text("from fitgate.checks import *\n")
    (path / "pytest.ini").write_text("[pytest]\n")
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose session passes, with its baselines."""
    path = sessions_of(tmp_path_factory.mktemp("sound"))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-m", "pytest", "-q", "--benchmark-skip"], cwd=path, env=environment, check=True)
    subprocess.run([sys.executable, "-m", "fitgate", "bless", "--yes"], cwd=path, env=environment, check=True)
    return path


def test_a_tampering_is_refused_and_leaves_the_project_as_it_is(project):
    before = sorted(project.rglob("*.npz")), sorted(project.glob(".fitgate/runs/*"))
    (tampering,) = Tamperings(project, ["nearest"], "cloud", "", project / "baselines", "an edited baseline")
    assert tampering.caught, tampering.message
    assert (sorted(project.rglob("*.npz")), sorted(project.glob(".fitgate/runs/*"))) == before


@pytest.mark.nightly
def test_every_tampering_is_refused(project):
    found = list(Tamperings(project, ["nearest"], "cloud", "", project / "baselines"))
    assert len(found) >= 15 + len(PROJECT) + len(FILES) + len(RECORDS)
    assert [tampering for tampering in found if not tampering.caught] == []


def test_a_project_that_fails_by_itself_shows_nothing(tmp_path):
    with pytest.raises(SabotageError, match="found FAIL: 1 of 2 gates failed"):
        Tamperings(sessions_of(tmp_path, floor=0.999), ["nearest"], "cloud", "", tmp_path / "baselines", "edited")


def test_the_command_tampers_with_the_project_around_it(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    assert main(["sabotage", "--task=cloud", "--only=tampering no gate", "--out=found.md"]) == 0
    assert "no gate collected: refused: FAIL: models were tested, but no gate was enforced" in capsys.readouterr().out
    assert "- Ways of tampering with a project: **1 of 1** were refused." in (project / "found.md").read_text()
