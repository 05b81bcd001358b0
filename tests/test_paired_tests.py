"""The tests of a candidate against its baseline agree with other implementations, and err as often as they state."""

from itertools import product
from math import comb

import numpy as np
import pytest
from scipy.stats import permutation_test
from sklearn.metrics import f1_score, log_loss
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from fitgate.statistics import (
    McNemar,
    auc_fall,
    bootstrap_fall,
    f1_fall,
    holm,
    holm_levels,
    least_blocks,
    p_value_of_gain,
    paired_auc,
    sign_flip,
    sign_flip_power,
    sign_flips,
)


@pytest.mark.parametrize(("losses", "gains"), [(0, 0), (3, 0), (0, 3), (5, 2), (6, 6)])
def test_mcnemar_s_mid_p_is_the_enumeration_of_all_outcomes(losses, gains):
    outcomes = [sum(signs) for signs in product((0, 1), repeat=losses + gains)]
    expected = np.mean([(lost > losses) + (lost == losses) / 2 for lost in outcomes])
    assert McNemar(losses, gains, 100).p_value == pytest.approx(expected)


@pytest.mark.parametrize(("losses", "gains"), [(3, 0), (5, 2), (20, 9), (130, 90)])
def test_mcnemar_s_mid_p_is_statsmodels_exact_one_less_half_of_what_was_observed(losses, gains):
    table = [[500, losses], [gains, 100]]
    one_sided = mcnemar(table, exact=True).pvalue / 2  # theirs has two sides of equal size
    observed = comb(losses + gains, losses) / 2 ** (losses + gains)
    assert McNemar(losses, gains, 1_000).p_value == pytest.approx(one_sided - observed / 2, rel=1e-9)


def test_mcnemar_refuses_what_is_no_count():
    with pytest.raises(ValueError, match="-1 losses and 2 gains of 100 examples, expected counts of 0 or more"):
        McNemar(-1, 2, 100)


def test_right_examples_are_paired_one_by_one():
    was, is_now = np.array([1, 1, 1, 0, 0], bool), np.array([1, 0, 0, 1, 0], bool)
    assert McNemar.between(was, is_now) == McNemar(losses=2, gains=1, n=5)
    assert McNemar.between(was, is_now).size == pytest.approx(0.2)


def test_mcnemar_s_false_alarms_and_power_are_as_stated():
    """10,000 examples of which 1 % are discordant; then of which 0.5 points more are lost."""
    rng = np.random.default_rng(0)

    def alarms(loss):
        shares = [(0.01 + loss) / 2, (0.01 - loss) / 2, 0.99]
        drawn = rng.multinomial(10_000, shares, size=4_000)
        return np.mean([McNemar(lost, gained, 10_000).p_value < 0.01 for lost, gained, _ in drawn])

    assert alarms(0) <= 0.0135
    assert alarms(0.003) == pytest.approx(McNemar(50, 50, 10_000).power(0.003, 0.01), abs=0.04)
    assert McNemar(0, 0, 100).power(0.001, 0.01) == 0
    assert McNemar(0, 0, 100).power(0, 0.01) == 0
    assert McNemar(0, 0, 1_000).power(0.1, 0.01) == pytest.approx(1)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == pytest.approx([1, 1])
    assert holm([]).shape == (0,)
    with pytest.raises(ValueError, match=r"found \[1.5\]"):
        holm([0.5, 1.5])


def test_holm_is_statsmodels():
    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 500):
        p_values = rng.random(size).round(2) ** 3  # with ties
        assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-15)


def test_an_upper_bound_of_lost_examples_holds_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for lost, gained in ((0.02, 0.0), (0.03, 0.02), (0.1, 0.05)):
        draws = rng.multinomial(1_000, [lost, gained, 1 - lost - gained], size=4_000)
        held = np.mean([McNemar(int(a), int(b), 1_000).upper_bound(0.9) >= lost - gained for a, b, _ in draws])
        assert held > 0.885
    assert 0 < McNemar(0, 0, 1_000).upper_bound(0.9) < 0.0025


def test_holm_s_levels_decide_as_its_p_values_do():
    rng = np.random.default_rng(0)
    for _ in range(200):
        p_values = rng.random(6) * 10.0 ** -rng.integers(0, 4, 6)
        assert (p_values < holm_levels(p_values, 0.05)).tolist() == (holm(p_values) < 0.05).tolist()
    assert holm_levels([0.9, 0.001, 0.002], 0.01) == pytest.approx([0.01, 0.01 / 2, 0.01 / 2])


