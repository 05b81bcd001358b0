"""What `--gate-confirm` buys and costs: `python -m tests.benchmarks.confirmation` prints docs/verdicts.md's table.

Simulated from normal seeds, as the boundaries are: seeds of the simulation are fixed. It is of the means, with the
share of the level that they have beside the worst seed and what every seed knew.
"""

from __future__ import annotations

import numpy as np

from fitgate.gates import JudgeSettings
from fitgate.gates.settings import CONFIRMED_AT, CONFIRMING
from fitgate.statistics import Looks
from fitgate.statistics.confirmation import simulated
from fitgate.statistics.seeds import OF_LAPSES, OF_LOWEST

GATES = 6
ROUNDS = 100  # of 20,000 runs each
SETTINGS = JudgeSettings()


def rates(baseline: int, margin: float) -> tuple[float, float, float, float]:
    """False alarms of a gate without and with confirmation, and power at the margin, likewise."""
    level, looks = SETTINGS.significance / GATES, Looks(baseline, 1, SETTINGS.most_seeds)
    found = []
    for fall, rounds in ((0.0, ROUNDS), (margin, ROUNDS // 20)):
        plan = (looks, level * (1 - OF_LOWEST - OF_LAPSES), SETTINGS.missed, margin, fall, CONFIRMING, CONFIRMED_AT)
        ends = [simulated(*plan, seed=seed) for seed in range(rounds)]
        found += [np.mean([f.mean() for f, _ in ends]), np.mean([(f & c).mean() for f, c in ends])]
    return tuple(map(float, found))


def main() -> None:
    """Print the table."""
    print("| seeds of the baseline | margin, SDs | false alarms in 1,000 runs | confirmed | power | confirmed |")
    print("|--:|--:|--:|--:|--:|--:|")
    for baseline in (20, 100):
        for margin in (2.0, 3.0):
            alarms, confirmed, power, both = rates(baseline, margin)
            shown = f"{1_000 * GATES * alarms:.1f} | {1_000 * GATES * confirmed:.1f} | {power:.0%} | {both:.0%}"
            print(f"| {baseline} | {margin:g} | {shown} |")


if __name__ == "__main__":
    main()
