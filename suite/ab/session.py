"""A session: arms asked in turn, in randomised blocks that a drift of the machine leaves unbiased."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import msgspec

from suite.ab.arms import Arm
from suite.harness.machine import Environment, environment
from suite.harness.statistics import least_blocks
from suite.harness.timing import Scenario

SIGNIFICANCE = 0.01
SPARE_BLOCKS = 2  # so that one block that goes the other way need not hide a slowdown
LEAST_BLOCKS = 8


class Reading(msgspec.Struct, frozen=True):
    """What one fresh process found.

    Attributes:
        block: which block it was in.
        arm: whose process it was.
        seconds: median of a query, by model, for each slowdown.
    """

    block: int
    arm: str
    seconds: dict[str, list[float]]


class Session(msgspec.Struct):
    """A comparison of arms.

    Attributes:
        base, candidate: commits, the latter with `-dirty` where the working tree differs.
        scenario: how was asked.
        models: those that all arms have.
        slowdowns: that processes asked with; the first is 0, none.
        readings: of all processes, in order.
        environment: the machine and its libraries.
    """

    base: str | None
    candidate: str | None
    scenario: str
    models: list[str]
    slowdowns: list[float]
    readings: list[Reading]
    environment: Environment

    def log_ratios(self, model: str, arm: str, slowdown: int = 0) -> list[float]:
        """Logarithm of an arm's time over the base's, block by block: of geometric means of the arm's processes."""
        blocks = range(1 + max(reading.block for reading in self.readings))
        return [
            self._log_time(block, arm, model, slowdown) - self._log_time(block, "base", model, 0) for block in blocks
        ]

    def _log_time(self, block: int, arm: str, model: str, slowdown: int) -> float:
        mine = [r.seconds[model][slowdown] for r in self.readings if (r.block, r.arm) == (block, arm)]
        return sum(map(math.log, mine)) / len(mine)


def enough_blocks(comparisons: int) -> int:
    """How many blocks a session needs, so that its least attainable p-value clears the significance of each model."""
    return max(LEAST_BLOCKS, least_blocks(SIGNIFICANCE / max(1, comparisons)) + SPARE_BLOCKS)


def compare(
    arms: Sequence[Arm],
    models: Sequence[str],
    scenario: Scenario,
    *,
    blocks: int,
    seconds: float,
    commits: tuple[str | None, str | None],
    slowdowns: Sequence[float] = (0.0,),
    seed: int = 0,
    say: Callable[[str], None] = lambda words: None,
) -> Session:
    """Ask all arms in each block: in random order, then in that order backwards, as ABBA or BAAB.

    Args:
        arms: of names `base`, `candidate` and perhaps `control`, with their models fitted.
        models: to ask.
        scenario: how to ask.
        blocks: how many.
        seconds: how long each process asks each model.
        commits: of base and candidate.
        slowdowns: to ask with, the first of them 0, none.
        seed: of the orders.
        say: is told of progress.
    """
    order = random.Random(seed)  # noqa: S311
    readings = []
    for block in range(blocks):
        turn = order.sample(list(arms), len(arms))
        for arm in [*turn, *reversed(turn)]:
            # All arms take turns with slowdowns alike, so that those alone differ; only the candidate's are read.
            readings.append(Reading(block, arm.name, arm.ask(models, scenario.batch_size, seconds, slowdowns)))
        say(f"block {block + 1} of {blocks}")
    return Session(*commits, scenario.name, list(models), list(slowdowns), readings, environment())