def test_holm_keeps_the_rate_of_all_together():
    p_values = np.random.default_rng(0).random((20_000, 5))
    assert np.mean([holm(row).min() < 0.01 for row in p_values]) == pytest.approx(0.01, abs=0.002)


def test_a_gain_s_p_value_is_the_other_side_s():
    loss, gain = McNemar(9, 2, 100), McNemar(2, 9, 100)
    assert p_value_of_gain(gain) == pytest.approx(loss.p_value)
    assert p_value_of_gain(loss) == 1


def test_the_bootstrap_of_f1_sees_falls_and_seldom_others():
    rng = np.random.default_rng(0)

    def p_value(worse):
        truth = rng.random((400, 1)) < 0.3
        before, now = (truth ^ (rng.random((400, 1)) < rate) for rate in (0.1, worse))
        return f1_fall(truth, before, now, resamples=500).p_value

    assert np.mean([p_value(0.1) < 0.05 for _ in range(400)]) == pytest.approx(0.05, abs=0.025)
    assert np.mean([p_value(0.25) < 0.05 for _ in range(50)]) > 0.95


def test_the_bootstrap_of_f1_resamples_examples():
    """Against resamples of examples, by a score that is scikit-learn's."""
    rng = np.random.default_rng(1)
    truth = rng.random((60, 2)) < 0.4
    before, now = (truth ^ (rng.random((60, 2)) < rate) for rate in (0.1, 0.2))

    def fall(rows):
        true = truth[rows]
        first, second = (np.mean(2 * (true & x[rows]).sum(0) / (true.sum(0) + x[rows].sum(0))) for x in (before, now))
        return first - second

    seen = fall(np.arange(60))
    assert seen == pytest.approx(f1_score(truth, before, average="macro") - f1_score(truth, now, average="macro"))
    drawn = np.array([fall(rng.integers(0, 60, 60)) for _ in range(400)])
    assert f1_fall(truth, before, now).p_value == pytest.approx(np.mean(drawn - seen >= seen), abs=0.06)


def accuracy(target, output):
    return float(np.mean(target == output))


def test_the_bootstrap_of_accuracy_agrees_with_mcnemar():
    target = np.arange(1_000) % 10
    before, now = np.where(np.arange(1_000) < 45, -1, target), np.where(np.arange(1_000) >= 940, -1, target)
    exact, found = McNemar(60, 45, 1_000), bootstrap_fall(accuracy, target, before, now)
    assert found.size == pytest.approx(exact.size)
    assert found.p_value == pytest.approx(exact.p_value, abs=0.02)
    assert found.power(0.03, 0.01) == pytest.approx(exact.power(0.03, 0.01), abs=0.05)


def test_the_bootstrap_alarms_as_often_as_it_says():
    rng = np.random.default_rng(3)
    target = np.zeros(300)

    def p_value(worse):
        before, now = (rng.random(300) < rate for rate in (0.2, worse))
        return bootstrap_fall(accuracy, target, before, now, resamples=200).p_value

    assert np.mean([p_value(0.2) < 0.05 for _ in range(400)]) == pytest.approx(0.05, abs=0.025)
    assert np.mean([p_value(0.4) < 0.05 for _ in range(40)]) > 0.95


def test_a_log_loss_that_rises_is_a_fall():
    rng = np.random.default_rng(4)
    target = rng.random(400) < 0.4
    good = np.where(target, 0.8, 0.2)
    fall = bootstrap_fall(log_loss, target, good, 0.5 * good + 0.25, resamples=100, higher_is_better=False)
    assert fall.size == pytest.approx(log_loss(target, 0.5 * good + 0.25) - log_loss(target, good))
    assert fall.p_value < 1e-6  # far beyond one in a hundred, so that Holm's adjustment for many gates can pass it
    back = bootstrap_fall(log_loss, target, 0.5 * good + 0.25, good, resamples=100, higher_is_better=False)
    assert p_value_of_gain(back) < 1e-6


def test_equal_outputs_are_no_fall_and_no_gain():
    target = np.arange(50) % 2
    fall = bootstrap_fall(accuracy, target, target, target, resamples=20)
    assert (fall.size, fall.p_value, p_value_of_gain(fall)) == (0, 1, 1)
    truth = np.arange(50)[:, None] % 2 == 0
    assert f1_fall(truth, truth, truth, resamples=20) == fall


