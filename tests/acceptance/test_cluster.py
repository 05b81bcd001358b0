"""A cluster: seeds of a model are fitted by workers of a real scheduler, one of which is killed on the way."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from fitgate.record import read

ROOT = Path(__file__).parents[2]
SEEDS = 12
PATIENCE = 120.0  # seconds
CONFTEST = """
import os, time
from pathlib import Path
import numpy as np
from sklearn.linear_model import SGDClassifier
from fitgate import Dataset, Floor, Model, NoRegression, Task

rng = np.random.default_rng(0)
LABELS = np.arange(400) % 4
FEATURES = rng.normal(size=(400, 300)) + 0.1 * np.eye(300)[LABELS]
DATA = Dataset.from_arrays("clouds", FEATURES[:200], LABELS[:200], FEATURES[200:], LABELS[200:])
CLOUD = Task("cloud", DATA, metrics=("accuracy",))
LOG = Path(__file__).with_name("log")

class Patient(SGDClassifier):
    '''Says which process fits which seed, and takes its time.'''

    def fit(self, X, y):
        LOG.mkdir(exist_ok=True)
        mark = LOG / f"{self.random_state}-{os.getpid()}"
        mark.with_suffix(".begun").touch()
        time.sleep(0.4)
        super().fit(X, y)
        mark.with_suffix(".done").touch()
        return self

def pytest_fitgate_models():
    return [Model("patient", lambda seed: Patient(random_state=seed), stochastic=True,
                  gates=(Floor(CLOUD, "accuracy", 0.1), NoRegression(CLOUD, "accuracy", margin=0.3)))]
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_models.py").write_text("from fitgate.checks import test_gate, test_seed")
    return tmp_path


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def session(project, *options):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--fit-seed=2000"]
    return subprocess.Popen(
        [*command, f"--fit-seeds={SEEDS}", *options],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process):
    output, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, output


def until(condition, *processes):
    """Wait for it, unless one of the processes ends."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end
        for process in processes:
            assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    return found


@pytest.fixture
def cluster(tmp_path_factory):
    """The address of a scheduler, and two worker processes of it; neither knows the project."""
    pytest.importorskip("distributed")
    directory = tmp_path_factory.mktemp("cluster")
    log = directory / "scheduler.log"
    with ExitStack() as stack:

        def start(module, *options, output=subprocess.DEVNULL):
            command = [sys.executable, "-m", f"distributed.cli.{module}", *options, "--no-dashboard"]
            process = subprocess.Popen(
                command, cwd=directory, env=environment(), stdout=output, stderr=subprocess.STDOUT
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            return process

        scheduler = start(
            "dask_scheduler", "--host", "127.0.0.1", "--port", "0", output=stack.enter_context(log.open("w"))
        )
        address = until(lambda: re.search(r"Scheduler at: *(tcp://\S+)", log.read_text()), scheduler)[1]
        workers = [start("dask_worker", address, "--nthreads", "1", "--no-nanny") for _ in range(2)]
        until(lambda: log.read_text().count("Register worker") == 2, scheduler, *workers)
        yield address, workers


def fitted(directory, kind):
    return [tuple(map(int, path.stem.split("-"))) for path in (directory / "log").glob(f"*.{kind}")]


def figures(directory):
    (run,) = (directory / ".fitgate" / "runs").glob("*/record.json")
    record = read(run)
    assert [run.fit.elsewhere for run in record.seed_runs] == [[]] * SEEDS
    return {run.fit.seed: (run.evaluation.predictions, run.evaluation.metrics) for run in record.seed_runs}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals, as POSIX has them")
@pytest.mark.parametrize("backend", ["dask", pytest.param("loky", marks=pytest.mark.nightly)])
def test_of_seeds_that_workers_fit_none_is_lost_when_one_is_killed(project, backend, request, tmp_path_factory):
    """All seeds come out, with the figures that the session's own process gives."""
    options = ["--fit-backend", backend]
    if backend == "dask":
        address, workers = request.getfixturevalue("cluster")
        options += ["--fit-scheduler", address]
    running = session(project, *options)

    def killed():
        """A worker that has fitted one seed and is killed while it fits another; and that seed."""
        done = fitted(project, "done")
        for seed, pid in fitted(project, "begun"):
            if pid != running.pid and pid in [other for _, other in done] and (seed, pid) not in done:
                os.kill(pid, signal.SIGSTOP)
                if (seed, pid) not in fitted(project, "done"):
                    os.kill(pid, signal.SIGKILL)
                    return seed, pid
                os.kill(pid, signal.SIGCONT)
        return None

    seed, victim = until(killed, running)
    status, output = ended(running)
    assert status == 0, output
    done = fitted(project, "done")
    assert (seed, victim) not in done
    assert {seed for seed, _ in done} == set(range(2000, 2000 + SEEDS))
    others = {pid for _, pid in done} - {running.pid}
    if backend == "dask":
        assert others == {worker.pid for worker in workers}
        assert "a worker died" not in output
    else:
        assert "fitting patient on cloud with seeds 2001 to 2011: a worker died; what it had not finished is" in output

    inline = tmp_path_factory.mktemp("inline")
    for name in ("conftest.py", "test_models.py"):
        (inline / name).write_text((project / name).read_text())
    status, output = ended(session(inline))
    assert status == 0, output
    assert len({pid for _, pid in fitted(inline, "done")}) == 1
    here, there = figures(inline), figures(project)
    assert here.keys() == there.keys() == set(range(2000, 2000 + SEEDS))
    for number in here:
        np.testing.assert_array_equal(here[number][0], there[number][0])
        assert here[number][1] == there[number][1]
