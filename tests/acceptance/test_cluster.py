"""A cluster: seeds and folds of models are fitted by workers of a real scheduler, one of which is killed on the way."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from fitgate.record import read

ROOT = Path(__file__).parents[2]
FIRST = 2000  # seed
PATIENCE = 120.0  # seconds
CONFTEST = """
import os, time, zlib
from pathlib import Path
import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.tree import ExtraTreeClassifier
from fitgate import CrossValidation, Dataset, Floor, Model, NoRegression, Task

rng = np.random.default_rng(0)
LABELS = np.arange(400) % 4
FEATURES = rng.normal(size=(400, 300)) + 0.1 * np.eye(300)[LABELS]
LOG = Path(__file__).with_name("log")

class Patient:
    '''Says which process fits what, by class, seed and data, and takes its time.'''

    def fit(self, X, y):
        LOG.mkdir(exist_ok=True)
        what = f"{type(self).__name__}-{self.random_state}-{zlib.crc32(X.tobytes() + y.tobytes())}"
        mark = LOG / f"{what}-{os.getpid()}"
        mark.with_suffix(".begun").touch()
        time.sleep(SECONDS)
        super().fit(X, y)
        mark.with_suffix(".done").touch()
        return self

class Linear(Patient, SGDClassifier):
    pass

class Tree(Patient, ExtraTreeClassifier):
    pass
"""
OF_SEEDS = """
SECONDS = 0.4
DATA = Dataset.from_arrays("clouds", FEATURES[:200], LABELS[:200], FEATURES[200:], LABELS[200:])
CLOUD = Task("cloud", DATA, metrics=("accuracy",))

def pytest_fitgate_models():
    return [Model("linear", lambda seed: Linear(random_state=seed), stochastic=True,
                  gates=(Floor(CLOUD, "accuracy", 0.1), NoRegression(CLOUD, "accuracy", margin=0.3)))]
"""
OF_FOLDS = """
SECONDS = 0.2
DATA = Dataset.from_arrays("clouds", FEATURES, LABELS, evaluation=CrossValidation(2, repeats=2))
CLOUD = Task("cloud", DATA, metrics=("accuracy",))
TASKS = [CLOUD, Task("high", DATA, target=lambda y: y > 1, metrics=("roc_auc", "accuracy"))]
GATES = [Floor(task, "accuracy", 0.01) for task in TASKS]

def pytest_fitgate_models():
    return [Model("linear", lambda seed: Linear(random_state=seed), stochastic=True, gates=GATES),
            Model("tree", lambda seed: Tree(random_state=seed), stochastic=True, gates=GATES)]
"""
ONE = [("linear", "cloud")]
FOUR = list(product(("linear", "tree"), ("cloud", "high")))


def written(directory, declarations):
    (directory / "conftest.py").write_text(CONFTEST + declarations)
    (directory / "test_models.py").write_text("from fitgate.checks import test_gate, test_seed")
    return directory


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def session(project, *options):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--fit-seed={FIRST}"]
    return subprocess.Popen(
        [*command, *options],
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
        # Of two threads each, of which one is at work: joblib leaves a cluster of one thread alone.
        workers = [start("dask_worker", address, "--nthreads", "2", "--no-nanny") for _ in range(2)]
        until(lambda: log.read_text().count("Register worker") == 2, scheduler, *workers)
        warmed = f"from distributed import Client; Client({address!r}).run(__import__, 'sklearn.linear_model')"
        subprocess.run([sys.executable, "-c", warmed], check=True, env=environment())  # or one may take all the work
        yield address, workers


def fitted(directory, kind):
    """What was fitted, and by which process."""
    marks = [path.stem.rpartition("-") for path in (directory / "log").glob(f"*.{kind}")]
    return [(what, int(pid)) for what, _, pid in marks]


def figures(directory):
    (run,) = (directory / ".fitgate" / "runs").glob("*/record.json")
    record = read(run)
    assert not any(run.fit.elsewhere or run.evaluation.elsewhere for run in record.seed_runs)
    return {
        (run.fit.model, run.fit.task, run.fit.seed): (
            run.fit.data_digest,
            run.evaluation.outputs,
            run.evaluation.metrics,
        )
        for run in record.seed_runs
    }


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="signals, as POSIX has them")
@pytest.mark.parametrize(
    ("backend", "declarations", "pairs", "seeds", "fits"),
    [
        pytest.param("dask", OF_FOLDS, FOUR, 2, 32, id="dask-models-tasks-seeds-folds"),
        pytest.param("dask", OF_SEEDS, ONE, 12, 12, id="dask-seeds", marks=pytest.mark.nightly),
        pytest.param("loky", OF_SEEDS, ONE, 12, 12, id="loky-seeds", marks=pytest.mark.nightly),
    ],
)
def test_of_what_workers_fit_nothing_is_lost_when_one_is_killed(
    backend, declarations, pairs, seeds, fits, request, tmp_path, tmp_path_factory
):
    """All comes out, with the figures that the session's own process gives."""
    project = written(tmp_path, declarations)
    options = ["--fit-backend", backend]
    if backend == "dask":
        address, workers = request.getfixturevalue("cluster")
        options += ["--fit-scheduler", address]
    running = session(project, f"--fit-seeds={seeds}", *options)

    def killed():
        """What a worker was fitting when it was killed, after it had fitted other things; and that worker."""
        done = fitted(project, "done")
        for what, pid in fitted(project, "begun"):
            if pid != running.pid and [other for _, other in done].count(pid) > 1 and (what, pid) not in done:
                os.kill(pid, signal.SIGSTOP)
                if (what, pid) not in fitted(project, "done"):
                    os.kill(pid, signal.SIGKILL)
                    return what, pid
                os.kill(pid, signal.SIGCONT)
        return None

    victim = until(killed, running)
    status, output = ended(running)
    assert status == 0, output
    done = fitted(project, "done")
    assert victim not in done
    assert len({what for what, _ in done}) == fits
    others = {pid for _, pid in done} - {running.pid}
    assert len([pid for _, pid in done if pid == running.pid]) == len(pairs)  # its own seed, for the first fold
    if backend == "dask":
        assert others == {worker.pid for worker in workers}
        assert "a worker died" not in output
    else:
        assert "fitting linear on cloud with seeds 2001 to 2011: a worker died; what it had not finished is" in output

    inline = written(tmp_path_factory.mktemp("inline"), declarations)
    status, output = ended(session(inline, f"--fit-seeds={seeds}"))
    assert status == 0, output
    assert len({pid for _, pid in fitted(inline, "done")}) == 1
    here, there = figures(inline), figures(project)
    assert here.keys() == there.keys() == {(*pair, FIRST + i) for pair in pairs for i in range(seeds)}
    for run in here:
        np.testing.assert_equal(here[run], there[run])
