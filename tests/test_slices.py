"""Slices and groups: gates that look at parts of the test split, and examples that depend on each other."""

import shutil

import numpy as np
import pandas as pd
import pytest

from fitgate import Dataset, FitgateError, Split, Task
from fitgate.cli import main
from fitgate.data import Slices, slices_of
from fitgate.gates import GATES, Evidence, Floor, JudgeSettings, NoRegression, Outcome, Reason, Truth, collect, judge
from fitgate.machine import environment
from fitgate.metrics import METRICS, Outputs
from fitgate.record import judge_again
from fitgate.runs import Evaluation, Fit, SeedRun
from tests.evidence import claim

X = pd.DataFrame({"age": [20, 60, 70], "ward": ["a", None, "b"]})
THINGS = Dataset("things", lambda: (Split(X, [0, 1, 1]), Split(X, [0, 1, 1])))
TASK = Task("t", THINGS, metrics=("accuracy", "roc_auc", "f1"))


def evaluation(target, predictions, metrics=("accuracy",)):
    given = Outputs(predictions)
    values = {name: METRICS[name].value(target, given) for name in metrics}
    return Evaluation("m", "t", len(target), values, 0.0, None, 0.0, predictions)


def answers(target, shares, slices, seed=0):
    """Predictions that are right in each slice by its share."""
    right = np.random.default_rng(seed).random(len(target)) < np.array(shares)[slices]
    return np.where(right, target, 1 - target)


def evidence_of(target, names, places, *runs, before=(), groups=None):
    truth = Truth(
        "",
        "d",
        target,
        target,
        kind="binary",
        classes=np.array([0, 1]),
        groups=groups,
        slices={"country": Slices(list(names), np.asarray(places, np.uint8))},
    )
    held = {}
    if before:
        fits = [SeedRun(Fit("m", "t", i, "d", 1.0, None, "fake"), run) for i, run in enumerate(before)]
        held = {("m", "t"): collect(fits, "", environment(), None)}
    found = {("m", "t"): list(runs)}
    return Evidence({"t": truth}, METRICS, JudgeSettings(), environment(), found, baselines=held)


def verdict_of(gate, evidence):
    return judge([claim("m", gate)], evidence).verdicts[0]


def made(sizes, shares, seed=0):
    """A target, slices of so many examples, and predictions right by these shares."""
    places = np.repeat(np.arange(len(sizes)), sizes)
    target = np.random.default_rng(99).integers(2, size=len(places))
    return target, places, answers(target, shares, places, seed)


def floor(shares, sizes=(2000, 500), gate=None, names="ab"):
    target, places, predictions = made(sizes, shares)
    return verdict_of(
        gate or Floor(TASK, "accuracy", 0.9, by="country"),
        evidence_of(target, names, places, evaluation(target, predictions)),
    )


def test_a_floor_by_slices_passes_where_each_clears_it():
    verdict = floor([0.96, 0.97])
    assert (verdict.outcome, verdict.reason, verdict.n) == (Outcome.PASS, Reason.SLICES_CLEAR, 2500)
    assert verdict.gate == "accuracy>=0.9 by country"
    assert [one.n for one in verdict.slices] == [500, 2000]
    assert verdict.value == verdict.slices[0].value
    assert 0.9 <= verdict.bound < verdict.value


def test_a_floor_by_slices_fails_by_the_name_of_the_one_that_misses_it():
    verdict = floor([0.97, 0.8])
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.SLICE_MISSES)
    assert verdict.slices[0].name == "b"
    assert verdict.message.startswith("b, one of 2 slices by country, misses the floor of 0.9: accuracy 0.7")
    assert floor([0.97, 0.8], gate=Floor(TASK, "accuracy", 0.9)).outcome is Outcome.PASS  # all together hide it


def test_a_slice_of_too_few_examples_is_undecided_by_name_and_costs_the_others_nothing():
    verdict = floor([0.97, 0.97, 1.0], sizes=(2000, 500, 19), names="abc")
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, Reason.UNSURE)
    assert "1 of 3 slices by country can't be decided: c." in verdict.message
    few, *others = verdict.slices
    assert (few.name, few.value, few.sure) == ("c", None, "only 19 examples")
    assert others == floor([0.97, 0.97]).slices


def test_a_slice_that_neither_clears_nor_surely_misses_is_undecided():
    assert floor([0.97, 0.89]).outcome is Outcome.INCONCLUSIVE


