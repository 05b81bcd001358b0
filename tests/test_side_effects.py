"""What a model's work leaves behind: data that it changed make it fail, and the process's state is put back."""

import ctypes
import os
import pickle
import random
import subprocess
import sys
import threading
from contextlib import suppress
from fnmatch import fnmatch
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.neighbors import KNeighborsClassifier

from fitgate import Dataset, Model, Split, Task
from fitgate.cli import main
from fitgate.metrics import METRICS
from fitgate.runs import ModelFailed, evaluate, train
from fitgate.tasks import TaskData

Y = np.tile([0, 1], 30)
X = np.random.default_rng(0).normal(size=(60, 4)) + 5 * Y[:, None]


class Worker:
    """Answers zeros, after doing something to what it is given: with X and y in `fit`, with X in `predict`."""

    def __init__(self, in_fit=lambda X, y: None, in_predict=lambda X: None):
        self.in_fit, self.in_predict = in_fit, in_predict

    def fit(self, X, y):
        self.in_fit(X, y)
        return self

    def predict(self, X):
        self.in_predict(X)
        return np.zeros(X.shape[0] if hasattr(X, "shape") else len(X), int)


def task_data(dataset=None, **about):
    dataset = dataset or Dataset("d", lambda: (Split(X.copy(), Y.copy()), Split(X[:20].copy(), Y[:20].copy())))
    return TaskData(Task("t", dataset, **about), dataset)


def work(data, **doing):
    """Fit and evaluate a worker that does something."""
    trained = train(Model("m", lambda seed: Worker(**doing), tasks=(data.task,)), data, 42)
    return trained.fit, evaluate(trained, data, METRICS)


def failure(data, **doing):
    with pytest.raises(ModelFailed) as caught:
        work(data, **doing)
    return str(caught.value)


# Data


def through_base(X, *_):
    X.base[:] = 0


def through_ctypes(X, *_):
    ctypes.memset(X.ctypes.data, 0, X.nbytes)


def through_flags(X, *_):
    base = X.base
    while base.base is not None:
        base = base.base
    base.setflags(write=True)
    base[0] = 7


def target_through_base(X, y):
    y.base[:] = 1


@pytest.mark.parametrize("how", [through_base, through_ctypes, through_flags])
@pytest.mark.parametrize(("stage", "part"), [("in_fit", "train X"), ("in_predict", "test X")])
def test_a_model_that_changes_the_data_fails_and_the_others_get_it_clean(how, stage, part):
    data = task_data()
    digest = data.dataset.digest
    message = failure(data, **{stage: how})
    assert f"it changed the data that all models share: {part}; let it work on a copy" in message
    assert message.startswith(f"m failed to {'fit' if stage == 'in_fit' else 'predict'} on t: ")
    np.testing.assert_array_equal(data.dataset.train.X, X)
    np.testing.assert_array_equal(data.dataset.test.X, X[:20])
    fit, _ = work(data)
    assert fit.data_digest == digest


def test_data_is_clean_again_though_its_owner_keeps_the_changed_array():
    mine, tests = X.copy(), X[:20].copy()
    data = task_data(Dataset.from_arrays("d", mine, Y.copy(), tests, Y[:20].copy()))
    failure(data, in_fit=through_base)
    np.testing.assert_array_equal(data.dataset.train.X, X)
    np.testing.assert_array_equal(mine, X)


def test_a_model_fitted_before_has_its_data_again_too():
    data = task_data()
    neighbours = train(Model("knn", lambda seed: KNeighborsClassifier(1), tasks=(data.task,)), data, 42)
    failure(data, in_fit=through_base)
    assert evaluate(neighbours, data, METRICS).metrics == {"accuracy": 1.0}


@pytest.mark.parametrize(("target", "part"), [(lambda y: y, "train y"), (lambda y: y == 1, "train target")])
def test_a_model_that_changes_the_target_fails(target, part):
    data = task_data(target=target)
    assert f"share: {part};" in failure(data, in_fit=target_through_base)
    np.testing.assert_array_equal(data.y_train, target(Y))


def test_a_model_that_changes_the_target_of_another_task_fails_at_once():
    data = task_data()
    other = TaskData(Task("other", data.dataset, target=lambda y: y == 1), data.dataset)

    def meddle(X, y):
        other.y_test.base[:] = True

    assert "share: test target of other;" in failure(data, in_fit=meddle)
    np.testing.assert_array_equal(other.y_test, Y[:20] == 1)


