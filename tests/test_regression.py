"""The regression gate: what it compares, what it says, and how a baseline comes about."""

import re
import shutil

import numpy as np
import pytest
from msgspec import structs

from fitgate import Outcome
from fitgate.cli import main
from fitgate.gates import BaselineError, Reason, baseline_file, find_baseline, judge, read_baseline, write_baseline
from fitgate.gates.archive import other_files
from tests import fakes
from tests.conftest import SEEDED
from tests.evidence import baseline, claim, evaluation, evidence, verdict_of, wrong
from tests.fakes import DIGITS, FIVES, TRAITS, NoRegression

DIGEST = fakes.DATASET.digest
GATE = NoRegression(DIGITS, "accuracy", 0.1)
OTHERS = [f"other{i}" for i in range(9)]


def judged(before, *now, gate=GATE, family=(), **settings):
    return verdict_of(gate, *now, before=before, family=family, **settings)


def asking(before, *now, gate=GATE, **settings):
    """All of the judgement, of the model `m` alone."""
    task = gate.task.name
    return judge([claim("m", gate)], evidence({("m", task): list(now)}, {("m", task): before}, **settings))


def perfect(model):
    """The baseline of a model that makes no mistake."""
    return baseline(evaluation(DIGITS, wrong(0)), model=model)


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
    verdict = judged(baseline(evaluation(DIGITS, wrong(10))), evaluation(DIGITS, wrong(10)))
    assert verdict.outcome is Outcome.PASS
    assert verdict.reason is Reason.SAME_OUTPUT


def test_a_deterministic_model_that_lost_examples_fails_and_says_which():
    verdict = judged(baseline(evaluation(DIGITS, wrong(0))), evaluation(DIGITS, wrong(25)))
    assert verdict.outcome is Outcome.FAIL
    assert "accuracy 0.8750 against the baseline's 1.0000: -12.50 points" in verdict.details
    assert "by McNemar's mid-p, 25 lost and 0 gained, p = 1.5e-08 after Holm's adjustment" in verdict.details
    assert "fell most for the classes 0 by 15.00 points, 1 by 15.00 points" in verdict.details
    assert verdict.lost == list(range(10))
    assert "The environment is the same." in verdict.details


def test_a_loss_that_matters_less_than_half_of_the_margin_passes_and_is_reported():
    verdict = judged(
        baseline(evaluation(DIGITS, wrong(0))),
        evaluation(DIGITS, wrong(12)),
        gate=NoRegression(DIGITS, "accuracy", 0.2),
    )
    assert (verdict.outcome, verdict.reason) == (Outcome.PASS, Reason.SMALL_FALL)


def test_too_few_examples_are_inconclusive_and_it_says_what_would_decide():
    shifted = np.roll(wrong(30), 100)  # the same number of mistakes, elsewhere
    verdict = judged(
        baseline(evaluation(DIGITS, wrong(30))),
        evaluation(DIGITS, shifted),
        gate=NoRegression(DIGITS, "accuracy", 0.01),
    )
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "Too little to decide: with 90% confidence the fall is at most 5.00 points" in verdict.details
    assert re.search(
        r"about 39,\d{3}, such as a larger profile, or cross-validation, which tests all\.", verdict.message
    )


SEEDS = NoRegression(DIGITS, "accuracy", 0.03)


def test_seeds_are_tested_by_the_spread_of_the_baseline_s():
    rng = np.random.default_rng(0)
    before = baseline(*spread(20, 20, rng))
    worse = judged(before, *spread(28, 5, rng), gate=SEEDS)
    assert (worse.outcome, worse.reason, worse.seeds) == (Outcome.FAIL, Reason.FALL, 5)
    assert "by Student's t, 5 seeds against 20 and their spread" in worse.details
    clean = judged(before, *spread(20, 1, rng), gate=SEEDS)
    assert (clean.outcome, clean.seeds) == (Outcome.PASS, 1)
    assert "With 90% confidence the fall is at most" in clean.details
    assert "fails a fall of 3 points with a probability of 97%, and a model that is no worse with one of 1% at" in (
        clean.details
    )


def test_one_collapsed_seed_fails_though_the_mean_of_all_has_hardly_moved():
    rng = np.random.default_rng(0)
    before = baseline(*spread(20, 20, rng))
    verdict = judged(before, *spread(20, 9, rng), evaluation(DIGITS, wrong(36)), gate=SEEDS)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.COLLAPSE)
    assert "One seed lies 8.275 points below the baseline's mean" in verdict.details
    assert verdict.lost


