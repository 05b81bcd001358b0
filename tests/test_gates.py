"""Gates: what they ask, what they conclude, and what declares them wrongly."""

import dataclasses

import msgspec
import numpy as np
import pytest

from fitgate import FitgateError, Metric, Model, Outcome, Task
from fitgate.gates import Claim, Reason, judge
from fitgate.model import register
from tests import fakes
from tests.evidence import baseline, claim, evaluation, evidence, verdict_of, wrong
from tests.fakes import DIGITS, FIVES, TRAITS, Above, Floor, NoRegression


def test_a_floor_passes_at_exactly_the_count_that_it_states():
    gate = Floor(DIGITS, "accuracy", quick=0.9)
    assert "It takes 190 of 200 right" in verdict_of(gate, evaluation(DIGITS, wrong(10))).details
    assert verdict_of(gate, evaluation(DIGITS, wrong(10))).outcome is Outcome.PASS
    assert verdict_of(gate, evaluation(DIGITS, wrong(11))).outcome is Outcome.FAIL


def test_a_verdict_has_its_numbers_apart_from_its_words():
    verdict = verdict_of(Floor(DIGITS, "accuracy", 0.9), evaluation(DIGITS, wrong(20)))
    assert (verdict.kind, verdict.metric, verdict.reason) == ("Floor", "accuracy", Reason.BOUND_MISSES)
    assert (verdict.value, verdict.threshold, verdict.n) == (0.9, 0.9, 200)
    assert verdict.bound < 0.9


def test_a_name_can_not_begin_a_line_of_a_failure():
    verdict = verdict_of(Floor(DIGITS, "accuracy", 0.9), evaluation(DIGITS, wrong(20)))
    forged = msgspec.structs.replace(verdict, gate="a\n::error file=x::forged")
    assert not any(line.startswith("::") for line in forged.failure.splitlines())


def test_a_verdict_names_the_line_that_declares_its_gate():
    gate = Floor(DIGITS, "accuracy", 0.9)
    assert verdict_of(gate, evaluation(DIGITS, wrong(0))).where.startswith("tests/test_gates.py:")


def test_a_floor_says_when_only_the_number_of_examples_is_to_blame():
    verdict = verdict_of(Floor(DIGITS, "accuracy", quick=0.9), evaluation(DIGITS, wrong(12)))
    assert "reaches the floor of 0.9, but not by enough to be sure" in verdict.message


def test_a_floor_holds_for_each_kind_of_metric():
    answers = fakes.LABELS == 5
    scores = answers + np.linspace(0, 0.5, 200)
    assert verdict_of(Floor(FIVES, "roc_auc", quick=0.9), evaluation(FIVES, answers, scores)).passed
    assert verdict_of(Floor(FIVES, "f1", quick=0.9), evaluation(FIVES, answers, scores)).passed
    traits = TRAITS.target(wrong(20))
    verdict = verdict_of(Floor(TRAITS, "macro_f1", quick=0.97), evaluation(TRAITS, traits))
    assert not verdict.passed
    assert verdict.bound < verdict.value < 1
    assert verdict_of(Floor(DIGITS, "macro_f1", quick=0.8), evaluation(DIGITS, wrong(10))).passed


def distance(target, output):
    return float(np.abs(target.astype(float) - output).mean())


LOSS = Metric("distance", distance, higher_is_better=False, range=(0.0, np.inf), unit="")
LOSSY = Task("digits", fakes.DATASET, metrics=(LOSS,))


@pytest.mark.parametrize(("most", "outcome"), [(0.9, Outcome.PASS), (0.1, Outcome.FAIL)])
def test_of_a_loss_a_floor_is_the_most_that_it_may_be(most, outcome):
    gate = Floor(LOSSY, "distance", most)
    run = evaluation(DIGITS, wrong(20))
    run.metrics["distance"] = distance(fakes.LABELS, wrong(20))
    found = evidence({("m", "digits"): run})
    found = type(found)(found.truths, {"distance": LOSS}, found.settings, found.environment, found.runs)
    (verdict,) = judge([claim("m", gate)], found).verdicts
    assert (verdict.gate, verdict.outcome) == (f"distance<={most:g}", outcome)
    assert verdict.bound > verdict.value


def test_a_metric_that_is_nan_or_missing_fails():
    gate = Floor(DIGITS, "accuracy", quick=0.0)
    for run in (evaluation(DIGITS, wrong(0), accuracy=None), evaluation(DIGITS, wrong(0) / np.inf * np.nan)):
        verdict = verdict_of(gate, run)
        assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.NO_VALUE)


def test_a_model_that_was_not_evaluated_fails():
    (verdict,) = judge([claim("m", Floor(DIGITS, "accuracy", 0.0))], evidence({})).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.NOT_EVALUATED)


@pytest.mark.parametrize(
    "gate", [Floor(DIGITS, "accuracy", 0.0), Above(DIGITS, "accuracy", "n"), NoRegression(DIGITS, "accuracy", 0.1)]
)
def test_a_model_whose_task_has_no_target_was_not_evaluated(gate):
    (verdict,) = judge([Claim("m", gate, "rule")], dataclasses.replace(evidence({}), truths={})).verdicts
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.NOT_EVALUATED)


def test_a_number_may_be_for_all_profiles_or_for_each():
    gate = Floor(DIGITS, "accuracy", full=0.985)
    assert [gate.rule(profile) for profile in ("quick", "full", "any")] == [None, "accuracy>=0.985", None]
    assert Floor(DIGITS, "accuracy", 0.9).rule("any") == "accuracy>=0.9"


