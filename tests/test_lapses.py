"""What every seed knew: mistakes on it tell a defect from seeds that come and go at the border between classes."""

import numpy as np
import pytest

from fitgate import NoRegression, Outcome
from fitgate.gates import Claim, Evidence, JudgeSettings, Reason, Truth, collect, judge
from fitgate.gates.planning import plans
from fitgate.machine import environment
from fitgate.metrics import METRICS
from fitgate.runs import Evaluation, Fit, SeedRun
from fitgate.statistics import SeedsFall, lapses
from tests.fakes import FIVES

N, BORDER = 200, 40  # examples, of which each seed gets half of the last right
TARGET = np.arange(N) % 2 == 0


def answered(seed, lost=0):
    """Which examples a seed gets right; `lost` of those that all know it gets wrong."""
    right = np.ones(N, bool)
    right[-BORDER:] = np.random.default_rng(seed).permutation(BORDER) < BORDER // 2 + seed % 9 - 4
    right[:lost] = False
    return right


def evaluation(right):
    accuracy = {"accuracy": float(right.mean())}
    return Evaluation("m", "fives", N, accuracy, 0.0, None, 0.0, np.where(right, TARGET, ~TARGET))


def judged(*now, seeds=20, kind="binary", margin=0.03, metric="accuracy"):
    """The verdict on a model against a baseline of so many seeds."""
    runs = [SeedRun(Fit("m", "fives", i, "", 1.0, None, ""), evaluation(answered(i))) for i in range(seeds)]
    gate = NoRegression(FIVES, metric, margin)
    found = Evidence(
        {"fives": Truth("", "", TARGET, TARGET, kind=kind)},
        METRICS,
        JudgeSettings(most_seeds=len(now)),
        environment(),
        {("m", "fives"): [evaluation(right) for right in now]},
        baselines={("m", "fives"): collect(runs, "", environment(), None)},
    )
    claim = Claim("m", gate, "accuracy>baseline")
    return judge([claim], found).verdicts[0], plans([claim], found)[0]


def test_an_example_weighs_what_the_other_seeds_know_of_it():
    before, now = np.array([answered(i, lost=i == 3) for i in range(20)]), np.array([answered(50), answered(51, 2)])
    found = lapses(before, now)

    def weight(right):
        share = (right.sum(axis=0) + 0.5) / (len(right) + 1)
        return np.maximum(0, np.log(share / (1 - share)))

    without = [weight(np.delete(before, j, axis=0)) for j in range(20)]
    greatest = np.log(19.5 / 0.5)
    assert found.before == pytest.approx(
        [np.sqrt(w[~b].sum() + 3 / 8 * greatest) for w, b in zip(without, before, strict=True)]
    )
    assert found.now == pytest.approx([np.sqrt(np.mean(without, axis=0)[~b].sum() + 3 / 8 * greatest) for b in now])


@pytest.mark.parametrize(("known", "border"), [(1_000, 100), (190, 10), (995, 5)])
def test_clean_seeds_seldom_fail_by_them_however_few_mistakes_there_are(known, border):
    rng = np.random.default_rng(0)
    chance = np.r_[np.full(known, 0.999), rng.uniform(0.2, 1, border)]
    alarms = []
    for _ in range(1_000):
        right = rng.random((23, known + border)) < chance
        found = lapses(right[:20], right[20:])
        fall = SeedsFall(np.linspace(0.9, 0.92, 20), [0.91] * 3, first=3, most=3, lapses=found)
        alarms.append(fall.p_lapses[0] * 0.3)
    assert np.mean(np.array(alarms) < 0.01) <= 0.015


def test_a_seed_that_loses_what_all_know_fails_where_as_many_mistakes_at_the_border_decide_nothing():
    lost, _ = judged(answered(30, lost=4))
    assert (lost.outcome, lost.reason) == (Outcome.FAIL, Reason.FALL)
    assert "of the mistakes on what the baseline's seeds know, 1 seed against 20" in lost.details
    assert lost.lost[:4] == [0, 1, 2, 3]
    blurred = answered(30)
    blurred[np.flatnonzero(blurred[-BORDER:])[:4] + N - BORDER] = False
    assert blurred.sum() == answered(30, lost=4).sum()
    verdict, _ = judged(blurred)
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_the_fall_itself_is_to_be_half_of_the_margin_in_the_metric_s_unit():
    verdict, _ = judged(answered(30, lost=4), margin=0.15)
    assert (verdict.outcome, verdict.reason) == (Outcome.PASS, Reason.SMALL_FALL)


@pytest.mark.parametrize("odd", [{"seeds": 19}, {"kind": "continuous"}])
def test_few_seeds_and_answers_that_are_not_right_or_wrong_are_judged_by_the_mean_alone(odd):
    verdict, _ = judged(answered(30, lost=4), **odd)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "what the baseline's seeds know" not in verdict.details


def test_both_tests_share_the_level_and_a_plan_says_so():
    values, now = np.linspace(0.9, 0.92, 20), [0.905]
    alone, both = (
        SeedsFall(values, now),
        SeedsFall(values, now, lapses=lapses(np.ones((20, 5), bool), np.ones((1, 5), bool))),
    )
    assert (alone.of_mean, both.of_mean) == pytest.approx((0.9, 0.6))
    assert both.p_mean == pytest.approx(alone.p_mean * 0.9 / 0.6)
    (_, with_lapses), (_, without) = judged(answered(30)), judged(answered(30), kind="continuous")
    assert with_lapses.power < without.power
    assert with_lapses.alarms <= 0.01


def test_fresh_seeds_confirm_by_what_they_lose_too():
    before, values = np.array([answered(i) for i in range(20)]), [answered(i).mean() for i in range(20)]
    now = np.array([answered(i, lost=4) for i in range(30, 36)])
    found = lapses(before, now)
    fall = SeedsFall(values, now[:1].mean(axis=1), lapses=found._replace(now=found.now[:1]))
    fresh = now[1:].mean(axis=1)
    assert fall.p_fresh(fresh, found._replace(now=found.now[1:])) < fall.p_fresh(fresh) / 10


def test_lapses_are_of_the_same_seeds():
    with pytest.raises(ValueError, match="lapses of 20 seeds and 2, expected 20, 1"):
        SeedsFall(np.linspace(0, 1, 20), [0.5], lapses=lapses(np.ones((20, 5), bool), np.ones((2, 5), bool)))
    with pytest.raises(ValueError, match="1 seeds before, expected two or more"):
        lapses(np.ones((1, 5), bool), np.ones((1, 5), bool))
