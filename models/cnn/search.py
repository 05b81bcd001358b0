"""The search of the recipe, the same for `cnn` and `torch_cnn`: as many trials, of the same settings and images."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from fitgate.errors import FitgateError
from fitgate.files import write
from fitgate.report.tables import table
from models.cnn.bench import PEER, add_data, directory_of
from models.cnn.racer import racing

RECIPE = {"learning_rate": 1.2e-2, "weight_decay": 0.05, "smoothing": 0.1}  # the first trial
RANGES = {"learning_rate": (4e-3, 3e-2), "weight_decay": (5e-3, 0.3)}  # of the others, drawn evenly in the logarithm
SMOOTHINGS = (0.0, 0.05, 0.1, 0.2)
HELD_OUT = "a sixth of the training images, the same for all trials"


class Trial(msgspec.Struct, frozen=True):
    """How well settings do: percent of the held-out images, for each seed."""

    settings: dict[str, float]
    accuracies: list[float]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.accuracies))


class Search(msgspec.Struct, frozen=True):
    """A search, as its record has it: the trials of each model."""

    profile: str
    held_out: str
    trials: dict[str, list[Trial]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Search, write the record, and print it; 1 if the digits are not there."""
    parser = argparse.ArgumentParser(prog="python -m models.cnn.search", description=__doc__)
    add_data(parser)
    parser.add_argument("--trials", type=int, default=12, help="of each model (default: 12)")
    parser.add_argument("--seeds", type=int, default=2, help="of each trial (default: 2)")
    parser.add_argument(
        "--finals", type=int, default=4, help="best trials of each that are given more seeds (default: 4)"
    )
    parser.add_argument("--more", type=int, default=6, help="seeds that those are given (default: 6)")
    parser.add_argument("--out", type=Path, default=Path("search.json"), help="record to write (default: search.json)")
    options = parser.parse_args(arguments)
    # One thread: what is learnt is the same, and others on the machine cost less.
    begin = partial(
        racing, directory=directory_of(options), profile=options.fit_profile, variables={"OMP_NUM_THREADS": "1"}
    )
    try:
        with begin("cnn") as ours, begin(PEER) as theirs:
            drawn = settings(options.trials, np.random.default_rng(0))
            found = search({"cnn": ours, PEER: theirs}, drawn, options.seeds, options.finals, options.more)
    except FitgateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    record = Search(options.fit_profile, HELD_OUT, found)
    write(options.out, msgspec.json.format(msgspec.json.encode(record)).decode())
    print(rendered(record))
    return 0


def settings(trials: int, rng: np.random.Generator) -> list[dict[str, float]]:
    """Those of each trial: the recipe's, then random ones."""
    found = [dict(RECIPE)]
    while len(found) < trials:
        drawn = {name: math.exp(rng.uniform(*np.log(ends))) for name, ends in RANGES.items()}
        found.append({**{k: float(f"{v:.2g}") for k, v in drawn.items()}, "smoothing": float(rng.choice(SMOOTHINGS))})
    return found


def search(
    racers: dict[str, Any], drawn: Sequence[dict[str, float]], seeds: int, finals: int, more: int
) -> dict[str, list[Trial]]:
    """Each model's trials, best first; before the others those with more seeds, which are the few best of either."""
    trials = {
        name: [Trial(each, [racer.trial(each, seed) for seed in range(seeds)]) for each in drawn]
        for name, racer in racers.items()
    }
    best = {i for mine in trials.values() for i in sorted(range(len(drawn)), key=lambda i: -mine[i].mean)[:finals]}
    for name, racer in racers.items():
        for i in sorted(best):
            accuracies = [racer.trial(drawn[i], seeds + k) for k in range(more)]
            trials[name][i] = Trial(drawn[i], trials[name][i].accuracies + accuracies)
        trials[name].sort(key=lambda trial: (-len(trial.accuracies), -trial.mean))
    return trials


def rendered(record: Search) -> str:
    """Its tables in markdown."""
    parts = []
    for name, trials in record.trials.items():
        rows = [
            [*(f"{trial.settings[key]:g}" for key in RECIPE), f"{trial.mean:.3f}", str(len(trial.accuracies))]
            for trial in trials
        ]
        titles = [*(key.replace("_", " ") for key in RECIPE), "held out, %", "seeds"]
        parts.append(f"{name}\n\n{table(titles, rows, right=0)}")
    return "\n\n".join([*parts, f"Accuracy on {record.held_out}."])


if __name__ == "__main__":
    sys.exit(main())
