"""Settings of judging: what was in force when verdicts were reached."""

from __future__ import annotations

from typing import Literal

import msgspec

ENOUGH_SEEDS = 5


class JudgeSettings(msgspec.Struct, frozen=True):
    """How gates judge.

    Attributes:
        confidence: of the one-sided bounds of floors.
        significance: that the tests of a session may err with, all regression gates together; a rival gate's own.
        power: the least with which a regression gate must see its margin, to be believed when it finds no fall.
        strict: whether INCONCLUSIVE fails a session.
        require_baseline: whether NO BASELINE fails a session.
        seeds: how many a stochastic model was trained with from the start.
        leaks: whether a gain beyond what seeds explain is a warning (`warn`) or fails its gate (`fail`).
        most_seeds: up to how many gates may ask for; no more than `seeds` lets them ask for none.
    """

    confidence: float = 0.99
    significance: float = 0.01
    power: float = 0.8
    strict: bool = False
    require_baseline: bool = False
    leaks: Literal["warn", "fail"] = "warn"
    seeds: int = 1
    most_seeds: int = 1

    def more_seeds(self, seeds: int) -> int | None:
        """How many seeds an inconclusive gate asks for after so many; None where it may have no more."""
        wanted = min(self.most_seeds, ENOUGH_SEEDS if seeds < ENOUGH_SEEDS else 2 * seeds)
        return wanted if wanted > seeds else None

    @property
    def looks(self) -> int:
        """How often a gate may look at a model, with more seeds each time."""
        looks, seeds = 1, self.seeds
        while (wanted := self.more_seeds(seeds)) is not None:
            looks, seeds = looks + 1, wanted
        return looks

    @property
    def significance_a_look(self) -> float:
        """The significance of each look: looks share the session's equally, so that together they err no more often.

        Source: C. E. Bonferroni's inequality; conservative, for looks at the same seeds depend on each other.
        """
        return self.significance / self.looks
