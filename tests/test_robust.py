"""Robustness: what a disturbance of the test examples costs, and what a gate says of that."""

from dataclasses import replace
from functools import partial

import msgspec
import numpy as np
import pytest

from fitgate import Outcome, Robust
from fitgate.cli import main
from fitgate.disturbances import noise, shift
from fitgate.gates import GATES, Reason, judge
from fitgate.record import read
from fitgate.record.evidence import judge_again
from fitgate.report.view.robustness import robustness
from fitgate.runs import Disturbed
from fitgate.tasks import TaskError
from tests import fakes
from tests.evidence import claim, evaluation, evidence, wrong
from tests.fakes import DIGITS, FIVES

SHIFT = shift(2)
Robust = partial(Robust, perfect=True)


def verdict_of(gate, clean, disturbed, error="", **settings):
    """What the gate says of a model that gives one output for the test split and another where it is disturbed."""
    key, found = ("m", gate.task.name), evidence({("m", gate.task.name): clean}, **settings)
    tried = Disturbed(*key, gate.under, disturbed, error)
    found = replace(found, own={key: clean}, disturbed={(*key, gate.under): tried})
    return judge([claim("m", gate)], found).verdicts[0]


@pytest.mark.parametrize(
    ("mistakes", "outcome", "reason"),
    [
        (0, Outcome.PASS, Reason.WITHSTANDS),
        (4, Outcome.PASS, Reason.WITHSTANDS),
        (12, Outcome.INCONCLUSIVE, Reason.LOW_POWER),
        (30, Outcome.FAIL, Reason.FRAGILE),
    ],
)
def test_it_passes_where_the_fall_is_surely_below_the_margin_and_fails_where_it_is_clearly_as_large(
    mistakes, outcome, reason
):
    clean, disturbed = evaluation(DIGITS, wrong(2)), evaluation(DIGITS, wrong(2 + mistakes))
    verdict = verdict_of(Robust(DIGITS, "accuracy", 0.1, under=SHIFT), clean, disturbed)
    assert (verdict.outcome, verdict.reason, verdict.under) == (outcome, reason, "shift(2)")
    assert (verdict.gate, verdict.n) == ("accuracy under shift(2)>clean-0.1", 200)
    assert (verdict.value, verdict.threshold) == pytest.approx((0.99 - mistakes / 200, 0.89))
    assert (verdict.bound > verdict.threshold) == verdict.passed


def test_a_fall_as_large_as_the_margin_that_chance_explains_is_inconclusive():
    few = np.where(np.arange(200) < 6, (fakes.LABELS + 1) % 10, fakes.LABELS)
    many = np.where(np.arange(200) >= 192, (fakes.LABELS + 1) % 10, fakes.LABELS)
    verdict = verdict_of(
        Robust(DIGITS, "accuracy", 0.01, under=SHIFT), evaluation(DIGITS, few), evaluation(DIGITS, many)
    )
    assert (verdict.value, verdict.outcome) == (0.96, Outcome.INCONCLUSIVE)


def test_nothing_lost_on_few_examples_is_no_proof():
    answers = fakes.LABELS == 5
    for task, metric, outputs in ((DIGITS, "macro_f1", wrong(3)), (FIVES, "f1", np.roll(answers, 1))):
        run = evaluation(task, outputs, None if task is DIGITS else outputs.astype(float))
        assert verdict_of(Robust(task, metric, 0.03, under=SHIFT), run, run).passed
        assert verdict_of(Robust(task, metric, 0.02, under=SHIFT), run, run).outcome is Outcome.INCONCLUSIVE


def test_a_disturbance_that_a_model_fails_under_fails_the_gate():
    gate, run = Robust(DIGITS, "accuracy", 0.1, under=SHIFT), evaluation(DIGITS, wrong(2))
    verdict = verdict_of(gate, run, None, "ValueError: Input X contains NaN.")
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.NOT_EVALUATED)
    assert "Input X contains NaN" in verdict.message
    nothing = evaluation(DIGITS, wrong(2), accuracy=None)
    assert verdict_of(gate, run, nothing).reason is Reason.NO_VALUE
    assert judge([claim("m", gate)], evidence({("m", "digits"): run})).verdicts[0].reason is Reason.NOT_EVALUATED


def test_the_last_of_its_levels_is_the_one_that_decides():
    gate = Robust(DIGITS, "accuracy", 0.1, under=SHIFT)
    assert [of.strength for of in gate.disturbances] == [0.5, 1, 1.5, 2]
    assert list(Robust(DIGITS, "accuracy", 0.1, under=SHIFT, levels=1).disturbances) == [SHIFT]


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Robust(DIGITS, "mae", 0.1, under=SHIFT),
        lambda: Robust(DIGITS, "accuracy", under=SHIFT),
        lambda: Robust(DIGITS, "accuracy", 0.1, under="shift"),
        lambda: Robust(DIGITS, "accuracy", 0.1, under=SHIFT, levels=0),
        lambda: Robust(DIGITS, "accuracy", 0.0, under=SHIFT).check("quick", {"accuracy": DIGITS.metric("accuracy")}),
        lambda: Robust(DIGITS, "accuracy", tiny=0.1, under=SHIFT).check(
            "quick", {"accuracy": DIGITS.metric("accuracy")}
        ),
    ],
)
def test_a_gate_that_means_nothing_is_refused(declare):
    with pytest.raises(TaskError):
        declare()


