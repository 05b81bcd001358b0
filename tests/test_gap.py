"""Gaps between slices, and examples that break."""

import numpy as np
import pytest

from fitgate import FitgateError, Task
from fitgate.gates import Gap, NoFlips, NoRegression, Outcome, Reason, judge
from fitgate.metrics import METRICS
from fitgate.report.annotations import annotated
from fitgate.report.comment import write_comment
from fitgate.report.junit import properties
from tests import fakes
from tests.evidence import baseline, claim, evaluation, verdict_of, wrong
from tests.test_slices import PROJECT, TASK, bless, evidence_of, judged, made
from tests.test_slices import evaluation as of_task
from tests.test_slices import verdict_of as judged_on


def gap(shares, sizes, at_most=0.05, names="abc"):
    target, places, predictions = made(sizes, shares)
    gate = Gap(TASK, "accuracy", by="country", at_most=at_most)
    return judged_on(gate, evidence_of(target, names[: len(sizes)], places, of_task(target, predictions)))


def test_a_gap_passes_where_no_two_slices_can_differ_by_more():
    verdict = gap([0.95, 0.95, 0.96], (4000, 4000, 4000))
    assert (verdict.outcome, verdict.reason, verdict.gate) == (
        Outcome.PASS,
        Reason.WITHIN,
        "accuracy gap<=0.05 by country",
    )
    assert verdict.value < verdict.bound <= 0.05
    assert {one.name for one in verdict.slices} == set("abc")


def test_a_gap_fails_where_two_slices_surely_differ_by_more_and_names_them():
    verdict = gap([0.97, 0.96, 0.8], (2000, 2000, 500))
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.BEYOND)
    assert [one.name for one in verdict.slices[:2]] == ["c", "a"]
    assert verdict.value == pytest.approx(verdict.slices[1].value - verdict.slices[0].value)


@pytest.mark.parametrize(("sizes", "shares"), [((2000, 2000, 10), [0.95] * 3), ((300, 300), [0.95, 0.9])])
def test_a_gap_that_few_examples_leave_open_is_undecided(sizes, shares):
    assert gap(shares, sizes).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("sizes", [(2000, 5), (2000,)])
def test_a_single_slice_has_no_gap(sizes):
    verdict = gap([0.95] * len(sizes), sizes)
    assert (verdict.outcome, verdict.value) == (Outcome.INCONCLUSIVE, None)


def test_of_a_metric_that_is_better_low_the_gap_is_counted_the_same_way():
    rng = np.random.default_rng(0)
    target, places, _ = made((2000, 2000), (1, 1))
    likely = np.clip(np.where(target == 1, 0.9, 0.1) + rng.normal(0, 0.05, 4000), 0.01, 0.99)
    likely[2000:] = 0.5
    task = Task("t", fakes.DATASET, metrics=("log_loss",))
    run = of_task(target, (likely > 0.5).astype(int), ())
    run = type(run)(*[getattr(run, f) for f in ("model", "task", "n")], {"log_loss": 0.4}, 0.0, None, 0.0,
                    run.predictions, None, np.column_stack([1 - likely, likely]))  # fmt: skip
    verdict = judged_on(Gap(task, "log_loss", by="country", at_most=0.1), evidence_of(target, "ab", places, run))
    assert (verdict.outcome, verdict.slices[0].name) == (Outcome.FAIL, "b")
    assert verdict.value > 0.5


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (Gap(TASK, "accuracy", by="country", at_most=5), "found 5, expected a positive number below 1"),
        (NoFlips(TASK, 1.5), "found 1.5, expected a share above 0 and below 1"),
    ],
)
def test_a_number_that_can_t_be_meant_is_refused(gate, message):
    with pytest.raises(FitgateError, match=message):
        gate.check("", METRICS)


def flipped(broken, mended=0):
    """Predictions that lose some of the right answers of `wrong(20)`, and get some of its wrong ones right."""
    found = wrong(20)
    found[100 : 100 + broken] = (fakes.LABELS[100 : 100 + broken] + 1) % 10
    found[:mended] = fakes.LABELS[:mended]
    return found


def flips(broken, mended=0, at_most=0.05):
    before = baseline(evaluation(fakes.DIGITS, wrong(20)))
    return verdict_of(NoFlips(fakes.DIGITS, at_most), evaluation(fakes.DIGITS, flipped(broken, mended)), before=before)


@pytest.mark.parametrize(
    ("broken", "outcome", "reason"),
    [
        (0, Outcome.PASS, Reason.SAME_OUTPUT),
        (2, Outcome.PASS, Reason.WITHIN),
        (8, Outcome.INCONCLUSIVE, Reason.UNSURE),
        (30, Outcome.FAIL, Reason.BEYOND),
    ],
)
def test_a_deterministic_model_may_break_so_many_examples(broken, outcome, reason):
    verdict = flips(broken)
    assert (verdict.outcome, verdict.reason, verdict.gate) == (outcome, reason, "broken<=0.05")
    assert verdict.value == broken / 200


