"""Bounds and intervals agree with other implementations, and their error rates are what they state."""

import re

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm, ttest_1samp, ttest_ind
from sklearn.metrics import f1_score, mean_squared_error, roc_auc_score

from fitgate.metrics import METRICS
from fitgate.statistics import (
    area,
    auc_lower_bound,
    bootstrap_lower_bound,
    difference_interval,
    f1_lower_bound,
    mean_interval,
    normal_power,
    paired_auc,
    passing_count,
    power_to_pass,
    ratio_interval,
    student_power,
    unspread_bound,
    wilson_lower_bound,
)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (967, 1_000), (9_850, 10_000), (1, 3)])
def test_wilson_bound_is_that_of_two_sides(k, n):
    theirs = binomtest(k, n).proportion_ci(0.98, method="wilson").low
    assert wilson_lower_bound(k, n, 0.99) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("k", "n", "confidence"), [(5, 4, 0.99), (-1, 4, 0.99), (0, 0, 0.99), (1, 2, 1.0)])
def test_wilson_bound_refuses_what_is_no_proportion(k, n, confidence):
    with pytest.raises(
        ValueError, match=f"{k} successes of {n} examples at confidence {confidence}: expected 1 or more"
    ):
        wilson_lower_bound(k, n, confidence)


@pytest.mark.parametrize(
    ("floor", "n"), [(0.95, 1_000), (0.985, 10_000), (0.5, 7), (0.999, 50), (0.0, 5), (1.0, 9), (1e-9, 4)]
)
def test_passing_count_is_the_first_that_passes(floor, n):
    passing = [k for k in range(n + 1) if wilson_lower_bound(k, n, 0.99) >= floor]
    assert passing_count(floor, n, 0.99) == (passing[0] if passing else n + 1)


def test_a_model_at_the_floor_passes_about_once_in_a_hundred_test_sets():
    assert power_to_pass(0.95, 0.95, 10_000, 0.99) == pytest.approx(0.01, abs=0.003)
    assert power_to_pass(0.98, 0.95, 1_000, 0.99) == pytest.approx(binom.sf(966, 1_000, 0.98), abs=1e-9)


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_passing_count_holds_for_every_number_of_examples(confidence):
    for n in range(1, 60):
        count = passing_count(0.9, n, confidence)
        assert count == 0 or wilson_lower_bound(count - 1, n, confidence) < 0.9
        assert count == n + 1 or wilson_lower_bound(count, n, confidence) >= 0.9


def test_power_of_the_normal_test_is_its_share_of_rejections():
    found = np.random.default_rng(8).normal(0.03, 0.01, 100_000) > 0.01 * norm.ppf(0.99)
    assert normal_power(0.03, 0.01, 0.01) == pytest.approx(np.mean(found), abs=0.01)
    assert normal_power(0, 0.01, 0.01) == pytest.approx(0.01)
    assert (normal_power(0.01, 0, 0.01), normal_power(0, 0, 0.01)) == (1, 0)


def test_power_of_student_s_test_nears_the_normal_s():
    assert student_power(3, 1, 8, 0.01) < normal_power(3, 1, 0.01)
    assert student_power(3, 1, 1e6, 0.01) == pytest.approx(normal_power(3, 1, 0.01), abs=1e-5)
    with pytest.raises(ValueError, match="standard error -1 at significance"):
        student_power(1, -1, 5, 0.01)


def scores(rng, n, signal, shared=0.5):
    """Truth and two classifiers' scores of the same examples, correlated by what they share."""
    truth = np.arange(n) % 4 == 0
    common = rng.normal(size=n)
    return truth, *(s * truth + shared * common + rng.normal(size=n) for s in signal)


def test_areas_are_scikit_learn_s_also_with_ties():
    truth, first, second = scores(np.random.default_rng(1), 300, (1.5, 1.0))
    first = first.round(1)
    test = paired_auc(truth, first, second)
    assert test.first == pytest.approx(roc_auc_score(truth, first), abs=1e-12)
    assert test.second == pytest.approx(roc_auc_score(truth, second), abs=1e-12)


def test_delong_s_error_is_the_sum_over_all_pairs():
    truth, first, second = scores(np.random.default_rng(2), 80, (1.5, 1.0))
    placements = []
    for s in (first.round(1), second):
        wins = (s[truth][:, None] > s[~truth]) + 0.5 * (s[truth][:, None] == s[~truth])
        placements.append(wins)
    d = placements[0] - placements[1]
    m, n = d.shape
    variance = d.mean(axis=1).var(ddof=1) / m + d.mean(axis=0).var(ddof=1) / n
    assert paired_auc(truth, first.round(1), second).standard_error == pytest.approx(variance**0.5, rel=1e-9)


