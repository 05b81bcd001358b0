"""The regression gate: what it compares, what it says, and how a baseline comes about."""

import shutil

import numpy as np
import pytest

from fitgate.cli import main
from fitgate.gates.baseline import BaselineError, collect, read_baseline, write_baseline
from fitgate.gates.gates import Evidence, Outcome
from fitgate.machine import environment
from fitgate.runs.evaluation import SeedRun
from fitgate.runs.training import Fit
from suite import DIGITS, FIVES, TRAITS, NoRegression
from tests import fakes
from tests.test_gates import DATA, evaluation, wrong

GATE = NoRegression(DIGITS, quick=0.1)
SEEDED = 'model("learner", Learner, tasks=(DIGITS,), seeded=True, gates=(NoRegression(DIGITS, quick=0.1),))'


def baseline(*outputs, task=DIGITS, model="m", data=DATA):
    """Of evaluations, one a seed."""
    runs = [
        SeedRun(Fit(model, task.name, seed, data.digest, 1.0, None, "fakes"), output)
        for seed, output in enumerate(outputs)
    ]
    return collect(runs, "quick", environment(), "0123")


def judge(before, *now, gate=GATE, family=()):
    """The verdict on runs of the model `m`, in a session whose other models and gates are `family`."""
    others = {name: runs for name, _, runs in family}
    evidence = Evidence(
        DATA,
        lambda name, task: now[0],
        lambda name, task: others.get(name, now),
        lambda name, task: before,
        [("m", gate), *((name, gate) for name, gate, _ in family)],
    )
    return gate.judge("m", evidence)


def spread(mistakes, seeds, rng):
    """Evaluations of several seeds, with about so many mistakes each, at places of their own."""
    outputs = []
    for _ in range(seeds):
        places = rng.permutation(200)[: mistakes + rng.integers(-2, 3)]
        predictions = fakes.LABELS.copy()
        predictions[places] = (predictions[places] + 1) % 10
        outputs.append(evaluation(DIGITS, predictions))
    return outputs


def test_identical_predictions_pass_at_once():
    verdict = judge(baseline(evaluation(DIGITS, wrong(10))), evaluation(DIGITS, wrong(10)))
    assert verdict.outcome is Outcome.PASS
    assert "The predictions are the baseline's." in verdict.message


def test_a_deterministic_model_that_lost_examples_fails_and_says_which():
    verdict = judge(baseline(evaluation(DIGITS, wrong(0))), evaluation(DIGITS, wrong(25)))
    assert verdict.outcome is Outcome.FAIL
    assert "accuracy 0.8750 against the baseline's 1.0000: -12.50 points" in verdict.message
    assert "by McNemar's mid-p, 25 lost and 0 gained, p = 1.5e-08 after Holm's adjustment" in verdict.message
    assert "fell most for the digits 0 by 15.00 points, 1 by 15.00 points" in verdict.message
    assert verdict.lost == list(range(10))
    assert "The environment is the same." in verdict.message


def test_a_loss_that_matters_less_than_half_of_the_margin_passes_and_is_told():
    verdict = judge(
        baseline(evaluation(DIGITS, wrong(0))), evaluation(DIGITS, wrong(12)), gate=NoRegression(DIGITS, quick=0.2)
    )
    assert verdict.outcome is Outcome.PASS
    assert "It has become worse, by less than half of the margin of 20 points." in verdict.message


def test_too_few_examples_are_inconclusive_and_it_says_what_would_decide():
    shifted = np.roll(wrong(30), 100)  # the same number of mistakes, elsewhere
    verdict = judge(
        baseline(evaluation(DIGITS, wrong(30))), evaluation(DIGITS, shifted), gate=NoRegression(DIGITS, quick=0.01)
    )
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "which is too little to tell: it takes more test examples" in verdict.message


def test_one_seed_is_a_smoke_test_and_five_see_what_it_can_t():
    rng = np.random.default_rng(0)
    before = baseline(*spread(20, 20, rng))
    alone = judge(before, *spread(28, 1, rng), gate=NoRegression(DIGITS, quick=0.03))
    assert alone.outcome is Outcome.INCONCLUSIVE
    assert "(one seed: a smoke test)" in alone.message
    assert "run with --seeds 5" in alone.message
    several = judge(before, *spread(28, 5, rng), gate=NoRegression(DIGITS, quick=0.03))
    assert several.outcome is Outcome.FAIL
    assert "by Student's t, 5 seeds against 20" in several.message
    clean = judge(before, *spread(20, 5, rng), gate=NoRegression(DIGITS, quick=0.03))
    assert clean.outcome is Outcome.PASS
    assert "would be seen with a power of 100%" in clean.message


