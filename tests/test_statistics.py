"""The statistics agree with independent implementations, and their error rates are what they claim."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm, ttest_1samp
from sklearn.metrics import f1_score, roc_auc_score

from fitgate.statistics import (
    auc_lower_bound,
    f1_lower_bound,
    mean_interval,
    paired_auc,
    passing_count,
    power_to_pass,
    ratio_interval,
    wilson_lower_bound,
)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (967, 1_000), (9_850, 10_000), (1, 3)])
def test_wilson_bound_is_scipy_s(k, n):
    theirs = binomtest(k, n).proportion_ci(0.98, method="wilson").low
    assert wilson_lower_bound(k, n, 0.99) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("k", "n", "confidence"), [(5, 4, 0.99), (-1, 4, 0.99), (0, 0, 0.99), (1, 2, 1.0)])
def test_wilson_bound_refuses_what_is_no_proportion(k, n, confidence):
    with pytest.raises(ValueError, match="no proportion"):
        wilson_lower_bound(k, n, confidence)


@pytest.mark.parametrize(("floor", "n"), [(0.95, 1_000), (0.985, 10_000), (0.5, 7), (0.999, 50), (0.0, 5)])
def test_passing_count_is_the_first_that_passes(floor, n):
    passing = [k for k in range(n + 1) if wilson_lower_bound(k, n, 0.99) >= floor]
    assert passing_count(floor, n, 0.99) == (passing[0] if passing else n + 1)


def test_a_model_at_the_floor_passes_about_once_in_a_hundred_test_sets():
    assert power_to_pass(0.95, 0.95, 10_000, 0.99) == pytest.approx(0.01, abs=0.003)
    assert power_to_pass(0.98, 0.95, 1_000, 0.99) == pytest.approx(binom.sf(966, 1_000, 0.98), abs=1e-9)


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


@pytest.mark.parametrize("bad", [np.full(10, np.nan), np.zeros(9)])
def test_delong_refuses_what_it_can_t_rank(bad):
    with pytest.raises(ValueError, match="scores"):
        paired_auc(np.arange(10) % 2 == 0, bad, bad)


def test_delong_needs_two_of_each_class():
    with pytest.raises(ValueError, match="1 positive and 9 negative examples"):
        auc_lower_bound(np.arange(10) == 0, np.arange(10), 0.99)


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


def test_the_interval_of_a_mean_is_scipy_s():
    values = [0.2, 0.5, 0.9, 0.4]
    theirs = ttest_1samp(values, 0).confidence_interval(0.9)
    assert mean_interval(values, 0.9) == pytest.approx((theirs.low, theirs.high))
    with pytest.raises(ValueError, match="1 values, expected two or more"):
        mean_interval([1.0])


def test_intervals_of_ratios_cover_as_stated():
    """Of 2,000 races of ten seeds, whose times share the machine's mood, 95 % hold the true ratio of 0.5."""
    rng = np.random.default_rng(0)
    mood = rng.lognormal(0, 0.3, (2_000, 10))
    first, second = (factor * mood * rng.lognormal(0, 0.1, (2_000, 10)) for factor in (1, 2))
    intervals = [ratio_interval(a, b) for a, b in zip(first, second, strict=True)]
    assert np.mean([low <= 0.5 <= high for low, high in intervals]) == pytest.approx(0.95, abs=0.015)
