"""Contracts: each check finds the estimator that it is for, and lets sound ones pass."""

import threading

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from fitgate import Dataset, Model, Split, Task
from fitgate.contracts import CHECKS, Broken, Inapplicable, Subject
from fitgate.model import ModelError
from fitgate.runs import train
from fitgate.tasks import TaskData

X, Y = load_iris(return_X_y=True)
WHOLE = np.rint(10 * X).astype(np.uint8)


class Sound(GaussianNB):
    """A classifier that holds to all checks, for fakes to be derived from."""


class Unseeded(Sound):
    def fit(self, X, y):
        return super().fit(X + np.random.default_rng().normal(0, 2, X.shape), y)


class FromGlobalState(Sound):
    def fit(self, X, y):
        return super().fit(X + np.random.normal(0, 2, X.shape), y)


class Counting(Sound):
    def predict(self, X):
        return super().predict(X) + 1


class Scaling(Sound):
    def predict(self, X):
        if X.flags.writeable:
            X //= 2
        return super().predict(X)


class OfItsBatch(Sound):
    """Centres what it is asked about, as a batch normalisation that was left in training does."""

    def _joint_log_likelihood(self, X):
        return super()._joint_log_likelihood(X - X.mean(axis=0) + self.theta_.mean(axis=0))


class Running(Sound):
    """Answers an example by what came before it."""

    def _joint_log_likelihood(self, X):
        return super()._joint_log_likelihood(np.cumsum(X, axis=0) / np.arange(1, len(X) + 1)[:, None])


class OfBytes(Sound):
    """Scales bytes, and nothing else."""

    def _joint_log_likelihood(self, X):
        return super()._joint_log_likelihood(X)

    def predict(self, X):
        return super().predict(X if X.dtype == np.uint8 else X * 255.0)


class OfLayout(Sound):
    def predict(self, X):
        return super().predict(np.frombuffer(X.tobytes("A"), X.dtype).reshape(X.shape))


class Locked(Sound):
    def fit(self, X, y):
        self.lock_ = threading.Lock()
        return super().fit(X, y)


class Forgetful(Sound):
    """Loses a part of what it has learnt where it is pickled."""

    def __getstate__(self):
        return super().__getstate__() | {"theta_": np.zeros_like(self.theta_)}


class Threshold(Sound):
    """Predicts by a threshold of its own, which its probabilities know nothing of."""

    def predict(self, X):
        return np.where(self.predict_proba(X)[:, 2] > 0.01, 2, super().predict(X))


class Falling(Sound):
    def predict(self, X):
        if len(X) == 1:
            raise ValueError("need two examples")
        return super().predict(X)


DEFECTS = {
    "check_same_seed_gives_same_predictions": [Unseeded, FromGlobalState],
    "check_labels_are_within_classes": [Counting],
    "check_input_is_unchanged": [Scaling],
    "check_predictions_do_not_depend_on_batch_size": [OfItsBatch, Running, Falling],
    "check_predictions_do_not_depend_on_order": [Running],
    "check_predictions_do_not_depend_on_dtype": [OfBytes, OfLayout],
    "check_predictions_survive_save_and_load": [Locked, Forgetful],
    "check_predict_agrees_with_predict_proba": [Threshold],
}


def subject_of(build, X=WHOLE, y=Y, metrics=("accuracy",), reproduced=False):
    data = TaskData(Task("iris", "iris", metrics=metrics), Dataset("iris", lambda: (Split(X, y), Split(X, y))))
    model = Model("m", build, tasks=(data.task,))
    return Subject(model, data, train(model, data, 42), reproduced)


def broken(subject):
    """The checks that an estimator does not pass, with what they found."""
    found = {}
    for name, check in CHECKS.items():
        try:
            check(subject)
        except Broken as error:
            found[name] = str(error)
        except Inapplicable:
            pass
    return found


def test_there_is_a_defect_for_each_check():
    assert DEFECTS.keys() == CHECKS.keys()


@pytest.mark.parametrize(("name", "kind"), [(name, kind) for name, kinds in DEFECTS.items() for kind in kinds])
def test_a_check_finds_the_estimator_that_it_is_for(name, kind):
    assert name in broken(subject_of(lambda seed: kind()))


TEXTS = tuple("a red one" if label else "some blue thing" for label in Y)
COLOURS = pd.DataFrame({"colour": np.where(Y == 1, "red", np.where(Y == 2, "blue", "green"))})


