"""What gates of slices, of gaps, of breaks and of groups catch, and how often they err.

`python -m tests.benchmarks.slices` prints docs/slices.md's tables. Answers are simulated, example by example, with
fixed seeds, and judged as a session judges them: a sound model, one that is just at what the gate allows, and one with
the defect that the gate is for.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from fitgate import Dataset, Floor, Gap, NoFlips, NoRegression, Outcome, Split, Task
from fitgate.data import Slices
from fitgate.gates import Claim, Evidence, Gate, JudgeSettings, Truth, Verdict, collect, judge
from fitgate.machine import environment
from fitgate.metrics import METRICS
from fitgate.report.tables import table
from fitgate.runs import Evaluation, Fit, SeedRun

N, FEWER = 10_000, 3_000
SIZES = (0.3, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.02)  # of slices
SLICE = 2  # of a tenth of the examples, in which a defect is
RIGHT = 0.92  # share of answers
CHURN = 0.01  # of examples that an innocent change breaks, and as many that it mends
KNOWN, NOISY = 0.8, 0.1  # of examples that each seed gets right, and that one gets right by chance, half of the time
SEEDS, FIRST = 20, 5  # of a baseline, and of a model with seeds
LEVEL = 0.01
ENVIRONMENT = environment()
TASK = Task("t", Dataset("d", lambda: (Split([[0]], [0]), Split([[0]], [0]))), metrics=("accuracy",))
ACCURACY, BY = METRICS["accuracy"], "country"

Array = np.ndarray
Answers = Callable[[np.random.Generator, Array], tuple[list[Array], list[Array]]]  # right ones, before and now


def of_slices(n: int) -> Array:
    """The slice of each example."""
    return np.repeat(np.arange(len(SIZES)), [round(n * size) for size in SIZES])


def alone(shift: float) -> Answers:
    """One output, right by a share that is shifted in one slice; no baseline."""

    def draw(rng: np.random.Generator, slices: Array) -> tuple[list[Array], list[Array]]:
        return [], [rng.random(len(slices)) < RIGHT + shift * (slices == SLICE)]

    return draw


def changed(fall: float, broken: float = CHURN) -> Answers:
    """An output and a baseline's: some examples broke and as many were mended; in one slice, further ones broke."""

    def draw(rng: np.random.Generator, slices: Array) -> tuple[list[Array], list[Array]]:
        before = rng.random(len(slices)) < RIGHT
        chance = np.where(before, broken / RIGHT, broken / (1 - RIGHT))
        chance += (slices == SLICE) * before * fall / RIGHT
        return [before], [before ^ (rng.random(len(slices)) < chance)]

    return draw


def seeded(fall: float, broken: float = 0.0) -> Answers:
    """Seeds of a model and of its baseline, which get the same examples right, wrong, or either by chance.

    Of the model, so large a part of the one slice is wrong for sure, and of all examples so many broke and were mended.
    """

    def draw(rng: np.random.Generator, slices: Array) -> tuple[list[Array], list[Array]]:
        n = len(slices)
        chance = rng.permutation(np.repeat([1.0, 0.5, 0.0], [round(n * KNOWN), round(n * NOISY), n])[:n])
        now = chance.copy()
        own = np.flatnonzero((slices == SLICE) & (chance == 1.0))
        now[rng.choice(own, round(fall * (slices == SLICE).sum()), replace=False)] = 0.0
        for of, to in ((1.0, 0.0), (0.0, 1.0)):
            now[rng.choice(np.flatnonzero(chance == of), round(broken * n), replace=False)] = to
        return [rng.random(n) < chance for _ in range(SEEDS)], [rng.random(n) < now for _ in range(FIRST)]

    return draw


SCENARIOS: list[tuple[str, Gate, Answers, int]] = [
    ("sound: 92 % right everywhere", Floor(TASK, "accuracy", 0.85, by=BY), alone(0.0), N),
    ("one slice of 10 % just at the floor", Floor(TASK, "accuracy", 0.85, by=BY), alone(-0.07), N),
    ("one slice of 10 % at 5 points below the floor", Floor(TASK, "accuracy", 0.85, by=BY), alone(-0.12), N),
    ("the same, without slices", Floor(TASK, "accuracy", 0.85), alone(-0.12), N),
    ("sound: 1 % broke, 1 % were mended", NoRegression(TASK, "accuracy", 0.05, by=BY), changed(0.0), FEWER),
    ("a slice of 10 % fell by 5 points", NoRegression(TASK, "accuracy", 0.05, by=BY), changed(0.05), FEWER),
    ("the same, of more examples", NoRegression(TASK, "accuracy", 0.05, by=BY), changed(0.05), N),
    ("the same, without slices", NoRegression(TASK, "accuracy", 0.05), changed(0.05), FEWER),
    ("sound, with seeds", NoRegression(TASK, "accuracy", 0.05, by=BY), seeded(0.0), FEWER),
    ("with seeds, a slice of 10 % fell by 5 points", NoRegression(TASK, "accuracy", 0.05, by=BY), seeded(0.05), FEWER),
    ("sound: the same everywhere", Gap(TASK, "accuracy", by=BY, at_most=0.1), alone(0.0), N),
    ("one slice of 10 % just as far off", Gap(TASK, "accuracy", by=BY, at_most=0.1), alone(-0.1), N),
    ("one slice of 10 % at 20 points below", Gap(TASK, "accuracy", by=BY, at_most=0.1), alone(-0.2), N),
    ("sound: 1 % broke, 1 % were mended", NoFlips(TASK, 0.02), changed(0.0), FEWER),
    ("2 % broke, 2 % were mended", NoFlips(TASK, 0.02), changed(0.0, 0.02), FEWER),
    ("4 % broke, 4 % were mended", NoFlips(TASK, 0.02), changed(0.0, 0.04), FEWER),
    ("the same, by its accuracy", NoRegression(TASK, "accuracy", 0.01), changed(0.0, 0.04), FEWER),
    ("sound, with seeds", NoFlips(TASK, 0.02), seeded(0.0), FEWER),
    ("with seeds, 2 % broke, 2 % were mended", NoFlips(TASK, 0.02), seeded(0.0, 0.02), FEWER),
    ("with seeds, 4 % broke, 4 % were mended", NoFlips(TASK, 0.02), seeded(0.0, 0.04), FEWER),
    ("the same, by its accuracy", NoRegression(TASK, "accuracy", 0.01), seeded(0.0, 0.04), FEWER),
]


