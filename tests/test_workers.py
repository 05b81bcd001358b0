"""Parallel work, on this machine and on a Dask cluster: a scheduler with two worker processes, on loopback."""

import os
import re
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from fitgate.executor.workers import Workers
from fitgate.record import read
from suite.notebook.folds import cross_validate
from tests import fakes

SECTION = Path(__file__).parents[1] / "suite" / "notebook" / "test_03_cross_validation.py"


class WhoFitted(SGDClassifier):
    """Answers, whatever is asked, in which process it was fitted."""

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
    cluster, here = Workers("dask", scheduler), Workers("sequential")
    folds, expected = (
        cross_validate(workers, "who", WhoFitted(random_state=1), fakes.images(), fakes.LABELS, "decision_function")
        for workers in (cluster, here)
    )
    cluster.close()
    fitted_in = set(folds.predictions.tolist())
    assert len(fitted_in) == 2
    assert os.getpid() not in fitted_in
    assert np.array_equal(folds.scores, expected.scores)


def test_a_section_of_the_notebook_finds_the_same_on_a_cluster(scheduler, project):
    data = fakes.write_idx(project.path / "data")
    found = []
    for options in (["--backend", "threading"], ["--backend", "dask", "--scheduler", scheduler]):
        runs = project.path / options[1]
        options += [f"--dataset-dir={data}", f"--runs-dir={runs}", "-p", "no:cacheprovider"]
        result = project.pytester.runpytest_inprocess(SECTION, f"--rootdir={SECTION.parents[2]}", *options)
        assert result.ret == 0
        (run,) = runs.iterdir()
        found.append([comparison.found for comparison in read(run).comparisons])
    assert found[0] == found[1] != []


def test_progress_is_told_fold_by_fold():
    told = []
    cross_validate(Workers("sequential", announce=told.append), "SGD", SGDClassifier(), fakes.images(), fakes.LABELS)
    assert [re.sub(r" after \d+\.\d s", "", words) for words in told] == [
        "SGD, fold by fold: 3 parts ...",
        *(f"SGD, fold by fold: {done} of 3" for done in (1, 2, 3)),
    ]


@pytest.fixture
def nobody():
    """An address at which nothing listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{closed.getsockname()[1]}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--backend", "carrier-pigeon"], "--backend carrier-pigeon: joblib knows no such backend, expected one of: *"),
        (["--backend", "dask"], "--backend dask: expected the cluster's address, as --scheduler tcp://HOST:8786"),
        (["--scheduler", "tcp://here:1"], "--scheduler tcp://here:1: expected a --backend to go with it, such as dask"),
        (
            ["--backend", "loky", "--scheduler", "tcp://here:1"],
            "--backend loky is on this machine, expected no --scheduler *",
        ),
        (["--backend", "dask", "--scheduler", "{nobody}"], "--scheduler {nobody}: no dask scheduler answers there *"),
    ],
)
def test_workers_that_can_t_be_had_end_the_session_at_once(project, nobody, monkeypatch, options, message):
    monkeypatch.setattr("fitgate.executor.workers.SECONDS_TO_CONNECT", 0.5)
    project.write()
    project.pytester.makepyfile(test_parallel="def test_work(workers, dataset, story): pass")
    result = project.run(*(option.format(nobody=nobody) for option in options))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message.format(nobody=nobody)}"])
