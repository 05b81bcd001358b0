"""Power: how likely a test is to see an effect of a given size."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

from fitgate.statistics.proportions import REMEMBERED, passing_count


def normal_power(effect: float, standard_error: float, significance: float) -> float:
    """Probability that a one-sided test on the normal distribution rejects when the effect is truly so large.

    It is also how often a lower bound at confidence `1 - significance` clears a floor that the true value exceeds by
    `effect`. Without spread the answer is certain: 1 for an effect above zero, else 0.

    Args:
        effect: the true effect; above zero for what the test looks for.
        standard_error: of its estimate, in the same unit.
        significance: of the test, as 0.01.

    Raises:
        ValueError: unless the standard error is at least zero, and the significance between 0 and 1.
    """
    return student_power(effect, standard_error, math.inf, significance)


def student_power(effect: float, standard_error: float, freedom: float, significance: float) -> float:
    """The same of a test on Student's t, with that many degrees of freedom; infinitely many are the normal's.

    Source: of the noncentral t, J. Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988).
    """
    if not (standard_error >= 0 and 0 < significance < 1):
        raise ValueError(
            f"standard error {standard_error} at significance {significance}: expected one of at least 0, at a "
            "significance between 0 and 1"
        )
    if standard_error == 0:
        return float(effect > 0)
    if math.isinf(freedom):
        normal = NormalDist()
        return normal.cdf(effect / standard_error - normal.inv_cdf(1 - significance))
    return _student(effect / standard_error, freedom, significance)


def examples_to_decide(n: int, error: float, effect: float, significance: float, missed: float) -> int:
    """How many examples leave no difference undecided.

    With so many, whatever a test at `significance` does not find, a bound that errs `missed` of the time rules out; so
    the test finds `effect` with a probability of `1 - missed`.

    Args:
        n: examples that were tested.
        error: standard error of a difference on these, in the unit of `effect`.
        effect: the difference that must not be missed.
        significance: of the test, as 0.01.
        missed: how often the effect may be missed, as 0.1.
    """
    normal = NormalDist()
    reach = normal.inv_cdf(1 - significance) + normal.inv_cdf(1 - missed)
    return math.ceil(n * (error * reach / effect) ** 2)


def power_to_pass(share: float, floor: float, n: int, confidence: float) -> float:
    """Probability that a model whose true share of successes is `share` reaches `passing_count` on `n` examples."""
    return _at_least(passing_count(floor, n, confidence), n, share)


@lru_cache(REMEMBERED)
def _student(shift: float, freedom: float, significance: float) -> float:
    from scipy.stats import nct, t

    return float(nct.sf(t.isf(significance, freedom), freedom, shift))


@lru_cache(REMEMBERED)
def _at_least(successes: int, n: int, share: float) -> float:
    from scipy.stats import binom

    return float(binom.sf(successes - 1, n, share))