def test_a_fall_needs_a_metric_that_has_a_value():
    with pytest.raises(ValueError, match="the metric is NaN on all 5 examples"):
        bootstrap_fall(lambda target, output: float("nan"), np.zeros(5), np.zeros(5), np.zeros(5))
    with pytest.raises(ValueError, match="arrays of 5, 5, 4 examples"):
        bootstrap_fall(accuracy, np.zeros(5), np.zeros(5), np.zeros(4))


def test_the_fall_of_an_area_is_delong_s():
    rng = np.random.default_rng(5)
    truth = np.arange(200) % 3 == 0
    before, now = (truth + rng.normal(size=200) * noise for noise in (1, 1.5))
    test, fall = paired_auc(truth, before, now), auc_fall(truth, before, now)
    assert (fall.size, fall.standard_error, fall.p_value) == (test.difference, test.standard_error, test.p_value)


def test_the_sign_flip_test_is_the_enumeration_of_all_signs():
    x = np.array([0.3, -0.1, 0.7, 0.2, 0.4])
    means = [np.mean(x * signs) for signs in product((1, -1), repeat=len(x))]
    assert sign_flip(x) == pytest.approx(np.mean(np.array(means) >= x.mean() - 1e-12))
    assert sign_flip([0.5]) == 0.5
    assert sign_flip([-0.5]) == 1.0
    with pytest.raises(ValueError, match="0 differences"):
        sign_flip([])


def test_the_sign_flip_test_alarms_as_often_as_it_says():
    drawn = np.random.default_rng(0).standard_t(2, (400, 8))
    assert np.mean([sign_flip(x) < 0.05 for x in drawn]) == pytest.approx(0.05, abs=0.025)
    assert 2.0 ** -least_blocks(0.01) < 0.01 <= 2.0 ** -(least_blocks(0.01) - 1)


@pytest.mark.parametrize("n", [2, 7, 12])
def test_the_sign_flip_test_is_scipy_s_permutation_test(n):
    rows = np.random.default_rng(n).normal(0.3, 1, (5, n))
    theirs = [
        permutation_test((x,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf).pvalue
        for x in rows
    ]
    assert sign_flips(rows) == pytest.approx(theirs, abs=1e-12)
    assert [sign_flip(x) for x in rows] == pytest.approx(theirs, abs=1e-12)


def test_random_signs_are_near_all_of_them():
    x = np.repeat([1.0, -1.0], [15, 5])  # as large by the flips of no more than five, on balance
    p_value = sum(comb(20, k) for k in range(6)) / 2**20
    assert sign_flip(x) == pytest.approx(p_value, abs=0.0015)
    assert sign_flips([x, -x], 9_999) == pytest.approx(
        [p_value, 1 - sum(comb(20, k) for k in range(5)) / 2**20], abs=0.005
    )


@pytest.mark.parametrize(("n", "effect"), [(9, 1.2), (9, 1.7), (12, 1.2)])
def test_stated_power_of_two_sign_flip_tests_is_that_of_fresh_pairs(n, effect):
    rng = np.random.default_rng(0)
    series = effect + rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], (2_000, n)).swapaxes(1, 2)
    p_values = sign_flips(series.reshape(-1, n), 9_999).reshape(-1, 2)
    true = np.mean((p_values < 0.01).all(axis=1) & (series.mean(axis=2) >= 0.3).all(axis=1))
    stated = [sign_flip_power(x - x.mean() + effect, 0.01, 0.3) for x in series[:60]]
    assert np.mean(stated) == pytest.approx(true, abs=0.06)


def test_power_of_sign_flip_tests_counts_the_least_mean_and_what_lies_apart():
    x = np.array([[1.0, 1.1, 0.9, 1.0, 1.05, 0.95, 1.0, 1.0]])
    assert sign_flip_power(x, 0.01) == 1
    assert sign_flip_power(x, 0.01, 1.2) == 0
    assert sign_flip_power(x, 2.0**-8) == 0  # no p-value is below it
    assert sign_flip_power(np.concatenate([x, x - 1]), 0.01) < 0.05
    assert sign_flip_power(np.ones((2, 8)), 0.01, 1.0) == 1
    with pytest.raises(ValueError, match="1 differences, expected two or more"):
        sign_flip_power([[1.0]], 0.01)