def test_delong_s_error_is_the_bootstrap_s():
    rng = np.random.default_rng(3)
    truth, first, second = scores(rng, 1_000, (2.0, 1.6))
    differences = []
    for _ in range(300):
        i = rng.integers(len(truth), size=len(truth))
        differences.append(roc_auc_score(truth[i], first[i]) - roc_auc_score(truth[i], second[i]))
    test = paired_auc(truth, first, second)
    assert test.standard_error == pytest.approx(np.std(differences), rel=0.15)
    assert test.interval(0.9) == pytest.approx(np.quantile(differences, (0.05, 0.95)), abs=0.1 * np.ptp(differences))


def test_the_error_of_areas_averaged_over_classes_is_the_bootstrap_s():
    rng = np.random.default_rng(11)
    kinds = rng.integers(3, size=600)
    truth = kinds[:, None] == np.arange(3)
    first, second = (truth + noise * rng.normal(size=(600, 3)) for noise in (0.6, 0.8))
    differences = []
    for _ in range(200):
        i = rng.integers(600, size=600)
        differences.append(area(truth[i], first[i]) - area(truth[i], second[i]))
    test = paired_auc(truth, first, second)
    assert test.first == pytest.approx(roc_auc_score(truth, first))
    assert test.standard_error == pytest.approx(np.std(differences), rel=0.15)


def test_delong_s_false_alarms_and_power_are_as_stated():
    rng = np.random.default_rng(4)
    equal = [paired_auc(*scores(rng, 200, (1.0, 1.0))).p_value for _ in range(1_500)]
    assert np.mean(np.array(equal) < 0.05) == pytest.approx(0.05, abs=0.015)
    large = paired_auc(*scores(rng, 200_000, (1.8, 1.0)))
    stated = norm.cdf(large.difference / (large.standard_error * 1_000**0.5) - norm.ppf(0.99))
    better = [paired_auc(*scores(rng, 200, (1.8, 1.0))).p_value for _ in range(600)]
    assert np.mean(np.array(better) < 0.01) == pytest.approx(stated, abs=0.04)


