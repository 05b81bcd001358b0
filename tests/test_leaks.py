"""Leaks: test rows in the training split, gains beyond what seeds explain, and output that equals the test labels."""

import numpy as np
import pytest
from scipy import sparse

import fitgate
from fitgate import Above, Dataset, Floor, NoRegression, Outcome, Split, Task
from fitgate.cli import main
from fitgate.data import DataError
from fitgate.data.overlap import overlap
from fitgate.gates import Claim, Evidence, JudgeSettings, Truth, judge
from fitgate.gates.verdict import Reason
from fitgate.machine import environment
from fitgate.metrics import METRICS
from fitgate.runs import Evaluation
from tests.evidence import baseline, evaluation, verdict_of, wrong
from tests.fakes import DIGITS, FIVES, LABELS

ROWS = np.arange(12.0).reshape(6, 2)


def splits(shuffled, other):
    """A training split, and a test split of two of its rows, in another order, and a row of its own."""
    train = Split(ROWS, [0, 1, 0, 1, 0, 1])
    return train, Split(np.vstack([shuffled, other]), [1, 0, 0])


# Rows


def test_test_rows_in_the_training_split_are_counted_wherever_they_stand():
    train, test = splits(ROWS[[3, 1]], [[-1.0, -1.0]])  # the second has another label there
    assert overlap(train, test) == (2, 1, 3)
    assert overlap(train, Split(-ROWS[1:], np.zeros(5))) == (0, 0, 5)


def frames():
    pandas = pytest.importorskip("pandas")
    kinds = pandas.DataFrame({"size": [1.5, 2.5, 3.5], "kind": pandas.Categorical(["a", "b", "a"])})
    return kinds, kinds.iloc[[2]]


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["a film", "a book", "a song"], ["a song"]),
        (sparse.csr_matrix(np.eye(3)), sparse.csc_matrix(np.eye(3)[[2]])),
        (np.array([["x", 1], ["y", 2], ["z", 3]], object), np.array([["z", 3]], object)),
        (np.array([0.0, 1.0, 2.0])[:, None], np.array([2])[:, None]),
        (np.array([1.0, 2.0, 0.0])[:, None], np.array([-0.0])[:, None]),
        (np.array(["a", "b", "cd"]), np.array(["cd"], object)),
        (np.arange(24).reshape(3, 2, 4), np.arange(16, 24).reshape(1, 2, 4)),
        ("frame", "frame"),
    ],
)
def test_rows_of_any_kind_of_data_are_compared_by_content(train, test):
    if isinstance(train, str):
        train, test = frames()
    assert overlap(Split(train, [0, 1, 1]), Split(test, [1])) == (1, 1, 1)
    assert overlap(Split(train, ["a", "b", "c"]), Split(test, ["b"])) == (1, 0, 1)


def test_a_dataset_can_refuse_test_rows_in_its_training_split():
    def data(**about):
        return Dataset("d", lambda: splits(ROWS[[1, 0]], [[0.5, 0.5]]), **about)

    assert data().overlap == (2, 2, 3)
    assert len(data(overlap="warn").test) == 3
    with pytest.raises(DataError, match="d: found 2 of 3 test examples in the training split, 2 of them with the same"):
        len(data(overlap="fail").test)
    with pytest.raises(DataError, match="found 2 of 3"):
        len(Dataset("d", {"small": lambda: splits(ROWS[[1, 0]], [[0.5, 0.5]])}, overlap="fail").on("small").test)
    with pytest.raises(DataError, match="found overlap='maybe', expected 'warn' or 'fail'"):
        data(overlap="maybe")
    with pytest.raises(DataError, match="found 6 of 6"):
        Dataset.from_arrays("d", ROWS, LABELS[:6], ROWS, LABELS[:6], overlap="fail")


def test_a_session_tells_of_test_rows_in_the_training_split(project):
    project.write('model(gates=(Floor(DIGITS, "accuracy", quick=0.5),), tasks=(DIGITS,))')
    result = project.run("-k", "gate")
    line = "200 of 200 test images of fake stand in the training split, 200 of them with the same target"
    result.stdout.fnmatch_lines([f"fitgate: to look into: {line}: *", "fitgate: PASS: the one gate passed"])
    assert f"- {line}" in project.report
    assert "200 test images that stand in the training split, 200 of them with the same target" in project.report
    assert (project.record.datasets[0].overlap, project.record.datasets[0].overlap_alike) == (200, 200)


# Gains


def leap(**settings):
    """A model that has become much better than its baseline."""
    gate = NoRegression(DIGITS, "accuracy", 0.2)
    return verdict_of(gate, evaluation(DIGITS, wrong(2)), before=baseline(evaluation(DIGITS, wrong(60))), **settings)