def test_a_model_that_changes_data_in_a_process_of_its_own_fails_there():
    data = task_data()
    len(data.dataset.digests)
    assert "share: train X;" in failure(pickle.loads(pickle.dumps(data)), in_fit=through_base)


def test_sparse_data_and_data_frames_changed_in_place_are_noticed():
    pandas = pytest.importorskip("pandas")

    def sparse_in_place(X, y):
        X.data[:] = 1

    def frame_in_place(X, y):
        X.iloc[0, 0] = 99.0
        X["new"] = 1

    rows = sparse.csr_matrix(X)
    of_sparse = task_data(Dataset("s", lambda: (Split(rows.copy(), Y), Split(rows.copy(), Y))))
    assert "share: train X;" in failure(of_sparse, in_fit=sparse_in_place)
    assert (rows != of_sparse.dataset.train.X).nnz == 0
    frame = pandas.DataFrame(X, columns=list("abcd"))
    of_frame = task_data(Dataset("f", lambda: (Split(frame.copy(), Y), Split(frame.copy(), Y))))
    with suppress(ModelFailed):  # where pandas copies on write, nothing is changed
        work(of_frame, in_fit=frame_in_place)
    pandas.testing.assert_frame_equal(of_frame.dataset.train.X, frame)


def test_what_a_model_does_to_shape_and_order_alone_stays_its_own():
    data = task_data(Dataset("d", lambda: (Split(X.copy(), Y.copy()), Split(X.copy(), Y.copy())), image_shape=(2, 2)))

    def reshaped(X, *_):
        X.shape = (60, 2, 2)

    work(data, in_fit=reshaped, in_predict=reshaped)
    assert data.dataset.train.X.shape == data.dataset.test.X.shape == (60, 4)

    unsorted = sparse.csr_matrix((np.ones(2), [1, 0], [0, 2]), (1, 2))
    rows = task_data(Dataset("s", lambda: (Split(unsorted, [0]), Split(unsorted.copy(), [0]))))
    work(rows, in_fit=lambda X, y: X.sort_indices())


def test_data_that_can_t_be_clean_again_judges_nobody(monkeypatch):
    monkeypatch.setattr("fitgate.data.spare.MOST_BYTES", 0)
    once = Split(X.copy(), Y.copy()), Split(X.copy(), Y.copy())
    data = task_data(Dataset("d", lambda: once))
    failure(data, in_fit=through_base)
    assert "DataError: d: found content that a model has changed" in failure(data)


def test_large_data_is_loaded_again(monkeypatch):
    monkeypatch.setattr("fitgate.data.spare.MOST_BYTES", 0)
    data = task_data()
    failure(data, in_fit=through_base)
    np.testing.assert_array_equal(data.dataset.train.X, X)


def test_the_error_that_a_model_raises_comes_before_what_it_did_to_the_data():
    def both(X, y):
        X.base[:] = 0
        raise RuntimeError("the optimiser diverged")

    data = task_data()
    assert "RuntimeError: the optimiser diverged" in failure(data, in_fit=both)
    np.testing.assert_array_equal(data.dataset.train.X, X)


# The process


def untidy(X, *_):
    os.chdir("/")
    os.environ["FITGATE_TEST_VARIABLE"] = "1"
    os.environ.pop("FITGATE_TEST_OTHER")
    np.random.rand()
    random.random()


def test_what_a_model_changed_is_named_and_put_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FITGATE_TEST_OTHER", "0")
    monkeypatch.delenv("FITGATE_TEST_VARIABLE", raising=False)
    before = np.random.get_state()[1].tolist(), random.getstate()
    fit, evaluation = work(task_data(), in_fit=untidy, in_predict=untidy)
    for found in (fit.side_effects, evaluation.side_effects):
        assert found == [
            "changed the working directory to /",
            "changed the environment: FITGATE_TEST_OTHER, FITGATE_TEST_VARIABLE",
            "used NumPy's global random state",
            "used Python's global random state",
        ]
    assert Path.cwd() == tmp_path
    assert os.environ["FITGATE_TEST_OTHER"] == "0"
    assert "FITGATE_TEST_VARIABLE" not in os.environ
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before


def test_a_model_that_draws_from_the_global_states_depends_on_its_seed_alone():
    drawn = []
    model = Model(
        "m", lambda seed: Worker(in_fit=lambda X, y: drawn.append(np.random.rand())), tasks=(task_data().task,)
    )
    for seed in (1, 2, 1):
        np.random.rand()
        train(model, task_data(), seed)
    assert drawn[0] == drawn[2] != drawn[1]


