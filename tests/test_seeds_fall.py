"""Falls of a metric over seeds: what fails, what passes, and what one collapsed seed comes to."""

import numpy as np
import pytest
from scipy.stats import t

from fitgate.statistics import SeedsFall, operation

BEFORE = np.random.default_rng(0).normal(0.9, 0.01, 20)
LEVEL, MISSED = 0.01 / 6, 0.1


def exactly(mean, count, spread=0.01):
    """So many values of this mean."""
    return mean + spread * np.linspace(-1, 1, count) if count > 1 else [mean]


def test_of_one_look_the_p_value_is_student_s_by_the_baseline_s_spread():
    fall = SeedsFall(BEFORE, exactly(0.88, 5), first=5, most=5)
    size, error = BEFORE.mean() - 0.88, BEFORE.std(ddof=1) * np.sqrt(1 / 20 + 1 / 5)
    assert fall.p_values == pytest.approx([t.sf(size / error, 19) / 0.9])
    assert (fall.size, len(fall.falls)) == (pytest.approx(size), 1)


def test_a_metric_that_should_be_low_falls_by_rising():
    rising, falling = SeedsFall(-BEFORE, [-0.88], higher_is_better=False), SeedsFall(BEFORE, [0.88])
    assert rising.p_worse == falling.p_worse
    assert rising.size == falling.size > 0


def test_a_collapsed_seed_fails_though_the_others_hide_it():
    others = list(exactly(0.903, 9, 0.0))
    fall = SeedsFall(BEFORE, [*others, 0.82], most=10)
    assert not fall.fails(LEVEL, 0.01)
    assert fall.collapsed(LEVEL, 0.02)
    assert not SeedsFall(BEFORE, [*others, 0.87], most=10).collapsed(LEVEL, 0.02)  # as bad a seed may be by chance


def test_clean_seeds_seldom_fail_by_either_test():
    rng = np.random.default_rng(1)
    falls = [SeedsFall(rng.normal(0, 1, 20), rng.normal(0, 1, 5), most=5) for _ in range(4_000)]
    assert np.mean([fall.p_worse < 0.05 for fall in falls]) == pytest.approx(0.05, abs=0.01)
    assert np.mean([fall.p_better_at.min() < 0.05 for fall in falls]) == pytest.approx(0.05, abs=0.01)


def test_a_fall_of_the_margin_seldom_passes_and_its_power_is_what_is_said():
    rng = np.random.default_rng(2)
    ends = []
    for _ in range(3_000):
        before, now = rng.normal(0, 1, 20), rng.normal(-2, 1, 10)
        for k in range(1, 11):
            fall = SeedsFall(before, now[:k], most=10)
            fails, passes = fall.fails(LEVEL, 1.0), bool((fall.bounds(MISSED) < 2.0).any())
            if fails or passes:
                break
        ends.append("fail" if fails else "pass" if passes else "open")
    plan = operation(fall.looks, 0.9 * LEVEL, MISSED, 2.0, 2.0)
    assert ends.count("pass") / 3_000 <= 0.105
    # `operation` plans by the true spread of a margin in SDs, of which a run knows an estimate.
    assert ends.count("fail") / 3_000 == pytest.approx(plan.fails, abs=0.05)


def test_rounding_is_no_spread():
    """Twenty equal values have a mean that may differ from them in the last digit."""
    fall = SeedsFall([0.9625] * 20, [0.9625] * 7, most=10)
    assert (fall.size, fall.spread, fall.bounds(MISSED).tolist()) == (0.0, 0.0, [0.0] * 7)
    assert fall.p_worse > 0.1
    assert SeedsFall([0.9625] * 20, [0.9]).p_worse == 0
    assert SeedsFall([0.9625] * 20, [0.97]).p_better_at.min() == 0


def test_seeds_that_all_came_to_one_value_spread_as_steps_do():
    """Of 200 examples, 196 were right with each seed: that 195 are now is no certain change."""
    fall = SeedsFall([0.98] * 20, [0.975], step=1 / 200)
    assert fall.spread == pytest.approx(0.005 / np.sqrt(12))
    assert 0.001 < fall.p_worse < 0.01
    assert SeedsFall(BEFORE, [0.9], step=1.0).spread == BEFORE.std(ddof=1)


@pytest.mark.parametrize(("m", "mean", "more"), [(20, 0.894, False), (20, 0.9, False), (6, 0.89, True)])
def test_as_many_seeds_as_it_says_decide_the_fall_that_was_seen(m, mean, more):
    fall = SeedsFall(exactly(0.9, m, 0.016), exactly(mean, 2), most=2)
    baseline, seeds = fall.to_decide(0.015, LEVEL, MISSED)
    again = SeedsFall(exactly(0.9, baseline, 0.016), exactly(mean, seeds), first=seeds, most=seeds)
    passes, fails = (again.bounds(MISSED) < 0.015).any(), again.fails(LEVEL, 0.0075)
    assert passes or fails
    assert (baseline > m) == more


def test_no_number_of_seeds_is_named_where_none_would_do():
    fall = SeedsFall(exactly(0.9, 20, 0.016), [0.8851, 0.8851], most=2)
    assert fall.to_decide(0.015, 1e-300, MISSED) is None


@pytest.mark.parametrize(("before", "now"), [([0.9], [0.9]), ([0.9, 0.8], [])])
def test_too_few_values_are_refused(before, now):
    with pytest.raises(ValueError, match="expected two or more, and one or more"):
        SeedsFall(before, now)