def test_a_gain_beyond_what_seeds_explain_is_told():
    rng = np.random.default_rng(1)
    verdict = judge(baseline(*spread(40, 20, rng)), *spread(5, 5, rng))
    assert (verdict.outcome, verdict.gained) == (Outcome.PASS, True)
    assert "a leak until shown otherwise" in verdict.message


def test_ranks_and_labels_have_tests_of_their_own():
    answers = fakes.LABELS == 5
    clear, poor = answers + np.linspace(0, 0.5, 200), np.random.default_rng(0).random(200)
    before = baseline(evaluation(FIVES, answers, clear), task=FIVES)
    gate = NoRegression(FIVES, "roc_auc", quick=0.05)
    assert judge(before, evaluation(FIVES, answers, 1e6 * clear), gate=gate).outcome is Outcome.PASS
    verdict = judge(before, evaluation(FIVES, ~answers, poor), gate=gate)
    assert (verdict.outcome, "DeLong's paired test" in verdict.message) == (Outcome.FAIL, True)
    before = baseline(evaluation(TRAITS, TRAITS.target(wrong(0))), task=TRAITS)
    gate = NoRegression(TRAITS, "macro_f1", quick=0.05)
    verdict = judge(before, evaluation(TRAITS, TRAITS.target(wrong(60))), gate=gate)
    assert (verdict.outcome, "paired bootstrap" in verdict.message) == (Outcome.FAIL, True)


def test_scores_that_rank_worse_fail_even_where_the_answers_are_the_same():
    answers = fakes.LABELS == 5
    clear, poor = answers + np.linspace(0, 0.5, 200), np.random.default_rng(0).random(200)
    before = baseline(evaluation(FIVES, answers, clear), task=FIVES)
    verdict = judge(before, evaluation(FIVES, answers, poor), gate=NoRegression(FIVES, "roc_auc", quick=0.05))
    assert verdict.outcome is Outcome.FAIL
    assert "+0.00 points" in judge(before, evaluation(FIVES, answers, clear), gate=NoRegression(FIVES)).message


def test_holm_counts_the_other_models_of_the_session():
    before, now = baseline(evaluation(DIGITS, wrong(0))), evaluation(DIGITS, wrong(7))
    gate = NoRegression(DIGITS, quick=0.05)
    assert judge(before, now, gate=gate).outcome is Outcome.FAIL  # p = 0.004
    crowd = [(f"other{i}", gate, [evaluation(DIGITS, wrong(0))]) for i in range(9)]
    verdict = judge(before, now, gate=gate, family=crowd)
    assert verdict.outcome is not Outcome.FAIL
    assert "p = 0.039 after Holm's adjustment" in verdict.message


def test_missing_numbers_fail():
    answers = fakes.LABELS == 5
    before = baseline(evaluation(FIVES, answers, answers.astype(float)), task=FIVES)
    verdict = judge(
        before, evaluation(FIVES, answers, np.full(200, np.nan)), gate=NoRegression(FIVES, "roc_auc", quick=0.05)
    )
    assert verdict.outcome is Outcome.FAIL
    assert "missing or NaN" in verdict.message


def test_without_a_baseline_the_verdict_is_its_own_and_tells_the_command():
    verdict = judge(None, evaluation(DIGITS, wrong(0)))
    assert verdict.outcome is Outcome.NO_BASELINE
    assert "pytest --profile quick --models m --seeds 20, then python -m suite bless RECORD" in verdict.message


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"model": "n"}, "is of model n, expected m"),
        ({"data": fakes.dataset("full")}, "is of data"),
    ],
)
def test_a_baseline_of_something_else_fails(other, message):
    if "data" in other:
        other["data"] = type(DATA)("else", "quick", DATA.test, type(DATA.test)(DATA.test.images[::-1], fakes.LABELS))
    verdict = judge(baseline(evaluation(DIGITS, wrong(0)), **other), evaluation(DIGITS, wrong(0)))
    assert verdict.outcome is Outcome.FAIL
    assert message in verdict.message


def test_a_baseline_is_read_as_it_was_written_in_the_same_bytes(tmp_path):
    answers = fakes.LABELS == 5
    before = baseline(evaluation(FIVES, answers, answers + np.linspace(0, 0.5, 200)), task=FIVES)
    for name in ("a", "b"):
        write_baseline(before, tmp_path / name / "x.npz")
    after = read_baseline(tmp_path / "a" / "x.npz")
    assert after.about == before.about
    np.testing.assert_array_equal(after.predictions, before.predictions)
    np.testing.assert_array_equal(after.ranks, before.ranks)
    assert (tmp_path / "a" / "x.npz").read_bytes() == (tmp_path / "b" / "x.npz").read_bytes()
    assert read_baseline(tmp_path / "none.npz") is None