def test_a_working_directory_that_a_model_removed_is_named(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path)

    def gone(X, y):
        os.chdir(tmp_path / "gone")
        (tmp_path / "gone").rmdir()

    fit, _ = work(task_data(), in_fit=gone)
    assert fit.side_effects == ["changed the working directory to one that is gone"]
    assert Path.cwd() == tmp_path


def test_threads_and_processes_that_are_left_running_are_named():
    done, left = threading.Event(), []

    def leaves(X, y):
        thread = threading.Thread(target=done.wait, name="stray", daemon=True)
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        thread.start()
        left.extend([thread, child])

    def ends(X):
        threading.Thread(target=lambda: None).start()
        subprocess.run([sys.executable, "-c", ""], check=True)

    try:
        fit, evaluation = work(task_data(), in_fit=leaves, in_predict=ends)
    finally:
        done.set()
        left[1].communicate()
    assert fit.side_effects[0] == "left 1 thread running: stray"
    assert fit.side_effects[1].startswith("left 1 process running: python")
    assert evaluation.side_effects == []


def test_what_a_library_sets_when_a_model_is_built_is_its_own(monkeypatch):
    monkeypatch.delenv("FITGATE_TEST_VARIABLE", raising=False)
    data = task_data()

    def build(seed):
        monkeypatch.setenv("FITGATE_TEST_VARIABLE", "1")
        return Worker()

    assert train(Model("m", build, tasks=(data.task,)), data, 42).fit.side_effects == []
    assert os.environ["FITGATE_TEST_VARIABLE"] == "1"


def test_joblib_s_processes_and_threads_are_no_side_effects():
    from joblib import Parallel, delayed

    def parallel(X, *_):
        Parallel(n_jobs=2, backend="threading")(delayed(abs)(i) for i in range(4))
        Parallel(n_jobs=2)(delayed(abs)(i) for i in range(4))

    fit, _ = work(task_data(), in_fit=parallel)
    assert fit.side_effects == []


# The interpreter

CLOCKS = "time.time = time.perf_counter = time.monotonic = lambda: 0.0"
HARM = {
    CLOCKS: "time.monotonic, time.perf_counter, time.time",
    "builtins.open = builtins.len = builtins.vars = None": "builtins.len, builtins.vars, builtins.open",
    "del builtins.open": "builtins.open",
    "resource.setrlimit(resource.RLIMIT_NOFILE, (10, 10))": "RLIMIT_NOFILE (10)",
    "resource.setrlimit(resource.RLIMIT_FSIZE, (9, 9))": "RLIMIT_FSIZE (9)",
    "sys.setrecursionlimit(140)": "the recursion limit (140)",
    "sys.stdout.close(); sys.stderr.close()": "sys.stdout (closed), sys.stderr (closed)",
    "sys.stdout.buffer.close()": "sys.stdout (closed)",
    "sys.stdout = sys.stderr = None": "sys.stdout (None), sys.stderr (None)",
}
MEDDLING = """
import builtins, sys, time
from fitgate import *
from tests.fakes import DIGITS, Floor, Reader

try:
    import resource
except ImportError:
    pass

DEEDS = {deeds}
GATES = (Floor(DIGITS, "accuracy", 0.9),)

class Meddling(Reader):
    def __init__(self, deed, stage):
        super().__init__()
        self.deed, self.stage = deed, stage

    def fit(self, X, y):
        if self.stage == "fit":
            exec(self.deed)
        return super().fit(X, y)

    def predict(self, X):
        if self.stage == "predict":
            exec(self.deed)
        return super().predict(X)

def pytest_fitgate_models():
    kinds = {{"reader": Reader}}
    for i, deed in enumerate(DEEDS):
        for stage in ("fit", "predict"):
            kinds[f"{{stage}}_{{i}}"] = lambda deed=deed, stage=stage: Meddling(deed, stage)
    return [Model(name, lambda seed, kind=kind: kind(), gates=GATES, stochastic=False) for name, kind in kinds.items()]
"""


@pytest.fixture
def meddling(project):
    """`meddling(deeds)`: what came of a session with a model for each deed in each stage, and a good one."""

    def run(deeds, before=""):
        project.pytester.makeconftest(f"{before}\n{MEDDLING.format(deeds=list(deeds))}")
        project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
        return project, project.run(subprocess=True)

    return run


