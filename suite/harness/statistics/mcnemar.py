"""McNemar's test: whether one of two classifiers is worse on the same examples."""

from __future__ import annotations

import numpy as np


def mcnemar_p_value(losses: int, gains: int) -> float:
    """One-sided mid-p value of the hypothesis that a change loses no more examples than it gains.

    Among the discordant examples, those that only one of the two got right, either is as likely under the hypothesis:
    the losses are binomial. The mid-p version counts the observed outcome by half, and unlike the exact test does not
    waste its level. Source: M. W. Fagerland, S. Lydersen, P. Laake, "The McNemar test for binary matched-pairs data:
    mid-p and asymptotic are better than exact conditional", BMC Medical Research Methodology 13 (2013).

    Args:
        losses: examples that were right before and are wrong now.
        gains: examples that were wrong before and are right now.

    Raises:
        ValueError: if either is negative.
    """
    from scipy.stats import binom

    if min(losses, gains) < 0:
        raise ValueError(f"{losses} losses and {gains} gains, expected counts")
    discordant = losses + gains
    return float(binom.sf(losses, discordant, 0.5) + binom.pmf(losses, discordant, 0.5) / 2)


def mcnemar_power(loss: float, discordant: float, n: int, significance: float) -> float:
    """Probability that the test rejects when the share of right examples has truly fallen by `loss`.

    Conditional on the expected number of discordant examples, of which the test then decides.

    Args:
        loss: the fall, as 0.01.
        discordant: share of discordant examples; at least the loss, for all of that is discordant.
        n: number of examples.
        significance: of the test, as 0.01.
    """
    from scipy.stats import binom

    share = max(discordant, loss)
    expected = round(share * n)
    if expected == 0:
        return 0.0
    losses = np.arange(expected + 1)
    p_values = binom.sf(losses, expected, 0.5) + binom.pmf(losses, expected, 0.5) / 2
    rejected = losses[p_values < significance]
    likely = min(1.0, 0.5 + loss / (2 * share))
    return float(binom.sf(rejected[0] - 1, expected, likely)) if len(rejected) else 0.0