def test_a_slice_without_one_of_two_classes_has_no_f1():
    target, places, predictions = made((300, 100), (0.99, 0.99))
    target[places == 1] = 0
    run = evaluation(target, predictions, ("f1",))
    verdict = verdict_of(Floor(TASK, "f1", 0.5, by="country"), evidence_of(target, "ab", places, run))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.slices[0].sure == "no F1 there"


def test_slices_that_could_not_be_made_fail():
    target, places, predictions = made((300, 100), (0.99, 0.99))
    found = evidence_of(target, "ab", places, evaluation(target, predictions))
    verdict = verdict_of(Floor(TASK, "accuracy", 0.5, by="planet"), found)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.NO_SLICES)


def regression(before, now, sizes=(2700, 300), margin=0.05):
    places = np.repeat([0, 1], sizes)
    target = np.random.default_rng(99).integers(2, size=len(places))
    draw = np.random.default_rng(5).random(len(target))  # the same examples are hard before and now
    several = [np.where(draw < np.array(shares)[places], target, 1 - target) for shares in (before, now)]
    runs = [evaluation(target, predictions) for predictions in several]
    gate = NoRegression(TASK, "accuracy", margin, by="country")
    return verdict_of(gate, evidence_of(target, "ab", places, runs[1], before=[runs[0]]))


def test_a_fall_in_a_small_slice_fails_by_its_name():
    verdict = regression([0.95, 0.95], [0.95, 0.85])
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.FALL)
    assert [(one.name, one.outcome) for one in verdict.slices] == [("b", Outcome.FAIL), ("a", Outcome.PASS)]
    assert verdict.slices[1].sure == "same output as its baseline"
    assert verdict.value == verdict.slices[0].value == pytest.approx(0.85, abs=0.05)
    assert min(verdict.lost) >= 2700  # places among all examples
    assert 0 < verdict.p_value < 0.01


def test_slices_that_have_not_fallen_pass():
    verdict = regression([0.95, 0.95], [0.949, 0.96])
    assert verdict.outcome is Outcome.PASS
    assert verdict.message.startswith("All 2 slices by country hold, ")


def test_what_slices_cost_a_gate_is_the_gate_s_own():
    target, places, predictions = made((300,) * 4, (0.9,) * 4)
    worse = np.where(np.arange(len(target)) % 40 == 0, 1 - predictions, predictions)
    found = evidence_of(target, "abcd", places, evaluation(target, worse), before=[evaluation(target, predictions)])
    gates = NoRegression(TASK, "accuracy", 0.1), NoRegression(TASK, "accuracy", 0.1, by="country")
    levels = [verdict.level for verdict in judge([claim("m", gate) for gate in gates], found).verdicts]
    assert 0.005 in levels
    assert min(levels) >= 0.005


def test_a_model_with_seeds_asks_for_more_where_a_slice_is_undecided():
    rng = np.random.default_rng(0)
    target, places, _ = made((1000, 100), (1, 1))
    runs = [evaluation(target, answers(target, (0.95, 0.9), places, seed)) for seed in rng.integers(1e6, size=12)]
    found = evidence_of(target, "ab", places, runs[-1], before=runs[:10])
    judgement = judge([claim("m", NoRegression(TASK, "accuracy", 0.02, by="country"))], found)
    (verdict,) = judgement.verdicts
    assert (verdict.outcome, [request.seeds for request in judgement.requests]) == (Outcome.INCONCLUSIVE, [2])


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_repeating_all_rows_adds_no_certainty_where_they_are_of_one_group(metric):
    rng = np.random.default_rng(0)
    target = rng.integers(2, size=120)
    before, now = (np.where(rng.random(120) < share, target, 1 - target) for share in (0.95, 0.85))
    groups = np.arange(120) // 2
    found = []
    for times in (1, 10):
        rows = np.repeat(np.arange(120), times)
        own = METRICS[metric].on(np.array([0, 1]), groups=groups[rows])
        bounds = own.both_bounds(target[rows], now[rows], 0.99)
        change = own.paired_test.compute(target[rows], before[rows], now[rows])
        found.append((*bounds, change.p_value, change.upper_bound(0.9)))
    assert found[0] == pytest.approx(found[1], abs=1e-12)


