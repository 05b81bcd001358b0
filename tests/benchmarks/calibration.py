"""What gates of calibration catch, and how often they err: `python -m tests.benchmarks.calibration` prints the table.

A model and its baseline know as much of the same labels, by features whose noise they share for the most part, and both
state the true probabilities: a sound model. Then the temperature of one is doubled or halved. That makes it less sure
than it may be, or surer, and changes none of its answers. Seeds are fixed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.special import expit

from fitgate import Dataset, Floor, NoRegression, Outcome, Split, Task
from fitgate.gates import Claim, Evidence, Gate, JudgeSettings, Truth, collect, judge
from fitgate.machine import environment
from fitgate.metrics import METRICS, Outputs
from fitgate.report.tables import table
from fitgate.runs import Evaluation, Fit, SeedRun

N = 2_000
APART = 1.5  # the means of the two classes, in SDs of their feature
SHARED = 0.95  # the correlation of the features' noise
METRIC_NAMES = ("log_loss", "brier", "calibration_error", "accuracy")
TASK = Task("t", Dataset("d", lambda: (Split([[0]], [0]), Split([[0]], [0]))), metrics=METRIC_NAMES)
GATES: tuple[Gate, ...] = (
    NoRegression(TASK, "log_loss", 0.03),
    NoRegression(TASK, "brier", 0.01),
    NoRegression(TASK, "calibration_error", 0.05),
    Floor(TASK, "calibration_error", 0.08),
    NoRegression(TASK, "accuracy", 0.02),
)
TEMPERATURES = {"sound": 1.0, "temperature doubled": 2.0, "temperature halved": 0.5}
ENDS = (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.FAIL)
ENVIRONMENT = environment()


class Rates(NamedTuple):
    """How often a gate ends in each verdict.

    Attributes:
        gate: its rule.
        truth: of the model.
        passed, undecided, failed: shares of the draws.
    """

    gate: str
    truth: str
    passed: float
    undecided: float
    failed: float


def stated(rng: np.random.Generator, temperature: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels `(n,)`, and the probabilities `(n, 2)` that a baseline and a model of some temperature state."""
    target = rng.integers(0, 2, N)
    noise = np.sqrt(SHARED) * rng.normal(size=N) + np.sqrt(1 - SHARED) * rng.normal(size=(2, N))
    before, now = APART * (APART * target + noise) - APART**2 / 2  # logits
    return target, *(np.column_stack([1 - p, p]) for p in (expit(before), expit(now / temperature)))


def outcomes(temperature: float, seed: int) -> list[Outcome]:
    """What each gate makes of one draw."""
    target, *likely = stated(np.random.default_rng(seed), temperature)
    truth = Truth("", "d", target, target, kind="binary", classes=np.array([0, 1]))
    before, now = (_evaluation(target, one) for one in likely)
    held = {("m", "t"): collect([SeedRun(Fit("m", "t", 0, "d", 0.0, None, ""), before)], "", ENVIRONMENT, None)}
    runs = {("m", "t"): [now]}
    found = Evidence({"t": truth}, METRICS, JudgeSettings(), ENVIRONMENT, runs, baselines=held)
    return [judge([Claim("m", gate, gate.rule("") or "")], found).verdicts[0].outcome for gate in GATES]


def _evaluation(target: np.ndarray, likely: np.ndarray) -> Evaluation:
    outputs = Outputs(likely.argmax(axis=1), likely[:, 1], likely)
    values = {name: METRICS[name].on(np.array([0, 1])).value(target, outputs) for name in METRIC_NAMES}
    return Evaluation("m", "t", len(target), values, 0.0, None, 0.0, *outputs)


def rates(draws: int, jobs: int) -> Iterator[Rates]:
    """Of each gate, for each temperature."""
    for truth, temperature in TEMPERATURES.items():
        found = Parallel(jobs)(delayed(outcomes)(temperature, seed) for seed in range(draws))
        for gate, ends in zip(GATES, zip(*found, strict=True), strict=True):
            yield Rates(gate.rule("") or "", truth, *(ends.count(end) / draws for end in ENDS))


def main() -> None:
    """Draw, judge and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    found = sorted(
        rates(options.draws, options.jobs), key=lambda row: [gate.rule("") for gate in GATES].index(row.gate)
    )
    rows = [[f"`{row.gate}`", row.truth, *(f"{share:.1%}" for share in row[2:])] for row in found]
    print(table(["gate", "what is true", *map(str, ENDS)], rows, right=2))


if __name__ == "__main__":
    main()