def test_an_edited_or_damaged_baseline_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    before = baseline(evaluation(DIGITS, wrong(10)))
    before.predictions[0, 3] += 1
    write_baseline(before, path)
    with pytest.raises(BaselineError, match="not those it was written with; restore the file from git"):
        read_baseline(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BaselineError, match="not a valid baseline"):
        read_baseline(path)


@pytest.fixture
def blessed(project, capsys):
    """A project whose one model has a baseline of three seeds."""
    project.write(SEEDED)
    project.run("--seeds", "3", "-k", "seed or gate")
    (run,) = project.runs
    baselines = str(project.path / "reports" / "baselines")
    assert main(["bless", str(run), "--baselines", baselines, "--least-seeds", "3", "--yes"]) == 0
    shutil.rmtree(run.parent)
    return project


def test_blessing_writes_what_later_runs_are_held_to(blessed, capsys):
    assert "learner on digits: 3 seeds, accuracy 0.9800; new" in capsys.readouterr().out
    assert blessed.run("--seeds", "3", "--seed", "50", "-k", "seed or gate").ret == 0
    (verdict,) = blessed.record.verdicts
    assert "by Student's t, 3 seeds against 3" in verdict.message


def test_a_model_that_got_worse_fails_with_a_figure_of_what_it_lost(blessed):
    blessed.write('model("learner", Reader, tasks=(DIGITS,), blunder=3, gates=(NoRegression(DIGITS, quick=0.1),))')
    result = blessed.run("-k", "test_gate")
    assert result.ret == 1
    assert "FAIL: 1 of 1 gates failed: learner accuracy>baseline-0.1 on digits" in blessed.report
    assert "](figures/lost-digits.png)" in blessed.report
    assert len(blessed.record.lost["learner on digits, accuracy>baseline-0.1"]) == 10


def test_blessing_asks_and_refuses_too_few_seeds(blessed, capsys, monkeypatch):
    blessed.run("--seeds", "3", "-k", "seed or gate")
    (run,) = blessed.runs
    baselines = blessed.path / "reports" / "baselines"
    before = {path: path.read_bytes() for path in baselines.rglob("*.npz")}
    assert main(["bless", str(run), "--baselines", str(baselines)]) == 1
    assert "found 3 seeds of learner on digits, expected 20 or more" in capsys.readouterr().err
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert main(["bless", str(run), "--baselines", str(baselines), "--least-seeds", "3"]) == 1
    captured = capsys.readouterr()
    assert "the same predictions" in captured.out
    assert "nothing was written" in captured.err
    assert {path: path.read_bytes() for path in baselines.rglob("*.npz")} == before


def test_a_model_without_its_library_leaves_the_others_intact(project):
    both = [f'model("{name}", tasks=(DIGITS,), gates=(NoRegression(DIGITS, quick=0.1),))' for name in ("here", "gone")]
    project.write(*both)
    project.run("-m", "not latency")
    (run,) = project.runs
    baselines = str(project.path / "reports" / "baselines")
    assert main(["bless", str(run), "--baselines", baselines, "--least-seeds", "1", "--yes"]) == 0
    shutil.rmtree(run.parent)
    project.write(both[0], both[1].replace("tasks", 'requires=("magic",), estimator=Unfittable, tasks'))
    project.run("-k", "test_gate").assert_outcomes(passed=1, skipped=1)
    assert not project.record.failures


def test_no_baseline_is_a_skip_unless_one_is_required(project):
    project.write(SEEDED)
    result = project.run("-k", "test_gate")
    result.assert_outcomes(skipped=1)
    assert "**PASS: 0 of 1 gates passed, 1 without a baseline**" in project.report
    assert project.run("-k", "test_gate", "--require-baseline").ret == 1


def test_an_inconclusive_gate_is_a_skip_unless_gates_are_strict(blessed):
    blessed.write(SEEDED.replace("0.1", "0.001"))
    blessed.run("-k", "test_gate", "--seed", "70").assert_outcomes(skipped=1)
    assert "**PASS: 0 of 1 gates passed, 1 inconclusive**" in blessed.report
    assert blessed.run("-k", "test_gate", "--seed", "70", "--strict-gates").ret == 1