@pytest.mark.parametrize(
    ("build", "X", "y"),
    [
        (lambda seed: Sound(), WHOLE, Y),
        (lambda seed: RandomForestClassifier(20, random_state=seed), X, Y),
        (lambda seed: RandomForestClassifier(20, random_state=seed), X, np.column_stack([Y > 0, Y > 1])),
        (lambda seed: LogisticRegression(max_iter=1_000), X.astype(np.float32), Y.astype(str)),
        (lambda seed: LinearSVC(random_state=seed), X, Y),
        (lambda seed: MultinomialNB(), csr_array(WHOLE), Y),
        (lambda seed: make_pipeline(OneHotEncoder(), LogisticRegression()), COLOURS, Y),
        (lambda seed: Words(), TEXTS, (Y > 0).astype(int)),
    ],
)
def test_sound_estimators_of_any_data_pass(build, X, y):
    assert broken(subject_of(build, X, y)) == {}


class Words:
    def fit(self, X, y):
        self.first = dict(zip(X, y, strict=True))
        return self

    def predict(self, X):
        return np.array([self.first[text] for text in X])


def test_a_regression_passes_and_what_is_of_classes_alone_does_not_apply():
    subject = subject_of(lambda seed: LinearRegression(), X[:, :3], X[:, 3], metrics=("mae",))
    assert broken(subject) == {}
    for name in ("check_labels_are_within_classes", "check_predict_agrees_with_predict_proba"):
        with pytest.raises(Inapplicable):
            CHECKS[name](subject)


def test_a_fit_that_was_made_again_before_is_not_made_again():
    check = CHECKS["check_same_seed_gives_same_predictions"]
    check(subject_of(lambda seed: Unseeded(), reproduced=True))


def test_what_can_t_be_fitted_on_few_examples_is_not_judged_by_them():
    class Greedy(Sound):
        def fit(self, X, y):
            if len(X) <= 300:
                raise ValueError("too few")
            return super().fit(X, y)

    many = np.tile(WHOLE, (3, 1))
    with pytest.raises(Inapplicable, match="too few"):
        CHECKS["check_same_seed_gives_same_predictions"](subject_of(lambda seed: Greedy(), many, np.tile(Y, 3)))


def test_an_answer_among_many_may_be_another_as_near():
    class Tied(Sound):
        def predict(self, X):
            given = super().predict(X)
            return np.where((WHOLE[7] == X).all(axis=1) & (len(X) > 60), 1, given)

    assert broken(subject_of(lambda seed: Tied())) == {}


PROJECT = """
from fitgate import *
from tests.fakes import *

class Mutable(Reader):
    def predict(self, X):
        if X.flags.writeable:
            X[:] = 0
        return super().predict(X)

GATES = (Floor(DIGITS, "accuracy", 0.9),)

def pytest_fitgate_models():
    return [
        Model("sound", lambda seed: Reader(), gates=GATES, stochastic=False),
        Model("bad", lambda seed: Mutable(), gates=GATES, stochastic=False, expected_failed_checks={expected}),
    ]
"""


def contracts(project, expected, *arguments):
    project.pytester.makeconftest(PROJECT.replace("{expected}", repr(expected)))
    project.pytester.makepyfile(test_models="from fitgate.checks import test_contract, test_gate")
    return project.run("-rxXs", *arguments)


def test_a_project_s_models_are_checked_by_name_and_a_failure_fails_the_run(project):
    result = contracts(project, {})
    result.assert_outcomes(passed=15, failed=1, skipped=2)
    (failed,) = project.record.failed_tests
    assert failed.endswith("test_contract[bad-check_input_is_unchanged]")
    assert "X = X.copy()" in result.stdout.str()
    assert "FAIL" in result.stdout.str()


def test_an_expected_failure_is_none_and_one_that_passes_is_told(project):
    reason = {"check_input_is_unchanged": "it zeroes", "check_labels_are_within_classes": "outdated"}
    result = contracts(project, reason)
    result.assert_outcomes(passed=14, xfailed=1, xpassed=1, skipped=2)
    result.stdout.fnmatch_lines(["XFAIL *bad-check_input_is_unchanged* it zeroes*", "XPASS *outdated*"])
    assert project.record.failed_tests == []


def test_a_model_with_a_limit_is_checked_in_a_process_of_its_own(project):
    contracts(project, {}, "--fit-timeout=60", "--fit-models=bad").assert_outcomes(passed=7, failed=1, skipped=1)


def test_checks_alone_are_no_run_without_gates(project):
    assert contracts(project, {"check_input_is_unchanged": "it zeroes"}, "-k", "contract").ret == 0


def test_an_expected_failure_names_a_check_and_a_reason(project):
    result = contracts(project, {"check_inputs": "it zeroes"})
    result.stderr.fnmatch_lines(["*'check_inputs' among its expected_failed_checks*check_input_is_unchanged*"])
    with pytest.raises(ModelError, match="a reason in words"):
        Model("m", Sound, tasks=(Task("t", "d"),), expected_failed_checks={"check_input_is_unchanged": " "})