MODELS = """
from fitgate import Robust
from fitgate.disturbances import missing, noise, shift
from tests.fakes import *

class Picky(Reader):
    def predict(self, X):
        if (X[:, 10:] > 0).any():
            raise ValueError("ink where there should be none")
        return super().predict(X)

ROBUST = (
    Floor(DIGITS, "accuracy", 0.9),
    Robust(DIGITS, "accuracy", 0.05, under=noise(0.01), perfect=True),
    Robust(DIGITS, "accuracy", 0.05, under=shift(2), levels=2, perfect=True),
)

def pytest_fitgate_models():
    unfit = (Robust(DIGITS, "accuracy", 0.05, under=missing(0.1), perfect=True),)
    return [
        Model("reader", lambda seed: Reader(), gates=ROBUST, stochastic=False),
        Model("picky", lambda seed: Picky(), gates=ROBUST[:2], stochastic=False),
        Model("odd", lambda seed: Reader(), gates=unfit, stochastic=False),
    ]
"""


@pytest.fixture
def ran(project):
    project.pytester.makeconftest(MODELS)
    project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
    project.run()
    return project


def test_a_session_keeps_what_models_made_of_disturbed_examples_and_judges_again(ran, capsys):
    record = ran.record
    outcomes = {(v.model, v.gate.partition(">")[0]): v.outcome for v in record.verdicts}
    assert outcomes == {
        ("reader", "accuracy"): Outcome.PASS,
        ("reader", "accuracy under noise(0.01)"): Outcome.PASS,
        ("reader", "accuracy under shift(2)"): Outcome.FAIL,
        ("picky", "accuracy"): Outcome.PASS,
        ("picky", "accuracy under noise(0.01)"): Outcome.FAIL,
        ("odd", "accuracy under missing(0.1)"): Outcome.FAIL,
    }
    failed = next(v for v in record.verdicts if v.model == "picky" and v.reason is Reason.NOT_EVALUATED)
    assert "ink where there should be none" in failed.message
    unfit = next(v for v in record.verdicts if v.model == "odd")
    assert "pictures" in unfit.message
    assert sorted(str(one.disturbance) for one in record.disturbed if one.model == "reader") == [
        "noise(0.0025)",
        "noise(0.005)",
        "noise(0.0075)",
        "noise(0.01)",
        "shift(1)",
        "shift(2)",
    ]
    assert judge_again(record, GATES).verdicts == record.verdicts
    assert record.failures == []
    assert main(["judge", str(ran.runs[0])]) == 1


def test_a_record_whose_disturbed_outputs_were_changed_is_refused(ran):
    path = ran.runs[0] / "record.json"
    content = msgspec.json.decode(path.read_bytes())
    shifted = next(one for one in content["disturbed"] if one["disturbance"]["kind"] == "shift")
    shifted["evaluation"]["metrics"]["accuracy"] = 1.0
    path.write_bytes(msgspec.json.encode(content))
    with pytest.raises(Exception, match="accuracy 1 of reader on digits"):
        read(path)


def test_a_disturbance_of_a_record_that_there_is_not_is_no_gate(ran):
    record = ran.record
    gate = next(gate for gate in record.gates if gate.kind == "Robust")
    odd = msgspec.structs.replace(gate, parameters=gate.parameters | {"under": {"kind": "melt"}})
    with pytest.raises(Exception, match="no disturbance"):
        GATES["Robust"].restored(odd, DIGITS)


def test_in_a_process_of_its_own_a_model_has_so_long(project):
    project.pytester.makeconftest(MODELS.replace("return [", "return [][:0] + ["))
    project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
    project.run("--fit-timeout=60", "--fit-models=reader", "-k", "noise")
    (verdict,) = project.record.verdicts
    assert (verdict.outcome, verdict.under) == (Outcome.PASS, str(noise(0.01)))


def test_folds_have_no_estimator_to_ask_again(project):
    project.pytester.makeconftest("""
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB
from fitgate import *
from fitgate.data import CrossValidation
from fitgate.disturbances import noise
IRIS = Task("iris", Dataset.from_sklearn(load_iris, evaluation=CrossValidation(folds=2, repeats=1)))
BAYES = Model("bayes", lambda seed: GaussianNB(), gates=(Robust(IRIS, "accuracy", 0.1, under=noise(0.1)),))
def pytest_fitgate_models():
    return [BAYES]
""")
    project.pytester.makepyfile(test_quality="from fitgate.checks import test_gate")
    project.run()
    (verdict,) = project.record.verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.NOT_EVALUATED)
    assert "folds" in verdict.message


def test_the_report_draws_the_metric_by_the_strength_of_each_disturbance(ran):
    (of,) = robustness(ran.record)
    assert (of.task, of.noun.many) == ("digits", "images")
    assert [panel.disturbance for panel in of.panels] == ["noise, share of the spread", "shift, pixels"]
    (reader,) = of.panels[1].models
    assert [at for at, _ in reader.points] == [0, 1, 2]
    assert reader.points[0][1] == 100 > reader.points[1][1]
    assert (reader.model, reader.asked) == ("reader", 95)
    assert "](figures/robustness.png)" in ran.report