def verdict(gate: Gate, draw: Answers, n: int, seed: int) -> Verdict:
    """What a gate makes of one draw."""
    slices = of_slices(n)
    before, now = draw(np.random.default_rng(seed), slices)
    target = np.zeros(len(slices), np.int64)
    names = [f"s{i}" for i in range(len(SIZES))]
    sliced = {BY: Slices(names, slices.astype(np.uint8))}
    truth = Truth("", "d", target, target, kind="binary", classes=np.array([0, 1]), slices=sliced)
    held = {}
    if before:
        fits = [SeedRun(Fit("m", "t", i, "d", 0.0, None, ""), _evaluation(x)) for i, x in enumerate(before)]
        held = {("m", "t"): collect(fits, "", ENVIRONMENT, None)}
    runs = {("m", "t"): [_evaluation(x) for x in now]}
    settings = JudgeSettings(seeds=len(now), most_seeds=len(now))
    found = Evidence({"t": truth}, METRICS, settings, ENVIRONMENT, runs, baselines=held)
    return judge([Claim("m", gate, gate.rule("") or "")], found).verdicts[0]


def _evaluation(right: Array) -> Evaluation:
    share = {"accuracy": float(right.mean())}
    return Evaluation("m", "t", len(right), share, 0.0, None, 0.0, (~right).astype(np.int64))


def scenarios(draws: int, jobs: int) -> Iterator[list[str]]:
    """A row a scenario: how often it ends in which verdict, and the power that the verdicts state."""
    for what, gate, draw, n in SCENARIOS:
        found = Parallel(jobs)(delayed(verdict)(gate, draw, n, seed) for seed in range(draws))
        shares = [np.mean([v.outcome is outcome for v in found]) for outcome in ENDS]
        powers = [v.power for v in found if v.power is not None]
        stated = f"{np.median(powers):.0%}" if powers and "sound" not in what else ""
        yield [f"`{gate.rule('')}`", what, f"{n:,}", *(f"{share:.1%}" for share in shares), stated]


ENDS = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
GROUPED = ((20, 10), (50, 10), (200, 10), (50, 100))  # groups, and the rows of each
FLOOR, PERSON = 0.9, 0.1  # the SD of groups' own shares, by a beta distribution


def of_groups(groups: int, rows: int, seed: int) -> tuple[bool, bool, bool, bool]:
    """Whether floors pass a model that is at the floor, and tests see a fall that there is not: as rows, as groups."""
    rng = np.random.default_rng(seed)
    total = FLOOR * (1 - FLOOR) / PERSON**2 - 1
    of_group = np.repeat(np.arange(groups), rows)

    def right(own: Any) -> Array:
        return rng.random(groups * rows) < own[of_group]

    share = rng.beta(FLOOR * total, (1 - FLOOR) * total, size=(2, groups))
    now, before = right(share[0]), right(share[1])
    target = np.ones(groups * rows, bool)
    found = []
    for metric in (ACCURACY, ACCURACY.on(None, groups=of_group)):
        found.append(metric.confidence_bound.compute(target, now, 1 - LEVEL) >= FLOOR)
        found.append(metric.paired_test.compute(target, before, now).p_value < LEVEL)
    return tuple(map(bool, found))  # type: ignore[return-value]


def groups_table(draws: int, jobs: int) -> Iterator[list[str]]:
    """A row a number of groups: how often 1 % is kept, with rows for independent ones, and with groups."""
    for groups, rows in GROUPED:
        found = np.mean(Parallel(jobs)(delayed(of_groups)(groups, rows, seed) for seed in range(draws)), axis=0)
        yield [str(groups), str(rows), *(f"{share:.1%}" for share in found[[0, 2, 1, 3]])]


def main() -> None:
    """Draw, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    headers = ["gate", "what is true", "n", "FAIL", "INCONCLUSIVE", "PASS", "stated power"]
    print(table(headers, list(scenarios(options.draws, options.jobs)), right=2))
    headers = ["groups", "rows of each", "floor, as rows", "as groups", "fall, as rows", "as groups"]
    print(f"\n{table(headers, list(groups_table(options.draws, options.jobs)), right=0)}")


if __name__ == "__main__":
    main()