def test_mended_examples_do_not_make_up_for_broken_ones():
    verdict = flips(30, mended=20)
    assert (verdict.outcome, verdict.flips.broken, verdict.flips.mended) == (Outcome.FAIL, 30, 20)
    assert verdict.lost == list(range(100, 110))
    before = baseline(evaluation(fakes.DIGITS, wrong(20)))
    accuracy = verdict_of(
        NoRegression(fakes.DIGITS, "accuracy", 0.1), evaluation(fakes.DIGITS, flipped(30, 20)), before=before
    )
    assert (accuracy.outcome, accuracy.flips) == (Outcome.PASS, verdict.flips)
    assert "Test examples that broke: 30 (100, 101, " in accuracy.details


def seeds(count, extra=0, first=0):
    """Outputs of seeds that each get some of 40 border examples wrong, by chance, and as many more for sure."""
    found = []
    for seed in range(first, first + count):
        answers = fakes.LABELS.copy()
        border = np.flatnonzero(np.random.default_rng(seed).random(40) < 0.1)
        answers[border] = (answers[border] + 1) % 10
        answers[100 : 100 + extra] = (answers[100 : 100 + extra] + 1) % 10
        found.append(evaluation(fakes.DIGITS, answers))
    return found


def test_what_another_seed_breaks_is_not_held_against_a_model_with_seeds():
    gate, before = NoFlips(fakes.DIGITS, 0.02), baseline(*seeds(20))
    clean = verdict_of(gate, *seeds(3, first=100), before=before, seeds=3)
    assert (clean.outcome, clean.seeds) == (Outcome.PASS, 3)
    worse = verdict_of(gate, *seeds(3, extra=20, first=100), before=before, seeds=3)
    assert worse.outcome is Outcome.FAIL
    assert worse.value == pytest.approx(clean.value + 0.1)
    assert worse.lost == list(range(100, 110))


def test_no_seed_alone_fails_a_model():
    gate, before = NoFlips(fakes.DIGITS, 0.02), baseline(*seeds(20))
    sound, far_off = seeds(4, first=100), seeds(2, extra=60, first=200)
    assert verdict_of(gate, far_off[0], before=before, seeds=1).outcome is Outcome.INCONCLUSIVE
    assert verdict_of(gate, *sound, far_off[0], before=before, seeds=5).outcome is Outcome.INCONCLUSIVE
    assert verdict_of(gate, *far_off, before=before, seeds=2).outcome is Outcome.FAIL
    same = [evaluation(fakes.DIGITS, far_off[0].predictions)] * 2  # its seeds change nothing: that is the model
    assert verdict_of(gate, *same, before=before, seeds=2).outcome is Outcome.FAIL


def test_costs_of_a_task_are_those_of_what_broke_and_what_was_mended():
    found = evidence_of(
        np.array([0, 1] * 100),
        "a",
        np.zeros(200),
        of_task(np.array([0, 1] * 100), np.r_[1 - np.array([0, 1] * 10), np.array([0, 1] * 90)]),
        before=[of_task(np.array([0, 1] * 100), np.r_[np.array([0, 1] * 90), 1 - np.array([0, 1] * 10)])],
    )
    truth = found.truths["t"]
    object.__setattr__(truth, "costs", np.array([[0.0, 1.0], [5.0, 0.0]]))
    (verdict,) = judge([claim("m", NoRegression(TASK, "accuracy", 0.1))], found).verdicts
    assert (verdict.flips.broken, verdict.flips.cost, verdict.flips.saved) == (20, 60.0, 60.0)
    assert "these cost 60 more, and 60 less" in verdict.details


def test_a_new_gate_shows_in_every_report(project):
    gates = 'Gap(TASK, "accuracy", by=half, at_most=0.05), NoFlips(TASK, 0.02))'
    text = PROJECT.replace("import Dataset, ", "import Dataset, Gap, NoFlips, ")
    text = text.replace('Floor(TASK, "accuracy", 0.6, by=half), NoRegression(TASK, "accuracy", 0.05, by=half))', gates)
    judged(project, text.replace("WRONG", "40"))
    bless(project)
    record = judged(project, text.replace("X[:, 0] % WRONG == 0", "X[:, 0] < 60"))
    assert [v.outcome for v in record.verdicts] == [Outcome.FAIL, Outcome.FAIL]
    for rule in ("accuracy gap<=0.05 by half", "broken<=0.02"):
        assert f"`{rule}`" in project.report.replace("&lt;", "<")
    assert len([line for line in annotated(record, project.path, project.path) if line.startswith("::error ")]) == 2
    assert dict(properties(record.verdicts[1]))["gate.broken"] == "58"
    comment = write_comment(record, project.path / "comment.md").read_text()
    assert "first has accuracy" not in comment
    assert "second has accuracy 1.0000, and first" in comment
