"""Time limits: a model that hangs, or ends its process, fails its own gates, and the others are judged."""

import os
import signal

import numpy as np
import pytest

from fitgate.data import Dataset
from fitgate.executor import Executor
from fitgate.metrics import METRICS
from fitgate.model import Model, ModelError
from fitgate.runs import Evaluator, Limit, ModelFailed, Once, memory
from fitgate.tasks import Task, TaskData
from tests.fakes import DIGITS, Crowd, Learner, Reader, learner

ODD = """
import os, threading, time

GATES = (Floor(DIGITS, "accuracy", quick=0.9),)

class Stuck(Reader):
    def fit(self, X, y):
        while True:
            try:
                time.sleep(0.01)
            except BaseException:
                pass

class StuckLater(Reader):
    def predict(self, X):
        threading.Lock().acquire()
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

class Gone(Reader):
    def fit(self, X, y):
        os.abort()

class Sealed(Reader):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

class StuckSent(Reader):
    def __reduce__(self):
        time.sleep(600)

class StuckTimed(Reader):
    def predict(self, X):
        while len(X) == 1:
            try:
                time.sleep(0.01)
            except Exception:
                self.tried = 1 + getattr(self, "tried", 0)
                if self.tried > 1:
                    raise
        return super().predict(X)

class Writing(Reader):
    def fit(self, X, y):
        X[0] = 0
        return super().fit(X, y)

def odd(name, estimator, **about):
    return Model(name, lambda seed: estimator(), (DIGITS,), GATES, stochastic=False, **about)

def pytest_fitgate_models():
    return [{models}]
"""
FINE = 'odd("fine", Reader)'


@pytest.fixture
def odd(project):
    def write(*models):
        project.pytester.makeconftest(
            "from fitgate import *\nfrom tests.fakes import *\n" + ODD.format(models=", ".join(models))
        )
        project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
        return project

    return write


def verdicts(project):
    return {verdict.model: str(verdict.outcome) for verdict in project.record.verdicts}


def failure(project):
    (found,) = project.record.failures
    return str(found)


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ('odd("bad", Stuck)', "failed to fit on digits: no answer after 3 s (--fit-timeout), so its process was"),
        ('odd("bad", StuckLater)', "failed to predict on digits: no answer after 3 s (--fit-timeout), so its"),
        ('odd("bad", Stuck, timeout=0.5)', "failed to fit on digits: no answer after 0.5 s (the model's timeout), so"),
        ('odd("bad", Gone)', "failed to fit on digits: in a process of its own: found a process that"),
        ('odd("bad", Sealed)', "found an estimator that can't be sent from there (a result that can't be sent"),
        ('odd("bad", Writing)', "failed to fit on digits: ValueError: assignment destination is read-only"),
    ],
)
def test_a_model_that_does_not_answer_fails_its_gates_and_the_others_are_judged(odd, declared, reason):
    project = odd(declared, FINE)
    assert project.run("--fit-timeout=3").ret == 1
    assert verdicts(project) == {"bad": "FAIL", "fine": "PASS"}
    assert reason in failure(project)
    assert reason.partition("(")[0] in project.report


def test_sending_what_was_fitted_has_a_time_of_its_own_which_is_told(odd, monkeypatch):
    monkeypatch.setattr("fitgate.runs.apart.HANDING_OVER", 5.0)
    project = odd('odd("bad", StuckSent)', FINE)
    assert project.run("--fit-timeout=3").ret == 1
    assert verdicts(project) == {"bad": "FAIL", "fine": "PASS"}
    assert "failed to fit on digits: no answer after 8 s (--fit-timeout, and 5 s to hand over), so" in failure(project)


def test_what_is_fitted_apart_is_the_same_and_says_where_it_was(odd):
    project = odd('odd("apart", Reader, timeout=60)', FINE)
    project.pytester.makepyfile(test_speed="from fitgate.checks import test_predict")
    assert project.run("--fit-timing=0.01").ret == 0
    record = project.record
    assert {fit.model: fit.isolated for fit in record.fits} == {"apart": True, "fine": False}
    first, second = (evaluation.metrics for evaluation in record.evaluations)
    assert first == second
    assert {timing.model for timing in record.timings} == {"apart", "fine"}
    assert len(project.fits) == 2
    assert project.report.count("fitted in a process of its own") == 1


def test_without_a_limit_nothing_is_fitted_apart(odd):
    project = odd(FINE)
    assert project.run().ret == 0
    assert (project.record.settings.timeout, project.record.fits[0].isolated) == (None, False)