def test_between_pass_and_fail_another_seed_is_asked_for_and_then_what_it_would_take():
    rng = np.random.default_rng(3)
    before, tight = baseline(*spread(20, 20, rng)), NoRegression(DIGITS, "accuracy", 0.005)
    now = spread(20, 1, rng)
    asked = asking(before, *now, gate=tight)
    assert asked.requests == [("m", "digits", 2)]
    (verdict,) = asking(before, *now, gate=tight, most_seeds=1).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.INCONCLUSIVE, Reason.LOW_POWER)
    assert re.search(r"and the margin is 0\.5 points; .*about \d+ seeds would decide", verdict.details)
    assert asking(before, *now, gate=tight, most_seeds=1).requests == []


def test_what_passed_by_fewer_seeds_stays_so_unless_more_of_them_fail_it():
    """Another gate of the model may ask for more: each look counts, so that the order of gates does not."""
    before, tight = baseline(*spread(20, 20, np.random.default_rng(0))), NoRegression(DIGITS, "accuracy", 0.008)
    good, bad = evaluation(DIGITS, wrong(14)), [evaluation(DIGITS, wrong(40))] * 4
    poor = [evaluation(DIGITS, wrong(n)) for n in (19, 21, 22, 23)]
    assert judged(before, good, gate=tight).outcome is Outcome.PASS
    assert judged(before, good, *poor, gate=tight).outcome is Outcome.PASS
    assert judged(before, *poor, good, gate=tight).outcome is Outcome.INCONCLUSIVE
    assert judged(before, good, *bad, gate=tight).outcome is Outcome.FAIL


# Confirmation


def confirming(*counts, **settings):
    """The judgement by so many mistakes of each seed, where a fall is to be confirmed."""
    before = baseline(*spread(20, 20, np.random.default_rng(0)))
    now = [evaluation(DIGITS, np.roll(wrong(n), 10 * i)) for i, n in enumerate(counts)]
    return asking(before, *now, gate=SEEDS, confirm=True, **settings)


def test_a_fall_waits_for_five_fresh_seeds_and_fails_until_they_refute_it():
    pending = confirming(26)
    assert pending.requests == [("m", "digits", 6)]
    assert pending.verdicts[0].outcome is Outcome.FAIL
    assert "5 of 5 fresh seeds that were to confirm it were not trained" in pending.verdicts[0].message
    assert confirming(26, 26).requests == [("m", "digits", 6)]


def test_fresh_seeds_confirm_a_fall_or_refute_it():
    confirmed, refuted = confirming(26, 26, 24, 27, 26, 25), confirming(26, 19, 20, 18, 21, 20)
    assert (confirmed.requests, refuted.requests) == ([], [])
    assert (confirmed.verdicts[0].outcome, confirmed.verdicts[0].reason) == (Outcome.FAIL, Reason.FALL)
    assert "It has become worse, which 5 fresh seeds see, too (p = " in confirmed.verdicts[0].details
    assert (refuted.verdicts[0].outcome, refuted.verdicts[0].reason) == (Outcome.INCONCLUSIVE, Reason.UNCONFIRMED)
    assert refuted.verdicts[0].message.startswith("Seeds before showed a fall, which 5 fresh seeds do not see (p = ")


def test_the_seeds_that_confirm_are_beside_the_budget_and_no_looks():
    assert confirming(26, most_seeds=1).requests == [("m", "digits", 6)]
    (verdict,) = confirming(26, 26, 24, 27, 26, 25, most_seeds=1).verdicts
    assert (verdict.outcome, verdict.seeds) == (Outcome.FAIL, 6)
    assert "by Student's t, 1 seed against 20" in verdict.details
    assert confirming(20, 40, 40, most_seeds=1).verdicts[0].outcome is Outcome.PASS  # they are not looked at


def test_a_collapsed_seed_needs_no_confirmation():
    (verdict,) = confirming(*[20] * 9, 40).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.COLLAPSE)


def test_what_passes_or_is_open_asks_for_no_confirmation():
    assert confirming(20).requests == []
    assert confirming(22, most_seeds=1).requests == []


def test_a_deterministic_model_s_fall_needs_none():
    before = baseline(evaluation(DIGITS, wrong(0)))
    judgement = asking(before, evaluation(DIGITS, wrong(25)), confirm=True)
    assert (judgement.verdicts[0].outcome, judgement.requests) == (Outcome.FAIL, [])


# Identity


def differing():
    return [evaluation(DIGITS, wrong(n)) for n in range(10, 30)]