def test_above_needs_a_significant_lead():
    answers = fakes.LABELS == 5
    noise = np.random.default_rng(0).normal(size=200)
    good, poor = answers + 0.1 * noise, answers + 2 * noise
    gate = Above(FIVES, "roc_auc", rival="poor")
    mine, theirs = evaluation(FIVES, answers, good), evaluation(FIVES, answers, poor, "poor")
    verdict = verdict_of(gate, mine, rivals={"poor": theirs})
    assert (verdict.outcome, verdict.threshold) == (Outcome.PASS, theirs.metrics["roc_auc"])
    assert "99% interval [+" in verdict.details
    assert verdict_of(gate, mine, rivals={"poor": mine}).outcome is Outcome.FAIL
    assert verdict_of(gate, theirs, rivals={"poor": mine}).outcome is Outcome.FAIL


def test_above_holds_for_any_metric_with_a_paired_test():
    gate = Above(DIGITS, "accuracy", rival="poor")
    rivals = {"poor": evaluation(DIGITS, wrong(40), model="poor")}
    verdict = verdict_of(gate, evaluation(DIGITS, wrong(0)), rivals=rivals)
    assert verdict.outcome is Outcome.PASS
    assert verdict.bound == pytest.approx(0.2, abs=0.07)
    assert "0 lost and 40 gained" in verdict.details


def test_above_fails_if_the_rival_has_no_number():
    answers = fakes.LABELS == 5
    poor = evaluation(FIVES, answers, np.full(200, np.nan), "poor")
    mine = evaluation(FIVES, answers, answers + 0.0)
    for rivals in ({"poor": poor}, {}):
        assert verdict_of(Above(FIVES, "roc_auc", rival="poor"), mine, rivals=rivals).outcome is Outcome.FAIL


def test_a_gate_judges_again_what_a_record_kept_of_it():
    for gate in (
        Floor(DIGITS, "accuracy", quick=0.9),
        Above(FIVES, "f1", "sgd"),
        NoRegression(DIGITS, "accuracy", 0.1),
    ):
        declared = gate.declaration("m", "quick")
        again = type(gate).restored(declared, gate.task)
        assert (again, again.where) == (gate, gate.where)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Floor(DIGITS, "roc_auc", quick=0.5), "found metric 'roc_auc', expected one of accuracy, macro_f1"),
        (lambda: Above(FIVES, "macro_f1", "sgd"), "found metric 'macro_f1', expected one of roc_auc, accuracy, f1"),
        (lambda: Floor(DIGITS, "accuracy"), "found no number, expected one number, or one for each profile"),
        (lambda: Floor(DIGITS, "accuracy", 0.5, quick=0.5), "found a number for all profiles and others by profile"),
        (lambda: Task("t", fakes.DATASET, metrics=()), "task t: found no metric, expected one or more"),
    ],
)
def test_a_gate_or_task_declared_wrongly_is_refused(declare, message):
    with pytest.raises(FitgateError) as caught:
        declare()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (Floor(DIGITS, "accuracy", 95), "found 95, expected a number from 0 to 1"),
        (NoRegression(DIGITS, "accuracy", -0.01), "found a margin of -0.01, expected a positive number"),
    ],
)
def test_a_number_that_can_t_be_meant_is_refused_with_its_line(gate, message):
    from fitgate.metrics import METRICS

    with pytest.raises(FitgateError, match=r"^tests/test_gates\.py:\d+: ") as caught:
        gate.check("quick", METRICS)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Model("Big Model", object, (DIGITS,)), "found 'Big Model', expected lower-case letters"),
        (lambda: Model("m", object), "model m: found no task and no gate, expected a task"),
        (
            lambda: Model("m", object, (DIGITS,), (Floor(FIVES, "f1", quick=0.5),)),
            "model m: found a gate on task fives, expected one on digits",
        ),
        (lambda: register([Model("m", object, (DIGITS,)), Model("m", object, (DIGITS,))]), "model m: found two models"),
    ],
)
def test_a_model_declared_wrongly_is_refused(declare, message):
    with pytest.raises(FitgateError) as caught:
        declare()
    assert message in str(caught.value)


def test_a_model_s_tasks_are_those_of_its_gates_where_it_names_none():
    model = Model("m", object, gates=(Floor(FIVES, "f1", 0.5), Floor(DIGITS, "accuracy", 0.5), Floor(FIVES, "f1", 0.6)))
    assert model.tasks == (FIVES, DIGITS)
    assert model.timed_task is FIVES


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        (
            Floor(DIGITS, "accuracy", fulll=0.9),
            "found a number for profile 'fulll', expected one of fake's: quick, full",
        ),
        (NoRegression(DIGITS, "accuracy", 1), "found a margin of 1, expected a positive number below 1"),
    ],
)
def test_a_number_that_would_never_apply_or_never_fail_is_refused(gate, message):
    from fitgate.metrics import METRICS

    with pytest.raises(FitgateError) as caught:
        gate.check("quick", METRICS)
    assert message in str(caught.value)


def test_several_seeds_against_a_baseline_of_one_are_no_comparison():
    before = baseline(evaluation(DIGITS, wrong(0)))
    runs = [evaluation(DIGITS, wrong(0)), evaluation(DIGITS, wrong(100))]
    verdict = verdict_of(NoRegression(DIGITS, "accuracy", 0.1), *runs, before=before)
    assert (verdict.outcome, verdict.reason) == (Outcome.FAIL, Reason.BAD_BASELINE)