def test_models_that_break_what_their_process_relies_on_are_named_and_the_others_are_judged(meddling):
    harm = {deed: found for deed, found in HARM.items() if "resource" not in deed or find_spec("resource")}
    project, result = meddling(harm)
    assert result.ret == 1
    assert {v.model for v in project.record.verdicts if v.passed} == {"reader"}
    shown = result.stdout.str() + result.stderr.str()
    assert "INTERNALERROR" not in shown
    failures = {failure.model: str(failure) for failure in project.record.failures}
    for i, found in enumerate(harm.values()):
        for stage in ("fit", "predict"):
            line = failures.pop(f"{stage}_{i}")
            assert fnmatch(line, f"{stage}_{i} failed to {stage} on digits: it changed {found}, on which all of *")
            assert line in shown
    assert not failures
    assert main(["judge", str(project.runs[0])]) == 1


def test_what_a_model_raises_after_that_stands_in_the_same_line():
    message = failure(task_data(), in_fit=lambda X, y: (sys.setrecursionlimit(sys.getrecursionlimit() - 1), 1 / 0))
    assert "the recursion limit (" in message
    assert "then it raised ZeroDivisionError: division by zero (tests/test_side_effects.py" in message


def test_limits_that_a_model_raises_are_its_own():
    before = sys.getrecursionlimit()
    try:
        fit, _ = work(task_data(), in_fit=lambda X, y: sys.setrecursionlimit(before + 1))
        assert (fit.side_effects, sys.getrecursionlimit()) == ([], before + 1)
    finally:
        sys.setrecursionlimit(before)


def test_clocks_that_a_conftest_has_replaced_measure_nothing(meddling, monkeypatch, tmp_path_factory):
    clocks = (
        "import time\ndef perf_counter(): return 0.0\ntime.time = time.perf_counter = time.monotonic = perf_counter"
    )
    project, result = meddling((), clocks)
    assert result.ret == 0
    assert project.record.wall_seconds > 0
    assert all(fit.seconds > 0 for fit in project.record.fits)
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))  # or judging would import that conftest into this process
    assert main(["judge", str(project.runs[0])]) == 0


# A session

TIMED = """
from fitgate import *
from tests.fakes import DATASET, DIGITS, Floor, Reader

class Careless(Reader):
    def predict(self, X):
        found = super().predict(X)
        if len(X) == 1:
            DATASET.on("quick").test.X.base[:] = 0
        return found

def pytest_fitgate_models():
    gates = (Floor(DIGITS, "accuracy", 0.9),)
    readers = {"careless": Careless, "reader": Reader}
    return [Model(name, lambda seed, reader=reader: reader(), gates=gates) for name, reader in readers.items()]
"""


def test_a_model_that_changes_the_data_while_it_is_timed_fails_and_the_next_gets_it_clean(project):
    project.pytester.makeconftest(TIMED)
    project.pytester.makepyfile(test_speed="from fitgate.checks import test_gate, test_predict")
    result = project.run("-k", "gate or predict and single")
    assert result.ret == 1
    line = "careless failed to predict on digits: it changed the data that all models share: test X, while it was timed"
    result.stdout.fnmatch_lines(
        [
            line,
            "fitgate: FAIL: careless on digits failed outright",
        ]
    )
    assert [(v.model, v.value) for v in project.record.verdicts] == [("careless", 1.0), ("reader", 1.0)]


UNTIDY = """
import os
import numpy as np
from fitgate import *
from tests.fakes import DIGITS, Floor, Reader

class Untidy(Reader):
    def fit(self, X, y):
        os.environ["FITGATE_TEST_VARIABLE"] = str(np.random.rand())
        return super().fit(X, y)

def pytest_fitgate_models():
    return [Model("untidy", lambda seed: Untidy(), gates=(Floor(DIGITS, "accuracy", 0.9),))]
"""


def test_terminal_and_report_name_what_a_model_changed(project):
    project.pytester.makeconftest(UNTIDY)
    project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
    result = project.run()
    line = "untidy on digits, in fit, changed the environment: FITGATE_TEST_VARIABLE, which was put back"
    drawn = "untidy on digits, in fit, used NumPy's global random state, which was put back"
    result.stdout.fnmatch_lines([f"fitgate: to look into: {line}", f"fitgate: to look into: {drawn}"])
    assert "- untidy on digits, in fit, changed the environment: FITGATE" in project.report
    assert project.record.status == "finished"