def test_the_baseline_s_outputs_pass_seed_by_seed():
    before = baseline(*differing())
    one = judged(before, *differing()[:1], gate=SEEDS)
    assert (one.outcome, one.reason, one.p_value) == (Outcome.PASS, Reason.SAME_OUTPUT, None)
    several = judged(before, *differing()[:5], gate=SEEDS)
    assert (several.reason, several.seeds) == (Reason.SAME_OUTPUT, 5)
    assert "with each of 5 seeds" in several.message


def test_the_output_of_another_seed_is_no_proof_of_the_same_model():
    before = baseline(evaluation(DIGITS, wrong(180)), *differing())  # of which one has collapsed
    verdict = judged(before, evaluation(DIGITS, wrong(29)), gate=SEEDS)  # the baseline's last, with its first seed
    assert verdict.reason is not Reason.SAME_OUTPUT
    assert judged(before, *differing()[:1], gate=SEEDS).reason is not Reason.SAME_OUTPUT


def test_what_is_the_baseline_s_leaves_the_family_of_tests():
    before, gate = baseline(evaluation(DIGITS, wrong(0))), NoRegression(DIGITS, "accuracy", 0.05)
    now = evaluation(DIGITS, wrong(7))  # p = 0.004
    same = [(name, gate, evaluation(DIGITS, wrong(0)), perfect(name)) for name in OTHERS]
    verdict = judged(before, now, gate=gate, family=same)
    assert (verdict.outcome, verdict.level) == (Outcome.FAIL, 0.01)


def test_another_environment_is_named_as_the_likely_reason_of_other_output():
    before = baseline(*differing())
    about = structs.replace(before.about, environment=structs.replace(before.about.environment, cores=999))
    moved = structs.replace(before, about=about)
    verdict = judged(moved, evaluation(DIGITS, np.roll(wrong(20), 50)), gate=SEEDS)
    assert "The output may differ by the environment alone: cores 999 -> " in verdict.details
    assert "environment" not in judged(before, evaluation(DIGITS, np.roll(wrong(20), 50)), gate=SEEDS).details
    other = structs.replace(moved, about=structs.replace(about, seeds=list(range(2000, 2020))))
    assert "environment" not in judged(other, evaluation(DIGITS, np.roll(wrong(20), 50)), gate=SEEDS).details


def test_a_gain_beyond_what_seeds_explain_is_told():
    rng = np.random.default_rng(1)
    verdict = judged(baseline(*spread(40, 20, rng)), *spread(5, 5, rng))
    assert (verdict.outcome, verdict.gained) == (Outcome.PASS, True)
    assert "suspect a leak of test examples" in verdict.message


def test_ranks_and_labels_have_tests_of_their_own():
    answers = fakes.LABELS == 5
    clear, poor = answers + np.linspace(0, 0.5, 200), np.random.default_rng(0).random(200)
    before = baseline(evaluation(FIVES, answers, clear), task=FIVES)
    gate = NoRegression(FIVES, "roc_auc", 0.05)
    assert judged(before, evaluation(FIVES, answers, 1e6 * clear), gate=gate).outcome is Outcome.PASS
    verdict = judged(before, evaluation(FIVES, ~answers, poor), gate=gate)
    assert (verdict.outcome, "DeLong's paired test" in verdict.details) == (Outcome.FAIL, True)
    before = baseline(evaluation(TRAITS, TRAITS.target(wrong(0))), task=TRAITS)
    gate = NoRegression(TRAITS, "macro_f1", 0.05)
    verdict = judged(before, evaluation(TRAITS, TRAITS.target(wrong(60))), gate=gate)
    assert (verdict.outcome, "paired bootstrap" in verdict.details) == (Outcome.FAIL, True)


def test_scores_that_rank_worse_fail_even_where_the_answers_are_the_same():
    answers = fakes.LABELS == 5
    clear, poor = answers + np.linspace(0, 0.5, 200), np.random.default_rng(0).random(200)
    before = baseline(evaluation(FIVES, answers, clear), task=FIVES)
    verdict = judged(before, evaluation(FIVES, answers, poor), gate=NoRegression(FIVES, "roc_auc", 0.05))
    assert verdict.outcome is Outcome.FAIL
    same = judged(before, evaluation(FIVES, answers, clear), gate=NoRegression(FIVES, "f1", 0.05))
    assert "F1 1.0000: the output is the baseline's" in same.message


def test_holm_counts_the_other_models_of_the_session():
    before, now = baseline(evaluation(DIGITS, wrong(0))), evaluation(DIGITS, wrong(7))
    gate = NoRegression(DIGITS, "accuracy", 0.05)
    assert judged(before, now, gate=gate).outcome is Outcome.FAIL  # p = 0.004
    crowd = [(name, gate, evaluation(DIGITS, wrong(1)), perfect(name)) for name in OTHERS]
    verdict = judged(before, now, gate=gate, family=crowd)
    assert verdict.outcome is not Outcome.FAIL
    assert "p = 0.039 after Holm's adjustment" in verdict.details
    assert verdict.level == pytest.approx(0.001)