@pytest.mark.skipif(os.name == "nt", reason="alarms, as POSIX has them")
def test_a_model_that_hangs_where_it_is_timed_is_interrupted(odd, monkeypatch):
    monkeypatch.setattr("fitgate.plugin.alarm.TIMING", 1.0)
    monkeypatch.setattr("fitgate.plugin.alarm.AGAIN", 0.2)
    project = odd('odd("bad", StuckTimed, timeout=2)', FINE)
    project.pytester.makepyfile(test_speed="from fitgate.checks import test_predict")
    result = project.run("--fit-timing=0.01", "-k", "gate or single")
    result.stdout.fnmatch_lines(
        ["*bad failed to predict on digits: no end of its timing after 7 s (the model's timeout)*"]
    )
    result.assert_outcomes(passed=3, failed=1)
    assert result.ret == 1
    assert verdicts(project) == {"bad": "PASS", "fine": "PASS"}
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@pytest.mark.skipif(os.name == "nt", reason="alarms, as POSIX has them")
def test_the_first_test_of_models_that_are_timed_in_turns_has_the_time_of_all(odd, monkeypatch):
    set_to = []
    monkeypatch.setattr("signal.setitimer", lambda which, seconds, again=0: set_to.append(seconds))
    project = odd('odd("one", Reader)', 'odd("two", Reader)')
    project.pytester.makepyfile(test_speed="from fitgate.checks import test_predict")
    project.run("--fit-timing=0.01", "--fit-timeout=20", "--fit-processes=2", "-k", "single").assert_outcomes(passed=2)
    assert max(set_to) >= 2 * 2 * (3 * 20 + 60)


@pytest.mark.slow
def test_models_are_fitted_apart_by_workers_and_backends_too(odd):
    project = odd('odd("bad", Gone)', 'Model("fine", lambda seed: Steady(seed), (DIGITS,), GATES, stochastic=True)')
    assert project.run("--fit-timeout=60", "-n", "2", "--fit-seeds=2", "--fit-backend=loky", subprocess=True).ret == 1
    assert verdicts(project) == {"bad": "FAIL", "fine": "PASS"}
    assert [run.fit.isolated for run in project.record.seed_runs] == [True, True]


@pytest.mark.parametrize("given", ["0", "soon", "inf", "-1"])
def test_a_limit_is_a_positive_number(odd, given):
    result = odd(FINE).run(f"--fit-timeout={given}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--fit-timeout: found '{given}', expected a positive number"])


@pytest.mark.parametrize("given", [0, "60", float("inf")])
def test_a_model_s_limit_is_a_positive_number(given):
    with pytest.raises(ModelError, match=r"model m: found a timeout of .*, expected a positive number of seconds"):
        Model("m", Reader, (DIGITS,), timeout=given)


def evaluator(emitted, **about):
    return Evaluator(
        lambda task: TaskData(task, task.dataset.on("quick")),
        METRICS,
        42,
        Once(),
        emitted.append,
        limit_of=lambda model: Limit(60, "--fit-timeout"),
        **about,
    )


@pytest.mark.parametrize(
    ("estimator", "spread"), [(Crowd, None), (Learner, lambda what, work, seeds: list(map(work, seeds)))]
)
def test_several_seeds_are_trained_apart(estimator, spread, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    emitted, model = [], learner(estimator=estimator, stochastic=True)
    object.__setattr__(model, "build", estimator)
    runs = evaluator(emitted, spread=spread).seed_runs(model, DIGITS, [42, 43])
    assert [(run.fit.seed, run.fit.isolated, len(run.evaluation.predictions)) for run in runs] == [
        (seed, True, 200) for seed in (42, 43)
    ]
    assert [run for run in emitted if run in runs] == runs


class Asleep:
    def fit(self, X, y):
        import time

        time.sleep(60)


def test_memory_has_the_limit_too(monkeypatch):
    monkeypatch.setattr(memory, "HANDING_OVER", 1.0)
    task = Task("t", Dataset.from_arrays("d", np.zeros((4, 1)), [0, 1, 0, 1], np.zeros((4, 1)), [0, 1, 0, 1]))
    model = Model("asleep", lambda seed: Asleep(), tasks=(task,))
    with pytest.raises(
        ModelFailed,
        match=r"asleep failed to fit on t: no answer after 2 s \(mine, and 1 s to hand over\), so its process",
    ):
        memory.measure(model, TaskData(task, task.dataset), 42, Executor(), Limit(1, "mine"))
