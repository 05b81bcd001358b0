"""The notebook's cross-validations, here and on a Dask cluster: a scheduler with two worker processes, on loopback."""

import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from fitgate import Dataset
from fitgate.executor import Executor
from fitgate.record import read
from suite.notebook.folds import cross_validate
from suite.notebook.story import story_of
from suite.tests.idx import write_idx
from tests import fakes

SECTION = Path(__file__).parents[1] / "notebook" / "test_03_cross_validation.py"


class WhoFitted(SGDClassifier):
    """Predicts, whatever is asked, the process that it was fitted in."""

    def fit(self, X, y):
        time.sleep(0.2)  # so that this process is busy when the next fold comes
        self.pid = os.getpid()
        return super().fit(X, y)

    def predict(self, X):
        return np.full(len(X), self.pid)


@pytest.fixture(scope="module")
def scheduler():
    """The address of a cluster."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as cluster:
        yield cluster.scheduler_address


def test_a_cluster_s_processes_share_the_folds_and_find_what_this_one_finds(scheduler):
    cluster, here = Executor("dask", scheduler), Executor("sequential")
    folds, expected = (
        cross_validate(workers, "who", WhoFitted(random_state=1), fakes.images(), fakes.LABELS, "decision_function")
        for workers in (cluster, here)
    )
    cluster.close()
    fitted_in = set(folds.predictions.tolist())
    assert len(fitted_in) == 2
    assert os.getpid() not in fitted_in
    assert np.array_equal(folds.scores, expected.scores)


def test_a_section_of_the_notebook_finds_the_same_on_a_cluster(scheduler, project, monkeypatch):
    data = write_idx(project.path / "data")
    monkeypatch.setattr("suite.digits.dataset", lambda directory: Dataset.from_idx(data, name="MNIST"))
    found = []
    for options in (["--fit-backend", "threading"], ["--fit-backend", "dask", "--fit-scheduler", scheduler]):
        runs = project.path / options[1]
        options += [f"--fit-runs-dir={runs}", "-p", "no:cacheprovider"]
        result = project.pytester.runpytest_inprocess(SECTION, f"--rootdir={SECTION.parents[2]}", *options)
        assert result.ret == 0
        (run,) = (path for path in runs.iterdir() if path.is_dir())
        found.append([comparison.found for comparison in story_of(read(run)).comparisons])
    assert found[0] == found[1] != []


def test_progress_is_announced_fold_by_fold():
    lines = []
    cross_validate(Executor("sequential", announce=lines.append), "SGD", SGDClassifier(), fakes.images(), fakes.LABELS)
    assert [re.sub(r" after \d+\.\d s", "", line) for line in lines] == [
        "SGD, fold by fold: 3 parts ...",
        *(f"SGD, fold by fold: {done} of 3" for done in (1, 2, 3)),
    ]


def test_predictions_and_folds_are_in_the_order_of_the_examples():
    folds = cross_validate(Executor("sequential"), "SGD", SGDClassifier(), fakes.images(), fakes.LABELS, refit=True)
    assert np.array_equal(folds.predictions, fakes.LABELS)
    assert folds.accuracy(fakes.LABELS).tolist() == [1.0, 1.0, 1.0]
    assert np.array_equal(folds.fitted.predict(fakes.images()), fakes.LABELS)
