"""Models on datasets of different kinds, images and a table, fitted, gated, recorded and reported in one session."""

import re

import pytest

from fitgate import Outcome
from fitgate.cli import main
from fitgate.gates import GATES
from fitgate.record import judge_again

IMAGES = """model(tasks=(DIGITS,), stochastic=False, gates=(
    Floor(DIGITS, "accuracy", 0.9), NoRegression(DIGITS, "accuracy", 0.1)))"""
TABLE = """Model("threshold", Threshold, stochastic=False, gates=(
    Floor(ILL, "accuracy", 0.9), NoRegression(ILL, "accuracy", 0.1)))"""
CODE = """
import numpy as np
import pandas as pd

PLACES = np.arange(400)
WARDS = pd.Categorical(["a", "b"] * 200)
FRAME = pd.DataFrame({"patient": PLACES // 2, "dose": PLACES % 10, "ward": WARDS})
ILL = Task("ill", Dataset.from_arrays("patients", FRAME, FRAME["dose"] > 6, groups="patient", test_size=0.5))

class Threshold:
    def __init__(self, seed):
        pass

    def fit(self, X, y):
        assert list(X.columns) == ["dose", "ward"] and y.dtype == bool
        self.least = X["dose"][y].min()
        return self

    def predict(self, X):
        return X["dose"].to_numpy() >= self.least
"""


@pytest.fixture
def both(project):
    """A project with a model on images of two profiles, and one on a table that has none."""
    project.write(IMAGES, TABLE)
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + CODE)
    return project


@pytest.mark.parametrize(("options", "profile"), [((), "quick"), (("--fit-profile=full",), "full")])
def test_two_datasets_make_one_session_whatever_the_profile_of_one(both, options, profile):
    assert both.run(*options).ret == 0
    record = both.record
    assert [(data.name, data.profile) for data in record.datasets] == [("fake", profile), ("patients", "")]
    assert {(fit.model, fit.task) for fit in record.fits} == {("reader", "digits"), ("threshold", "ill")}
    assert len({fit.data_digest for fit in record.fits}) == 2
    assert [data.groups for data in record.datasets] == [0, 100]
    assert "test examples in 100 groups, which bounds and tests take as wholes" in both.report
    assert {(t.model, t.scenario) for t in record.timings} >= {("reader", "single"), ("threshold", "single")}
    outcomes = sorted((v.model, v.gate, v.outcome.name) for v in record.verdicts)
    assert outcomes == [
        (model, gate, outcome)
        for model in ("reader", "threshold")
        for gate, outcome in (("accuracy>=0.9", "PASS"), ("accuracy>baseline-0.1", "NO_BASELINE"))
    ]
    assert judge_again(record, GATES).verdicts == record.verdicts


def test_the_report_tells_of_both(both):
    both.run()
    report = re.sub(" +", " ", both.report)
    assert "fake, profile quick: 200 training and 200 test " in report
    assert "patients: 200 training and 200 test " in report
    assert "| reader | digits | 1.0000 |" in report
    assert "| threshold | ill | 1.0000 |" in report
    assert "| ill | patients |" in report


def test_each_has_baselines_of_its_own_and_an_orphan_of_either_is_found(both, capsys):
    both.run("--fit-profile=full", "-k", "test_gate")
    baselines = both.path / "baselines"
    assert main(["bless", str(both.runs[0]), "--baselines", str(baselines), "--yes"]) == 0
    names = sorted(path.relative_to(baselines).as_posix() for path in baselines.rglob("*.npz"))
    assert [re.sub(r"\w{8}\.npz", "", name) for name in names] == ["full/reader-digits-", "threshold-ill-"]
    both.run("--fit-profile=full", "-k", "test_gate", "--gate-require-baseline").assert_outcomes(passed=4)
    conftest = both.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace('Model("threshold"', 'Model("other"'))
    result = both.run("--fit-profile=full")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *threshold-ill-*.npz: found a baseline of a model 'threshold', *"])


def test_a_fall_on_one_dataset_is_not_the_other_s(both):
    conftest = both.path / "conftest.py"
    conftest.write_text(conftest.read_text().replace(">= self.least", "< self.least"))
    assert both.run("-k", "test_gate").ret == 1
    failed = {v.model for v in both.record.verdicts if v.outcome is Outcome.FAIL}
    assert failed == {"threshold"}
    assert {example.task for example in both.record.misclassified} == {"ill"}