def test_missing_numbers_fail():
    answers = fakes.LABELS == 5
    before = baseline(evaluation(FIVES, answers, answers.astype(float)), task=FIVES)
    verdict = judged(
        before, evaluation(FIVES, answers, np.full(200, np.nan)), gate=NoRegression(FIVES, "roc_auc", 0.05)
    )
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.NO_VALUE)


def test_without_a_baseline_the_verdict_is_its_own_and_tells_the_command():
    verdict = judged(None, evaluation(DIGITS, wrong(0)))
    assert verdict.outcome is Outcome.NO_BASELINE
    assert (
        "pytest --fit-profile=quick --fit-models=m --fit-tasks=digits --fit-seeds=20 --fit-seed=2000, then"
        in verdict.message
    )


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"model": "n"}, "found model n, expected m"),
        ({"digest": "f" * 64}, "found data fff"),
    ],
)
def test_a_baseline_of_something_else_fails(other, message):
    verdict = judged(baseline(evaluation(DIGITS, wrong(0)), **other), evaluation(DIGITS, wrong(0)))
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
    with pytest.raises(BaselineError, match="found other arrays than those it was written with"):
        read_baseline(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BaselineError, match="found a damaged file"):
        read_baseline(path)


def test_blessing_writes_what_later_runs_are_held_to(blessed, capsys):
    assert "learner on digits: 3 seeds, accuracy 0.9800; new" in capsys.readouterr().out
    assert blessed.run("--fit-seeds", "3", "--fit-seed", "50", "-k", "seed or gate").ret == 0
    (verdict,) = blessed.record.verdicts
    assert "by Student's t, 3 seeds against 3" in verdict.details


def test_a_model_that_got_worse_fails_with_a_figure_of_what_it_lost(blessed):
    blessed.write(
        'model("learner", Reader, tasks=(DIGITS,), blunder=3, gates=(NoRegression(DIGITS, "accuracy", 0.1),))'
    )
    result = blessed.run("-k", "test_gate")
    assert result.ret == 1
    assert "FAIL: 1 of 1 gate failed: learner accuracy>baseline-0.1 on digits" in blessed.report
    assert "](figures/lost" in blessed.report
    assert len(blessed.record.lost["learner on digits, accuracy>baseline-0.1"]) == 10


def test_blessing_asks_and_refuses_too_few_seeds(blessed, capsys, monkeypatch):
    blessed.run("--fit-seeds", "3", "-k", "seed or gate")
    (run,) = blessed.runs
    baselines = blessed.path / "baselines"
    before = {path: path.read_bytes() for path in baselines.rglob("*.npz")}
    assert main(["bless", str(run), "--baselines", str(baselines)]) == 1
    assert "learner on digits: found 3 seeds, expected 20 or more" in capsys.readouterr().err
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert main(["bless", str(run), "--baselines", str(baselines), "--least-seeds", "3"]) == 1
    captured = capsys.readouterr()
    assert "the same output" in captured.out
    assert "nothing was written" in captured.err
    assert {path: path.read_bytes() for path in baselines.rglob("*.npz")} == before


def test_a_model_without_its_library_leaves_the_others_intact(project):
    both = [
        f'model("{name}", tasks=(DIGITS,), gates=(NoRegression(DIGITS, "accuracy", 0.1),))' for name in ("here", "gone")
    ]
    project.write(*both)
    project.run("-m", "not latency")
    (run,) = project.runs
    baselines = str(project.path / "baselines")
    assert main(["bless", str(run), "--baselines", baselines, "--least-seeds", "1", "--yes"]) == 0
    shutil.rmtree(run.parent)
    project.write(both[0], both[1].replace("tasks", 'requires=("magic",), estimator=Unfittable, tasks'))
    project.run("-k", "test_gate").assert_outcomes(passed=1, skipped=1)
    assert not project.record.failures


def test_no_baseline_is_a_skip_unless_one_is_required(project):
    project.write(SEEDED)
    result = project.run("-k", "test_gate")
    result.assert_outcomes(skipped=1)
    assert "**INCONCLUSIVE: 0 of 1 gate passed, 1 without a baseline**" in project.report
    assert project.run("-k", "test_gate", "--gate-require-baseline").ret == 1


