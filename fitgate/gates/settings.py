"""Settings of judging: what was in force when verdicts were reached."""

from __future__ import annotations

from typing import Literal

import msgspec

LEAST_SEEDS = 20  # of a baseline, unless the user says otherwise
MOST_SEEDS = 10  # that an undecided gate may come to, where the user sets no budget
MOST_BUDGET = 1_000  # seeds, as `fitgate_pytest.options` has it, which may load nothing of this
MOST_SEEDS_BY_TIME = 40  # where the budget is a time
CONFIRMING = 5  # fresh seeds that are to see a fall, too
CONFIRMED_AT = 0.02  # the level at which they do
COLLAPSED_AT = 0.1  # of its level, the part that the test of the worst seed has left where falls are confirmed


class JudgeSettings(msgspec.Struct, frozen=True):
    """How gates judge.

    Attributes:
        confidence: of the one-sided bounds of floors.
        significance: that the tests of a session may err with, all regression gates together; a rival gate's own.
        missed: how often a regression gate may pass a model that has fallen by just its margin.
        strict: whether INCONCLUSIVE fails a session.
        require_baseline: whether NO BASELINE fails a session.
        seeds: how many a stochastic model was trained with from the start.
        leaks: whether a gain beyond what seeds explain is a warning (`warn`) or fails its gate (`fail`).
        most_seeds: how many a model may come to while a gate of it is undecided; there is a look after each.
        confirm: whether a fall of a stochastic model fails only if fresh seeds see it, too.
        minutes: after how long no further seed is begun for undecided gates; None for no limit.
    """

    confidence: float = 0.99
    significance: float = 0.01
    missed: float = 0.1
    strict: bool = False
    require_baseline: bool = False
    leaks: Literal["warn", "fail"] = "warn"
    seeds: int = 1
    most_seeds: int = MOST_SEEDS
    minutes: float | None = None
    confirm: bool = False

    @property
    def last_look(self) -> int:
        """How many seeds a model has at the last look of a plan."""
        return max(self.most_seeds, self.seeds)
