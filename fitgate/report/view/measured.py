"""Measured values: a number, and as far as it is known how sure it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """A number with its interval, or with a bound on one side; with neither where nothing tells how sure it is."""

    value: float
    low: float | None = None
    high: float | None = None

    def times(self, factor: float) -> Measured:
        """It in another unit."""
        return Measured(*(None if x is None else factor * x for x in (self.value, self.low, self.high)))  # type: ignore[arg-type]

    def over(self, amount: float) -> Measured:
        """An amount over it, such as examples over seconds: its ends change places."""
        low, high = (None if x is None else amount / x for x in (self.high, self.low))
        return Measured(amount / self.value, low, high)

    def least(self) -> float:
        """What it is at least, as far as that is known."""
        return self.value if self.low is None else self.low

    def most(self) -> float:
        """What it is at most, as far as that is known."""
        return self.value if self.high is None else self.high