def test_an_inconclusive_gate_is_a_skip_unless_gates_are_strict(blessed):
    blessed.write(SEEDED.replace("0.1", "0.001"))
    one = ("-k", "test_gate", "--fit-seed", "20", "--gate-budget", "1")
    blessed.run(*one).assert_outcomes(skipped=1)
    assert "**INCONCLUSIVE: 0 of 1 gate passed, 1 inconclusive**" in blessed.report
    assert blessed.run(*one, "--gate-strict").ret == 1


def test_a_baseline_of_a_model_that_is_gone_ends_the_session(blessed):
    blessed.write(SEEDED.replace("learner", "pupil"))
    result = blessed.run()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: *learner-digits-*.npz: found a baseline of a model *learner*"])


# Baselines of several data


@pytest.fixture
def moved(blessed):
    """The project of `blessed`, whose data has changed since."""
    conftest = blessed.path / "conftest.py"
    blessed.write(SEEDED.replace("DIGITS", "OTHER"))
    data = "lambda: (Split(images(), LABELS), Split(images()[::-1], LABELS[::-1]))"
    conftest.write_text(
        conftest.read_text() + f'\nOTHER = Task("digits", Dataset("fake", {{"quick": {data}}}), kind="multiclass")\n'
    )
    return blessed


def files(project):
    return sorted(path.name for path in (project.path / "baselines" / "quick").glob("*.npz"))


def test_a_baseline_is_named_after_model_task_and_data(blessed):
    assert files(blessed) == [f"learner-digits-{DIGEST[:8]}.npz"]


def test_where_only_other_data_has_a_baseline_the_gate_fails_in_one_line(moved):
    assert moved.run("-k", "test_gate").ret == 1
    (verdict,) = moved.record.verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.BAD_BASELINE)
    assert re.fullmatch(
        rf"baselines.quick.learner-digits-\w{{8}}\.npz: found a baseline of other data, SHA-256 {DIGEST[:16]}, "
        r"expected one of this data, \w{16}; restore the data, or bless a run on it and delete the old file\.",
        verdict.message,
    )


def bless(project, *options):
    (run,) = project.runs
    baselines = str(project.path / "baselines")
    status = main(["bless", str(run), "--baselines", baselines, "--least-seeds", "3", "--yes", *options])
    shutil.rmtree(run.parent)
    return status


def test_baselines_of_several_data_stand_side_by_side(moved, capsys):
    (old,) = files(moved)
    moved.run("--fit-seeds", "3", "-k", "seed or gate")
    assert bless(moved) == 0
    assert f"beside it, of other data: {old}, which stays; --replace deletes it" in capsys.readouterr().out
    assert len(files(moved)) == 2
    assert moved.run("-k", "test_gate").ret == 0
    assert moved.record.verdicts[0].reason is Reason.SAME_OUTPUT
    shutil.rmtree(moved.path / ".fitgate")
    moved.write(SEEDED)
    assert moved.run("-k", "test_gate").ret == 0
    assert moved.record.verdicts[0].reason is Reason.SAME_OUTPUT


def test_blessing_deletes_those_of_other_data_where_it_is_asked_to(moved, capsys):
    (old,) = files(moved)
    moved.run("--fit-seeds", "3", "-k", "seed or gate")
    assert bless(moved, "--replace") == 0
    assert f"{old}, which is deleted" in capsys.readouterr().out
    assert len(files(moved)) == 1
    assert old not in files(moved)


def test_tasks_whose_names_begin_alike_keep_their_baselines_apart(tmp_path):
    for task, digest in (("a", "1" * 64), ("a-b", "2" * 64), ("a-22222222", "3" * 64)):
        path = baseline_file(tmp_path, "", "m", task, digest)
        path.touch()
    assert other_files(tmp_path, "", "m", "a", "4" * 64) == [tmp_path / "m-a-11111111.npz"]


def test_a_file_that_holds_another_baseline_than_its_name_says_is_refused(tmp_path):
    path = baseline_file(tmp_path, "quick", "n", "digits", DIGEST)
    write_baseline(baseline(evaluation(DIGITS, wrong(0))), path)
    with pytest.raises(BaselineError, match=r"found a baseline of m on digits, .*, expected one of n on digits"):
        find_baseline(tmp_path, "quick", "n", "digits", DIGEST)


def test_a_baseline_that_no_gate_would_find_ends_the_session(blessed):
    (name,) = files(blessed)
    folder = blessed.path / "baselines" / "quick"
    (folder / name).rename(folder / "learner-digits.npz")
    result = blessed.run()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: *learner-digits.npz: found a name by which no gate finds it, *; rename it*"])
