"""Gates: what they ask, and what they say."""

import numpy as np
import pytest

from fitgate.gates.gates import Evidence, Outcome
from fitgate.metrics import METRICS
from fitgate.model import Model, ModelError, register
from fitgate.runs.evaluation import Evaluation
from suite import DIGITS, FIVES, TRAITS, Above, Floor
from tests import fakes

DATA = fakes.dataset()


def evaluation(task, predictions, scores=None, model="m", **metrics):
    target = task.target(DATA.test.labels)
    values = {name: METRICS[name].value(target, predictions, scores) for name in task.metrics}
    values = {name: value if np.isfinite(value) else None for name, value in values.items()} | metrics
    return Evaluation(model, task.name, len(target), values, 0.0, None, 0.0, predictions, scores)


def judge(gate, mine, **others):
    return gate.judge("m", Evidence(DATA, lambda name, task: {"m": mine, **others}[name]))


def wrong(count):
    """Ten-class predictions, so many of the 200 wrong."""
    return np.where(np.arange(200) < count, (fakes.LABELS + 1) % 10, fakes.LABELS).astype(np.uint8)


def test_floor_passes_at_exactly_the_count_that_it_states():
    gate = Floor(DIGITS, "accuracy", quick=0.9)
    assert "It takes 190 of 200 right" in judge(gate, evaluation(DIGITS, wrong(10))).message
    assert judge(gate, evaluation(DIGITS, wrong(10))).outcome is Outcome.PASS
    assert judge(gate, evaluation(DIGITS, wrong(11))).outcome is Outcome.FAIL


def test_floor_says_when_only_the_number_of_examples_is_to_blame():
    verdict = judge(Floor(DIGITS, "accuracy", quick=0.9), evaluation(DIGITS, wrong(12)))
    assert "above the floor, but not by enough to tell on so few examples" in verdict.message


def test_floor_holds_for_each_kind_of_metric():
    answers = fakes.LABELS == 5
    scores = answers + np.linspace(0, 0.5, 200)
    assert judge(Floor(FIVES, "roc_auc", quick=0.9), evaluation(FIVES, answers, scores)).passed
    assert judge(Floor(FIVES, "f1", quick=0.9), evaluation(FIVES, answers, scores)).passed
    traits = TRAITS.target(wrong(20))
    verdict = judge(Floor(TRAITS, "macro_f1", quick=0.97), evaluation(TRAITS, traits))
    assert not verdict.passed
    assert verdict.bound < verdict.value < 1
    assert judge(Floor(DIGITS, "macro_f1", quick=0.8), evaluation(DIGITS, wrong(10))).passed


@pytest.mark.parametrize("metrics", [{"accuracy": None}])
def test_a_metric_that_is_nan_fails(metrics):
    verdict = judge(Floor(DIGITS, "accuracy", quick=0.0), evaluation(DIGITS, wrong(0), **metrics))
    assert verdict.outcome is Outcome.FAIL
    assert "missing or NaN" in verdict.message


def test_a_metric_that_is_missing_fails():
    bare = Evaluation("m", "digits", 200, {}, 0.0, None, 0.0, wrong(0))
    assert judge(Floor(DIGITS, "accuracy", quick=0.0), bare).outcome is Outcome.FAIL


def test_floors_are_those_of_the_profile():
    gate = Floor(DIGITS, "accuracy", full=0.985)
    assert [gate.rule(profile) for profile in ("quick", "full", "custom")] == [None, "accuracy>=0.985", None]


def test_above_needs_a_significant_lead():
    answers = fakes.LABELS == 5
    noise = np.random.default_rng(0).normal(size=200)
    good, poor = answers + 0.1 * noise, answers + 2 * noise
    gate = Above(FIVES, "roc_auc", rival="poor")
    mine, theirs = evaluation(FIVES, answers, good), evaluation(FIVES, answers, poor, "poor")
    verdict = judge(gate, mine, poor=theirs)
    assert verdict.outcome is Outcome.PASS
    assert f"ROC AUC 1.0000 against poor's {theirs.metrics['roc_auc']:.4f}" in verdict.message
    assert "99% interval [+" in verdict.message
    assert judge(gate, mine, poor=mine).outcome is Outcome.FAIL
    assert judge(gate, theirs, poor=mine).outcome is Outcome.FAIL


def test_above_fails_if_the_rival_has_no_number():
    answers = fakes.LABELS == 5
    verdict = judge(
        Above(FIVES, "roc_auc", rival="poor"),
        evaluation(FIVES, answers, answers + 0.0),
        poor=evaluation(FIVES, answers, np.full(200, np.nan), "poor"),
    )
    assert verdict.outcome is Outcome.FAIL
    assert verdict.message.startswith("poor has no ROC AUC on fives")


@pytest.mark.parametrize("declare", [lambda: Floor(DIGITS, "roc_auc", quick=0.5), lambda: Above(FIVES, "f1", "sgd")])
def test_a_gate_on_a_metric_that_can_t_be_is_refused(declare):
    with pytest.raises(ModelError, match=r"a gate on 'roc_auc': task digits has|expected 'roc_auc'"):
        declare()


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Model("Big Model", object), "expected lower-case letters"),
        (lambda: Model("m", object, tasks=()), "expected at least one task"),
        (lambda: Model("m", object, gates=(Floor(FIVES, "f1", quick=0.5),)), "a gate is on task fives, which it does"),
        (lambda: register([Model("m", object), Model("m", object)]), "two models are named 'm'"),
    ],
)
def test_a_model_declared_wrongly_is_refused(declare, message):
    with pytest.raises(ModelError, match=message):
        declare()