def test_groups_that_depend_on_each_other_widen_what_a_gate_says():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(50), 20)
    target = rng.integers(2, size=1000)
    predictions = np.where((rng.random(50) < 0.9)[groups], target, 1 - target)  # a patient is right or wrong as a whole
    run = evaluation(target, predictions)
    bounds = [
        verdict_of(Floor(TASK, "accuracy", 0.5), evidence_of(target, "a", groups * 0, run, groups=of)).bound
        for of in (None, groups)
    ]
    assert bounds[1] < bounds[0] - 0.05


def test_a_column_beside_x_is_for_gates_alone():
    data = Dataset.from_arrays("d", X, [0, 1, 1], X, [0, 1, 1], columns=["ward"])
    assert list(data.train.X) == list(data.test.X) == ["age"]
    assert slices_of(data.test, "ward").names == ["a", "b", "(missing)"]
    drawn = Dataset.from_arrays("d", np.zeros((40, 1)), [0, 1] * 20, columns={"place": np.arange(40)}, test_size=8)
    assert len(drawn.test.beside["place"]) == 8
    assert set(drawn.test.beside["place"]).isdisjoint(drawn.train.beside["place"])


def by_age(X):
    return np.where(X["age"] > 50, "old", "young")


def test_examples_are_sliced_by_a_column_of_x_or_a_function():
    split = THINGS.test
    assert slices_of(split, "ward").names == ["a", "b", "(missing)"]
    found = slices_of(split, by_age)
    assert [found.names[i] for i in found.places] == ["young", "old", "old"]


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("planet", "slices by planet: found no such column, expected one of age, ward"),
        (lambda X: X["age"], "found a function without a name of its own"),
        (by_age.__class__, "slices by function: found TypeError"),
        (len, r"slices by len: found values of shape \(\)"),
    ],
)
def test_slices_that_can_t_be_made_are_refused_in_a_line(by, message):
    with pytest.raises(FitgateError, match=message):
        slices_of(THINGS.test, by)


def test_a_column_of_many_values_is_no_slicing():
    split = Split(pd.DataFrame({"id": range(101)}), [0] * 101)
    with pytest.raises(FitgateError, match="found 101 different values, expected 100 or fewer"):
        slices_of(split, "id")


PROJECT = """
import numpy as np
from fitgate import Dataset, Floor, Model, NoRegression, Task

ROWS = np.arange(400)
Y = ROWS % 2
DATA = Dataset.from_arrays("d", np.stack([ROWS, Y], 1), Y, np.stack([ROWS, Y], 1), Y)
TASK = Task("t", DATA, metrics=("accuracy",))

def half(X):
    return np.where(X[:, 0] < 200, "first", "second")

class Reader:
    def fit(self, X, y): return self
    def predict(self, X): return np.where(X[:, 0] % WRONG == 0, 1 - X[:, 1], X[:, 1])

MODEL = Model("m", lambda seed: Reader(), stochastic=False, gates=(
    Floor(TASK, "accuracy", 0.6, by=half), NoRegression(TASK, "accuracy", 0.05, by=half)))

def pytest_fitgate_models():
    return [MODEL]
"""


def judged(project, text, *options):
    """The record of a session of a project whose conftest is this text."""
    shutil.rmtree(project.path / ".fitgate", ignore_errors=True)
    project.pytester.makeconftest(text)
    project.pytester.makepyfile(test_it="from fitgate.checks import *")
    project.run("-k", "test_gate", "-q", *options)
    return project.record


def bless(project):
    (run,) = project.runs
    assert main(["bless", str(run), "--baselines", str(project.path / "baselines"), "--yes"]) == 0


def test_a_record_judges_slices_again_without_the_data(project):
    judged(project, PROJECT.replace("WRONG", "40"))
    bless(project)
    record = judged(project, PROJECT.replace("WRONG", "5"))
    assert [v.outcome for v in record.verdicts] == [Outcome.PASS, Outcome.FAIL]
    assert [{one.name for one in v.slices} for v in record.verdicts] == [{"first", "second"}] * 2
    assert judge_again(record, GATES).verdicts == record.verdicts
    assert "Slices: m on t" in project.report


def test_a_gate_that_a_record_kept_names_its_function():
    gate = Floor(TASK, "accuracy", 0.9, by=by_age)
    again = Floor.restored(gate.declaration("m", ""), TASK)
    assert (again.by, again.rule("")) == ("by_age", gate.rule(""))
    declared = Floor(TASK, "accuracy", 0.9).declaration("m", "")
    del declared.parameters["by"]  # as in a record of an earlier version
    assert Floor.restored(declared, TASK) == Floor(TASK, "accuracy", 0.9)
