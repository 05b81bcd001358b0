"""A session: fresh processes of all arms, asked in turn, in slices of time too short for the machine to change."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from suite.ab.arms import Arm, Process
from suite.harness.machine import Environment, environment
from suite.harness.statistics import least_blocks
from suite.harness.timing import Scenario

SIGNIFICANCE = 0.01
SPARE_BLOCKS = 2  # so that one block that goes the other way need not hide a slowdown
LEAST_BLOCKS = 8
SLICE = 0.02  # seconds
LEAST_ROUNDS = 3


class Reading(msgspec.Struct, frozen=True):
    """What one fresh process found.

    Attributes:
        block: which block it was in.
        arm: whose process it was.
        seconds: of a query, by model, for each slowdown: a geometric mean for each round, in which it had two slices.
    """

    block: int
    arm: str
    seconds: dict[str, list[list[float]]]


class Session(msgspec.Struct):
    """A comparison of arms.

    Attributes:
        base, candidate: commits, the latter with `-dirty` where the working tree differs.
        scenario: how was asked.
        models: those that all arms have.
        slowdowns: that the candidate was asked with; the first is 0, none.
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
        """Logarithm of an arm's time over the base's, block by block: the median over rounds."""
        read = {(reading.block, reading.arm): reading.seconds[model] for reading in self.readings}
        blocks = range(1 + max(block for block, _ in read))
        return [
            median(math.log(a / b) for a, b in zip(read[i, arm][slowdown], read[i, "base"][0], strict=True))
            for i in blocks
        ]


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
    """Ask a fresh process of each arm in each block, slice of time by slice: ABBA or BAAB, at random.

    A slice is so short that what slows the machine slows all arms' slices of a round alike: L. Bulej et al., "Duet
    benchmarking: improving measurement accuracy in the cloud", ICPE 2020.

    Args:
        arms: of names `base`, `candidate` and perhaps `control`, with their models fitted.
        models: to ask.
        scenario: how to ask.
        blocks: how many.
        seconds: how long each process asks each model.
        commits: of base and candidate.
        slowdowns: to ask the candidate with, the first of them 0, none.
        seed: of the orders.
        say: is told of progress.
    """
    order = random.Random(seed)  # noqa: S311
    rounds = max(LEAST_ROUNDS, round(seconds / (2 * SLICE)))
    readings = []
    for block in range(blocks):
        processes = [arm.start(models, scenario.batch_size) for arm in order.sample(list(arms), len(arms))]
        try:
            for process in processes:
                process.wait()
            found = {model: _rounds(processes, model, rounds, slowdowns, order) for model in models}
        finally:
            for process in processes:
                process.stop()
        for process in processes:
            seen = {model: [s for (name, _), s in found[model].items() if name == process.name] for model in models}
            readings.append(Reading(block, process.name, seen))
        say(f"block {block + 1} of {blocks}")
    return Session(*commits, scenario.name, list(models), list(slowdowns), readings, environment())


def _rounds(
    processes: Sequence[Process], model: str, rounds: int, slowdowns: Sequence[float], order: random.Random
) -> dict[tuple[str, float], list[float]]:
    """Seconds of a query, round by round, of each process with each slowdown, in random order and then backwards."""
    turns = [(p, slowdown) for p in processes for slowdown in (slowdowns if p.name == "candidate" else slowdowns[:1])]
    seconds: dict[tuple[str, float], list[float]] = {(process.name, slowdown): [] for process, slowdown in turns}
    for _ in range(rounds):
        turn = order.sample(turns, len(turns))
        there = [process.ask(model, SLICE, slowdown) for process, slowdown in turn]
        back = [process.ask(model, SLICE, slowdown) for process, slowdown in reversed(turn)]
        for (process, slowdown), a, b in zip(turn, there, reversed(back), strict=True):
            seconds[process.name, slowdown].append(math.sqrt(a * b))
    return seconds
