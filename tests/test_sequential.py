"""Looks at one seed after the other: level and power against simulation, and against what is known by hand."""

import numpy as np
import pytest
from scipy.stats import norm, t

from fitgate.statistics import Looks, crossing, height_of, lowest_crossing, operation, prediction_factor
from fitgate.statistics.confirmation import power_confirmed
from fitgate.statistics.confirmation import simulated as simulated_runs

RUNS = 100_000


def simulated(looks, margin=2.0, fall=0.0, level=0.01, missed=0.1):
    """How often so many runs of a plan cross its boundary at all, FAIL and PASS, and their mean number of seeds."""
    rng = np.random.default_rng(0)
    before = rng.standard_normal((RUNS, looks.baseline))
    now = (rng.standard_normal((RUNS, looks.most)) - fall).cumsum(axis=1) / np.arange(1, looks.most + 1)
    k = np.arange(looks.first, looks.most + 1)
    error = before.std(axis=1, ddof=1)[:, None] * np.sqrt(1 / looks.baseline + 1 / k)
    seen = before.mean(axis=1)[:, None] - now[:, k - 1]
    above = seen / error > height_of(looks, level)
    fails = above & (seen >= margin / 2)
    ends = fails | ((margin - seen) / error > height_of(looks, missed))
    last = np.where(ends.any(axis=1), ends.argmax(axis=1), len(k) - 1)
    failed, ended = fails[np.arange(RUNS), last], ends[np.arange(RUNS), last]
    return above.any(axis=1).mean(), failed.mean(), (ended & ~failed).mean(), k[last].mean()


@pytest.mark.parametrize("looks", [Looks(20, 1, 10), Looks(100, 1, 10), Looks(6, 2, 5), Looks(20, 5, 40)])
def test_the_boundary_is_crossed_as_often_as_it_says(looks):
    crossed, *_ = simulated(looks)
    assert crossed == pytest.approx(0.01, abs=0.001)
    assert crossing(looks, height_of(looks, 0.01)) == pytest.approx(0.01, rel=1e-5)
    assert crossing(looks, height_of(looks, 1e-7)) == pytest.approx(1e-7, rel=1e-4)


@pytest.mark.parametrize("fall", [0.0, 1.0, 2.0])
@pytest.mark.parametrize("looks", [Looks(20, 1, 10), Looks(100, 1, 10), Looks(6, 1, 10)])
def test_a_plan_ends_as_often_so_as_it_says(looks, fall):
    _, fails, passes, seeds = simulated(looks, fall=fall)
    found = operation(looks, 0.01, 0.1, 2.0, fall)
    assert (found.fails, found.passes) == pytest.approx((fails, passes), abs=0.005)
    assert found.open == pytest.approx(1 - fails - passes, abs=0.006)
    assert found.seeds == pytest.approx(seeds, abs=0.05)


def test_at_the_margin_no_more_than_a_tenth_pass():
    for ratio in (0.5, 1.0, 2.0, 3.0, 5.0):
        assert operation(Looks(20, 1, 10), 0.01 / 6, 0.1, ratio, ratio).passes <= 0.1 + 1e-4


def test_of_one_look_it_is_student_s_t():
    looks = Looks(20, 5, 5)
    for height in (-1.0, 0.0, 2.0, 5.0, 40.0):
        assert crossing(looks, height) == pytest.approx(t.sf(height, 19), rel=1e-9)
    assert height_of(looks, 0.01) == pytest.approx(t.isf(0.01, 19), rel=1e-9)
    assert crossing(Looks(20, 5, 3), 2.0) == crossing(looks, 2.0)  # a budget that was spent at the first look


def test_more_looks_cost_and_never_more_than_bonferroni_says():
    heights = [height_of(Looks(20, 1, most), 0.001) for most in (1, 2, 5, 10, 20)]
    assert heights == sorted(heights)
    assert heights[-1] < t.isf(0.001 / 20, 19)
    for height in (1.0, 3.0, 8.0, 30.0):
        assert t.sf(height, 19) < crossing(Looks(20, 1, 10), height) < min(1, 10 * t.sf(height, 19))


def test_p_values_stay_probabilities_wherever_t_lies():
    looks = Looks(3, 1, 10)
    found = [crossing(looks, height) for height in (-np.inf, -50.0, -3.0, 0.0, 3.0, 1e6, np.inf)]
    assert found == sorted(found, reverse=True)
    assert (found[0], found[-1]) == (1.0, 0.0)
    assert 0 < found[-2] < 1e-9


def test_the_lowest_seed_is_predicted_by_the_baseline():
    assert lowest_crossing(20, 10, 5.0) == pytest.approx(10 * t.sf(5 / np.sqrt(1.05), 19))
    assert lowest_crossing(20, 10, -5.0) == 1.0
    rng = np.random.default_rng(0)
    before, now = rng.standard_normal((RUNS, 20)), rng.standard_normal((RUNS, 10))
    lowest = (before.mean(axis=1) - now.min(axis=1)) / before.std(axis=1, ddof=1)
    rate = np.mean([lowest_crossing(20, 10, x) < 0.01 for x in lowest[:20_000]])
    assert 0.005 < rate < 0.011


def test_floors_keep_as_many_sds_as_their_number_of_seeds_needs():
    found = [prediction_factor(seeds, 0.001) for seeds in (20, 12, 6)]
    assert found == pytest.approx([3.67, 4.19, 6.37], abs=0.005)
    assert prediction_factor(10**6, 0.001) == pytest.approx(norm.isf(0.001), abs=1e-4)


def test_fresh_seeds_agree_as_often_as_the_looks_that_they_follow_allow():
    """Two ways to the same: the looks' FAILs are those of the exact plan, and confirming costs little of them."""
    looks, level = Looks(20, 1, 10), 0.01 / 6
    fails, _ = simulated_runs(looks, level, 0.1, 2.0, 2.0, 5, 0.02)
    exact = operation(looks, level, 0.1, 2.0, 2.0).fails
    assert fails.mean() == pytest.approx(exact, abs=0.01)
    assert exact - 0.05 < power_confirmed(looks, level, 0.1, 2.0, 5, 0.02) < fails.mean()
    clean, again = simulated_runs(looks, 0.05, 0.1, 2.0, 0.0, 5, 0.02)
    assert again.mean() == pytest.approx(0.02, abs=0.003)
    assert (clean & again).mean() < clean.mean() / 3


@pytest.mark.parametrize("call", [lambda: crossing(Looks(1, 1, 2), 1.0), lambda: height_of(Looks(20, 1, 2), 0.0)])
def test_what_has_no_answer_is_refused(call):
    with pytest.raises(ValueError, match="expected"):
        call()
