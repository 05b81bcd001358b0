"""How often `NoFlips` fails models with seeds: `python -m tests.benchmarks.breaks` prints docs/slices.md's table.

Models of scikit-learn's small digits, as in `tests.benchmarks.lapses`: forests, and SGD, which has a seed now and then
that is far off. Baselines and candidates are drawn from clean seeds, or candidates from seeds with a defect, and looked
at as a session looks: with five seeds at once, or one after the other up to ten. Seeds are fixed.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from fitgate.report.tables import table
from fitgate.statistics import breaks
from tests.benchmarks.lapses import MODELS, seeds

BASELINE, LEVEL = 20, 0.01
ALLOWED = (0.0, 0.002, 0.005, 0.01)  # that no more than nothing breaks can't be asked: it is the edge of what is sound
DEFECTS = {
    "forest of 30": (),
    "forest of 5": ("8 % of the labels drawn anew",),
    "SGD": ("3 % of the labels drawn anew", "8 % of the labels drawn anew"),
}
PLANS = {"5 at once": (5, 5), "1, then up to 10": (1, 10)}


def rates(clean: np.ndarray, tried: np.ndarray | None, plan: tuple[int, int], draws: int) -> tuple[float, list[float]]:
    """What a seed breaks on average, more than a baseline's, and how often that fails, by what is allowed."""
    rng, found, more = np.random.default_rng(0), [], []
    for _ in range(draws):
        rows = rng.permutation(len(clean))
        others = clean[rows[BASELINE:]] if tried is None else tried[rng.permutation(len(tried))]
        broken = breaks(clean[rows[:BASELINE]], others[: plan[1]])
        more.append(broken.now.mean() - broken.before.mean())
        found.append([broken.fall(clean.shape[1], allowed, *plan).fails(LEVEL, 0.0) for allowed in ALLOWED])
    return float(np.mean(more)), np.mean(found, axis=0).tolist()


def rows(pool: int, held: int, draws: int, jobs: int) -> Iterator[list[str]]:
    """A row a model, a defect and a plan of looks."""
    for model in MODELS:
        clean = seeds(model, "none", 0, pool, jobs)
        for defect in ("none", *DEFECTS[model]):
            tried = None if defect == "none" else seeds(model, defect, 9_000, held, jobs)
            for words, plan in PLANS.items():
                more, failed = rates(clean, tried, plan, draws)
                yield [model, defect, words, f"{round(more, 3) + 0.0:.1%}", *(f"{share:.1%}" for share in failed)]


def main() -> None:
    """Train, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean", type=int, default=300, help="clean seeds of a model")
    parser.add_argument("--tried", type=int, default=40, help="seeds of a model with a defect")
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    found = list(rows(options.clean, options.tried, options.draws, options.jobs))
    headers = ["model", "defect", "seeds", "broke", *(f"FAIL, {allowed:.1%} allowed" for allowed in ALLOWED)]
    print(table(headers, found, right=3))


if __name__ == "__main__":
    main()
