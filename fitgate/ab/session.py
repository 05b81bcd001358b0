"""A session: fresh processes of all arms, asked in turn, in slices of time too short for the machine to change."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import median
from typing import Protocol

import msgspec

from fitgate.latency.timing import Scenario
from fitgate.machine import Environment, environment
from fitgate.statistics import least_blocks

SIGNIFICANCE = 0.01
SPARE_BLOCKS = 2  # so that one block that goes the other way need not hide a slowdown
LEAST_BLOCKS = 8
SLICE = 0.005  # seconds
ARMS = ("base", "control", "candidate")
LEAST_ROUNDS = 25  # of models whose queries are longer than a slice, too


class Timer(Protocol):
    """A process that times the models of an arm, such as `fitgate.ab.arms.ArmProcess`."""

    @property
    def name(self) -> str: ...

    def ready(self) -> None: ...

    def ask(self, model: str, seconds: float) -> float: ...

    def kill(self) -> None: ...


class Timed(Protocol):
    """An arm that starts fresh processes, such as `fitgate.ab.arms.Arm`."""

    @property
    def name(self) -> str: ...

    def start(self, models: Sequence[str], batch_size: int | None) -> Timer: ...


class Reading(msgspec.Struct, frozen=True):
    """What one fresh process found.

    Attributes:
        block: which block it was in.
        arm: whose process it was.
        seconds: of a query, by model: a geometric mean for each round, in which it had two slices.
    """

    block: int
    arm: str
    seconds: dict[str, list[float]]


class Session(msgspec.Struct):
    """A comparison of arms.

    Attributes:
        base, candidate: commits, the latter with `-dirty` where the working tree differs.
        scenario: how predictions were asked for.
        models: those that all arms have.
        readings: of all processes, in order.
        environment: the machine and its libraries.
    """

    base: str | None
    candidate: str | None
    scenario: str
    models: list[str]
    readings: list[Reading]
    environment: Environment

    def log_ratios(self, model: str, arm: str) -> list[float]:
        """Logarithm of the candidate's time over another arm's, block by block: the median over rounds."""
        read = {(reading.block, reading.arm): reading.seconds[model] for reading in self.readings}
        blocks = range(1 + max(block for block, _ in read))
        pairs = [zip(read[i, "candidate"], read[i, arm], strict=True) for i in blocks]
        return [median(math.log(a / b) for a, b in pair) for pair in pairs]


def enough_blocks(comparisons: int) -> int:
    """How many blocks a session needs, so that its least attainable p-value clears the significance of each model."""
    return max(LEAST_BLOCKS, least_blocks(SIGNIFICANCE / max(1, comparisons)) + SPARE_BLOCKS)


def compare(
    arms: Sequence[Timed],
    models: Sequence[str],
    scenario: Scenario,
    *,
    blocks: int,
    seconds: float,
    commits: tuple[str | None, str | None],
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Session:
    """Ask a fresh process of each arm in each block, slice of time by slice: ABBA or BAAB, at random.

    A slice is so short that what slows the machine slows all arms' slices of a round alike: L. Bulej et al., "Duet
    benchmarking: improving measurement accuracy in the cloud", ICPE 2020.

    Args:
        arms: named `base`, `control` and `candidate`.
        models: to time.
        scenario: how predictions are asked for.
        blocks: how many.
        seconds: how long each process times each model.
        commits: of base and candidate.
        seed: of the orders.
        say: is called with each line of progress.
    """
    order = random.Random(seed)  # noqa: S311
    readings = []
    for block in range(blocks):
        processes = [arm.start(models, scenario.batch_size) for arm in order.sample(list(arms), len(arms))]
        try:
            for process in processes:
                process.ready()
            found = {model: _rounds(processes, model, seconds, order) for model in models}
        finally:
            for process in processes:
                process.kill()
        for process in processes:
            readings.append(Reading(block, process.name, {model: found[model][process.name] for model in models}))
        say(f"block {block + 1} of {blocks}")
    return Session(*commits, scenario.name, list(models), readings, environment())


def _rounds(processes: Sequence[Timer], model: str, seconds: float, order: random.Random) -> dict[str, list[float]]:
    """Seconds of a query of each process, round by round: asked in random order and then backwards."""
    found: dict[str, list[float]] = {process.name: [] for process in processes}
    rounds, spent = 0, 0.0
    while rounds < LEAST_ROUNDS or spent < seconds:
        turn = order.sample(list(processes), len(processes))
        there = [process.ask(model, SLICE) for process in turn]
        back = [process.ask(model, SLICE) for process in reversed(turn)]
        for process, a, b in zip(turn, there, reversed(back), strict=True):
            found[process.name].append(math.sqrt(a * b))
        rounds += 1
        spent += 2 * max(SLICE, *there, *back)  # one query may take longer than a slice
    return found