def test_a_gain_beyond_what_seeds_explain_is_a_warning_or_a_failure():
    assert (leap().outcome, leap().gained) == (Outcome.PASS, True)
    refused = leap(leaks="fail")
    assert (refused.outcome, refused.reason, refused.gained, refused.lost) == (Outcome.FAIL, Reason.GAIN, True, [])
    assert refused.message.endswith(
        "suspect a leak of test examples. --gate-leaks=fail makes that a failure: bless this run if the gain is earned."
    )


def test_the_option_is_kept_in_the_record_for_who_judges_again(project, capsys):
    project.write('model(gates=(Floor(DIGITS, "accuracy", quick=0.5),), tasks=(DIGITS,))')
    assert project.run("--gate-leaks=fail", "-k", "gate").ret == 0
    assert project.record.settings.judge.leaks == "fail"
    assert project.run("--gate-leaks=maybe").ret == 4


# Output that equals the test labels

RIVAL = {"rival": evaluation(DIGITS, wrong(100), model="rival")}


@pytest.mark.parametrize(
    ("gate", "rivals"),
    [(Floor, {}), (NoRegression, {}), (Above, RIVAL)],
)
def test_output_that_equals_the_test_labels_fails_unless_the_gate_allows_it(gate, rivals):
    limit = "rival" if rivals else 0.5
    run = evaluation(DIGITS, wrong(0))
    verdict = verdict_of(gate(DIGITS, "accuracy", limit), run, before=baseline(run), rivals=rivals)
    assert (verdict.outcome, verdict.reason, verdict.value) == (Outcome.FAIL, Reason.PERFECT, 1.0)
    assert verdict.message == (
        "The output of m on digits equals the test labels on all 200 examples. A leak of the test labels looks like "
        "this: see what the model is fitted on. If the task is that easy, declare perfect=True."
    )
    allowed = gate(DIGITS, "accuracy", limit, perfect=True)
    assert verdict_of(allowed, run, before=baseline(run), rivals=rivals).passed
    one_wrong = evaluation(DIGITS, wrong(1))
    assert verdict_of(gate(DIGITS, "accuracy", limit), one_wrong, before=baseline(one_wrong), rivals=rivals).passed


def test_one_seed_s_output_is_enough():
    runs = [evaluation(DIGITS, wrong(count)) for count in (5, 0, 4)]
    verdict = verdict_of(NoRegression(DIGITS, "accuracy", 0.5), *runs, before=baseline(*runs))
    assert verdict.reason is Reason.PERFECT


def test_scores_that_equal_the_labels_are_such_output_too():
    fives = LABELS == 5
    predictions = np.where(np.arange(200) == 0, ~fives, fives)
    leaked, ranked = (evaluation(FIVES, predictions, scores) for scores in (fives.astype(float), fives + 0.5))
    gate = Floor(FIVES, "roc_auc", 0.5)
    truth = Truth("quick", "", fives, LABELS, kind="binary", classes=np.array([False, True]))

    def reason(run):
        found = Evidence({"fives": truth}, METRICS, JudgeSettings(), environment(), {("m", "fives"): [run]})
        return judge([Claim("m", gate, "r")], found).verdicts[0].reason

    assert reason(leaked) is Reason.PERFECT
    assert reason(ranked) is not Reason.PERFECT  # it separates them, and does not repeat them


@pytest.mark.parametrize(
    ("predictions", "same"),
    [
        (lambda y: y, True),
        (lambda y: y.astype(np.float32), True),
        (lambda y: y * 3 / 3, True),
        (lambda y: y + 1e-9, False),
        (lambda y: y.astype(np.float16).astype(float), False),
    ],
)
def test_predicted_numbers_are_compared_as_exactly_as_they_are_kept(predictions, same):
    y = np.random.default_rng(0).normal(size=50)
    task = Task("amounts", "d", metrics=("mae",))
    truth = Truth("", "", y, y, kind="continuous")
    run = Evaluation("m", "amounts", 50, {"mae": 0.0}, 0.0, None, 0.0, predictions(y))
    found = Evidence({"amounts": truth}, METRICS, JudgeSettings(), environment(), {("m", "amounts"): [run]})
    (verdict,) = judge([Claim("m", Floor(task, "mae", 1.0), "r")], found).verdicts
    assert (verdict.reason is Reason.PERFECT) is same


def test_a_record_keeps_whether_a_gate_allows_it(project, capsys):
    project.write('model(gates=(Floor(DIGITS, "accuracy", quick=0.5),), tasks=(DIGITS,))')
    project.run("-k", "gate")
    (run,) = project.runs
    assert main(["judge", str(run)]) == 0
    record = run / "record.json"
    record.write_text(record.read_text().replace('"perfect": true', '"perfect": false'))
    assert main(["judge", str(run)]) == 1
    assert "equals the test labels" in capsys.readouterr().out


def test_a_declaration_of_before_allows_nothing():
    gate = Floor(DIGITS, "accuracy", 0.5)
    declared = gate.declaration("m", "quick")
    del declared.parameters["perfect"]
    assert fitgate.Floor.restored(declared, DIGITS) == gate
