"""Changes: what a test of a candidate against its baseline finds."""

from __future__ import annotations

from typing import Protocol


class Change(Protocol):
    """How much worse a candidate is than its baseline, with a one-sided test of whether it is worse at all.

    A worsening is positive, whatever the direction of the metric: accuracy that falls by 0.01 and a log-loss that
    rises by 0.01 are both a change of 0.01.
    """

    @property
    def size(self) -> float:
        """The worsening, in the metric's unit; negative for an improvement."""

    @property
    def standard_error(self) -> float:
        """Of the size."""

    @property
    def p_value(self) -> float:
        """One-sided, of the hypothesis that the candidate is no worse; see `p_value_of_gain` for the other side."""

    def power(self, size: float, significance: float) -> float:
        """Probability that the test rejects at a significance, if the true worsening is `size`."""

    def upper_bound(self, confidence: float) -> float:
        """One-sided confidence bound of the worsening, on the side where it is larger."""


def p_value_of_gain(change: Change) -> float:
    """One-sided p-value of the hypothesis that the candidate is no better; 1 unless it looks better."""
    return 1 - change.p_value if change.size < 0 else 1.0