def test_equal_scores_are_no_evidence():
    truth, first, _ = scores(np.random.default_rng(5), 100, (1.0, 1.0))
    assert paired_auc(truth, first, first).p_value == 1.0


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (np.full(10, np.nan), "20 scores are NaN or infinite, expected finite numbers"),
        (np.zeros(9), "scores of shape (9,) for examples of shape (10,), expected the same"),
    ],
)
def test_delong_refuses_what_it_can_t_rank(bad, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        paired_auc(np.arange(10) % 2 == 0, bad, bad)


@pytest.mark.parametrize("n", [10, 50, 285])
def test_a_bootstrap_has_no_more_faith_in_faultless_examples_than_they_deserve(n):
    faultless = unspread_bound(1.0, 0.0, n, 0.99)
    assert faultless**n == pytest.approx(0.01)
    truth = np.arange(n)[:, None] % 2 == 0
    assert f1_lower_bound(truth, truth, 0.99) == pytest.approx(faultless)
    bound = METRICS["average_precision"].confidence_bound
    assert bound.compute(truth[:, 0], truth[:, 0] * 1.0, 0.99) == pytest.approx(faultless)


def test_delong_needs_two_of_each_class():
    with pytest.raises(ValueError, match="1 positive and 9 negative examples"):
        auc_lower_bound(np.arange(10) == 0, np.arange(10), 0.99)


def test_auc_bound_covers_as_stated_near_to_1():
    rng = np.random.default_rng(0)
    holds = []
    for _ in range(1_000):
        truth = rng.random(200) < 0.5
        holds.append(auc_lower_bound(truth, rng.normal(size=200) + 2.5 * truth, 0.99) <= norm.cdf(2.5 / 2**0.5))
    assert 0.98 < np.mean(holds) < 1


@pytest.mark.parametrize("columns", [(), (2,)])
def test_few_examples_ranked_without_a_mistake_are_not_certain_to_be_so(columns):
    def bound(n):
        truth = np.broadcast_to((np.arange(n) % 2 == 0).reshape(-1, *[1] * len(columns)), (n, *columns))
        return auc_lower_bound(truth, truth + 0.0, 0.99)

    assert bound(4) < 0.5 < bound(40) < bound(400) < 1


def test_auc_bound_covers_as_stated():
    rng = np.random.default_rng(6)
    truth, first, _ = scores(rng, 200_000, (1.0, 1.0))
    true_area = roc_auc_score(truth, first)
    bounds = []
    for _ in range(1_000):
        sample = scores(rng, 200, (1.0, 1.0))
        bounds.append(auc_lower_bound(sample[0], sample[1], 0.95))
    assert np.mean(np.array(bounds) <= true_area) == pytest.approx(0.95, abs=0.025)


def test_f1_bound_is_the_bootstrap_over_examples():
    rng = np.random.default_rng(7)
    truth = rng.random((500, 2)) < 0.4
    predicted = truth ^ (rng.random((500, 2)) < 0.1)
    resampled = []
    for _ in range(400):
        i = rng.integers(500, size=500)
        resampled.append(f1_score(truth[i], predicted[i], average="macro"))
    assert f1_lower_bound(truth, predicted, 0.95) == pytest.approx(np.quantile(resampled, 0.05), abs=0.008)
    assert f1_lower_bound(truth, predicted, 0.95) == f1_lower_bound(truth, predicted, 0.95)


def accuracy(target, output):
    return float(np.mean(target == output))


def test_the_bootstrap_bound_is_near_wilson_s():
    target, output = np.ones(1_000), np.arange(1_000) >= 60
    bound = bootstrap_lower_bound(accuracy, target, output, 0.99)
    assert bound == pytest.approx(wilson_lower_bound(940, 1_000, 0.99), abs=0.005)
    assert bound == bootstrap_lower_bound(accuracy, target, output, 0.99)


def test_the_bootstrap_bound_of_what_should_be_low_is_above_it():
    rng = np.random.default_rng(9)
    target, output = rng.normal(size=(2, 200, 3))
    bound = bootstrap_lower_bound(mean_squared_error, target, output, 0.95, higher_is_better=False)
    losses = ((target - output) ** 2).mean(axis=1)
    assert bound == pytest.approx(losses.mean() + 1.645 * losses.std(ddof=1) / 200**0.5, rel=0.02)


def test_resamples_without_a_value_are_drawn_again():
    truth, scores = np.arange(40) < 2, np.arange(40)[::-1]  # 13 % of resamples hold no positive example

    def strict(target, output):
        if not target.any():
            raise ValueError("only one class")
        return float(roc_auc_score(target, output))

    areas = [bootstrap_lower_bound(compute, truth, scores, 0.9, resamples=200) for compute in (strict, roc_auc_score)]
    assert areas == [1.0, 1.0]
    with pytest.raises(ValueError, match="a value on 0 of 40 resamples of 4 examples, expected half of them"):
        bootstrap_lower_bound(strict, np.zeros(4, bool), np.zeros(4), 0.9, resamples=20)


def test_the_interval_of_a_mean_is_scipy_s():
    values = [0.2, 0.5, 0.9, 0.4]
    theirs = ttest_1samp(values, 0).confidence_interval(0.9)
    assert mean_interval(values, 0.9) == pytest.approx((theirs.low, theirs.high))
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)
    with pytest.raises(ValueError, match="1 values, expected two or more"):
        mean_interval([1.0])


def test_the_interval_of_a_difference_is_welch_s():
    before, now = [0.2, 0.5, 0.9, 0.4], [0.3, 0.35, 0.31]
    theirs = ttest_ind(now, before, equal_var=False).confidence_interval(0.9)
    assert difference_interval(before, now, 0.9) == pytest.approx((theirs.low, theirs.high))
    one = ttest_1samp(now, 0.2).confidence_interval(0.9)
    assert difference_interval([0.2], now, 0.9) == pytest.approx((one.low - 0.2, one.high - 0.2))
    assert difference_interval([0.5, 0.5], [0.75]) == (0.25, 0.25)
    with pytest.raises(ValueError, match="1 and 1 values, expected one or more, and two or more"):
        difference_interval([1.0], [2.0])


def test_intervals_of_ratios_cover_as_stated():
    """Of 2,000 pairs of ten times, where each pair shares its machine's speed, 95 % hold the true ratio of 0.5."""
    rng = np.random.default_rng(0)
    speed = rng.lognormal(0, 0.3, (2_000, 10))
    first, second = (factor * speed * rng.lognormal(0, 0.1, (2_000, 10)) for factor in (1, 2))
    intervals = [ratio_interval(a, b) for a, b in zip(first, second, strict=True)]
    assert np.mean([low <= 0.5 <= high for low, high in intervals]) == pytest.approx(0.95, abs=0.015)
