"""What a regression gate gains by what every seed knew: `python -m tests.benchmarks.lapses` prints the table.

Models of scikit-learn's small digits are trained clean, with many seeds, and with mild defects. Baselines and
candidates are drawn from these pools; each candidate's p-values are those of the metric's mean alone, with nine tenths
of the level, and of both together, as the gate takes them. Seeds are fixed.
"""

from __future__ import annotations

import argparse

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

from fitgate.report.tables import table
from fitgate.statistics import SeedsFall, lapses

LEVELS = (0.01, 0.001)
MODELS = {
    "forest of 30": lambda seed: RandomForestClassifier(30, random_state=seed),
    "forest of 5": lambda seed: RandomForestClassifier(5, random_state=seed),
    "SGD": lambda seed: SGDClassifier(random_state=seed, max_iter=30, tol=None),
}


def noisy(X, y, share, rng):
    """A share of the labels drawn anew."""
    changed = rng.random(len(y)) < share
    return X, np.where(changed, rng.integers(0, 10, len(y)), y)


def fewer(X, y, share, rng):
    """A share of the rows left out."""
    kept = rng.random(len(y)) >= share
    return X[kept], y[kept]


def fewer_threes(X, y, share, rng):
    """A share of one class left out."""
    kept = (y != 3) | (rng.random(len(y)) >= share)
    return X[kept], y[kept]


def blurred(X, y, share, rng):
    """Noise of a share of the greatest value."""
    return X + rng.normal(0, share, X.shape), y


DEFECTS = {
    "none": (fewer, 0.0),
    "3 % of the labels drawn anew": (noisy, 0.03),
    "8 % of the labels drawn anew": (noisy, 0.08),
    "15 % of the rows left out": (fewer, 0.15),
    "40 % of the threes left out": (fewer_threes, 0.4),
    "noise of 8 % in training": (blurred, 0.08),
}


def seeds(model: str, defect: str, first: int, count: int, jobs: int) -> np.ndarray:
    """Which test examples each of some seeds gets right, `(count, 1000)`."""
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X / 16, y, test_size=1000, random_state=0, stratify=y)
    plant, share = DEFECTS[defect]

    def one(seed: int) -> np.ndarray:
        fitted = MODELS[model](seed).fit(*plant(X, y, share, np.random.default_rng(seed)))
        return fitted.predict(X_test) == y_test

    return np.array(Parallel(jobs)(delayed(one)(seed) for seed in range(first, first + count)))


def rates(clean: np.ndarray, tried: np.ndarray | None, m: int, k: int, draws: int) -> list[float]:
    """How often the mean alone, and both, have a p-value below each level; of clean candidates where none is given."""
    rng, found = np.random.default_rng(0), []
    for _ in range(draws):
        rows = rng.permutation(len(clean))
        before = clean[rows[:m]]
        now = clean[rows[m : m + k]] if tried is None else tried[rng.permutation(len(tried))[:k]]
        fall = SeedsFall(before.mean(axis=1), now.mean(axis=1), k, k, lapses=lapses(before, now))
        found.append((float(fall.p_mean[-1]) * fall.of_mean / 0.9, float(fall.p_values[-1])))
    return [np.mean([p[which] < level for p in found]) for level in LEVELS for which in (0, 1)]


def main() -> None:
    """Train, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clean", type=int, default=500, help="clean seeds of a model")
    parser.add_argument("--tried", type=int, default=60, help="seeds of a model with a defect")
    parser.add_argument("--draws", type=int, default=2_000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    rows = []
    for model in MODELS:
        clean = seeds(model, "none", 0, options.clean, options.jobs)
        for defect in DEFECTS:
            tried = None if defect == "none" else seeds(model, defect, 9_000, options.tried, options.jobs)
            effect = 0.0 if tried is None else (clean.mean() - tried.mean()) / clean.mean(axis=1).std(ddof=1)
            for m, k in ((20, 1), (20, 5), (100, 1), (100, 5)):
                cells = rates(clean, tried, m, k, options.draws if tried is None else options.draws // 10)
                rows.append([model, defect, f"{effect:.1f}", str(m), str(k), *(f"{100 * cell:.1f}" for cell in cells)])
    measured = [f"{what} p < {level:g}, %" for level in LEVELS for what in ("mean alone,", "both,")]
    print(table(["model", "defect", "effect, SDs", "baseline", "seeds", *measured], rows, right=2))


if __name__ == "__main__":
    main()
