"""How often cross-validated gates err on small data, and what they see.

`python -m tests.benchmarks.small_data` prints docs/verdicts.md's table.

Two of scikit-learn's own datasets are taken for populations: a new dataset of the same size is drawn from each class's
kernel density (its rows, each with normal noise of a fraction of the class's covariance), so that examples are
independent and without end. Estimators are cross-validated on each, as a session does it. What is true of them is the
mean over all draws: floors and falls are shifted to it, so that each estimator is at its floor, and each pair of
estimators a model that is no worse than its baseline, or one that has fallen by just the margin. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import itertools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import t
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from fitgate.data.folding import CrossValidation, fold
from fitgate.data.split import Split
from fitgate.metrics import METRICS
from fitgate.report.tables import table
from fitgate.statistics import Folds, corrected_bound, corrected_error, corrected_fall, unspread_bound

POPULATIONS = {"breast_cancer": load_breast_cancer, "wine": load_wine}
ESTIMATORS = {
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "neighbours": lambda: make_pipeline(StandardScaler(), KNeighborsClassifier()),
    "bayes": GaussianNB,
    "tree": lambda: DecisionTreeClassifier(max_depth=4, random_state=0),
}
NAMES = ("accuracy", "log_loss")
BANDWIDTH = 0.5  # SDs of a class, of the noise
LEVEL = 0.01
MARGINS = (0.02, 0.05)  # of accuracy


def sample(X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A dataset of as many rows, from the kernel density of each class."""
    rows = rng.integers(len(y), size=len(y))
    drawn = X[rows].astype(np.float64)
    for label in np.unique(y):
        own = y[rows] == label
        covariance = np.cov(X[y == label].T) * BANDWIDTH**2
        drawn[own] += rng.multivariate_normal(np.zeros(X.shape[1]), covariance, own.sum(), method="eigh")
    return drawn, y[rows]


def values(population: str, folds: int, repeats: int, seed: int) -> tuple[np.ndarray, Folds]:
    """The values of each metric, estimator and fold on one draw, higher for what is better; and the folds."""
    X, y = POPULATIONS[population](return_X_y=True)
    classes = np.unique(y)
    whole = Split(*sample(X, y, np.random.default_rng(seed)))
    dealt = CrossValidation(folds, repeats).deal(population, whole, 0).folds
    assert isinstance(dealt, Folds)
    metrics = [METRICS[name].on(classes) for name in NAMES]
    found = np.empty((len(NAMES), len(ESTIMATORS), len(dealt.sizes)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(len(dealt.sizes)):
            train, test = fold(whole, dealt, i)
            for j, build in enumerate(ESTIMATORS.values()):
                estimator = build().fit(train.X, train.y)
                likely = estimator.predict_proba(test.X)
                for k, metric in enumerate(metrics):
                    output = likely if metric.reads == "probabilities" else estimator.predict(test.X)
                    found[k, j, i] = metric.compute(test.y, output) * (1 if metric.higher_is_better else -1)
    return found, dealt


def rows(population: str, drawn: np.ndarray, folds: Folds, repeats: int) -> Iterator[tuple[Any, ...]]:
    """A row a metric: how often floors pass, falls alarm and margins are seen, averaged over estimators and pairs."""
    share, pairs = folds.share, list(itertools.permutations(range(len(ESTIMATORS)), 2))
    for k, name in enumerate(NAMES):
        found = drawn[:, k]  # `(draws, estimators, folds)`
        true = found.mean(axis=(0, 2))
        metric = METRICS[name]
        step, cap = metric.step(max(folds.sizes)), np.inf
        if metric.knows_perfection:
            cap = unspread_bound(1.0, 0.0, folds.n, 1 - LEVEL)
        passed = [
            [min(corrected_bound(one[j], share, 1 - LEVEL, step), cap) > true[j] for one in found]
            for j in range(len(ESTIMATORS))
        ]
        falls = [[corrected_fall(one[a] - true[a], one[b] - true[b], share, step) for one in found] for a, b in pairs]
        alarms = np.array([[fall.p_value < LEVEL for fall in of_pair] for of_pair in falls])
        plain = t.isf(LEVEL, found.shape[2] - 1) / np.sqrt(found.shape[2])
        spread = np.array([[(one[a] - one[b]).std(ddof=1) for one in found] for a, b in pairs])
        naive = np.array([[fall.size for fall in of_pair] for of_pair in falls]) > plain * spread
        cells = [np.mean(passed), alarms.mean(), alarms.mean(axis=1).max(), naive.mean()]
        for margin in MARGINS if name == "accuracy" else ():
            ends = np.array([[_ends(fall.size + margin, fall, margin) for fall in of_pair] for of_pair in falls])
            cells += ends.mean(axis=(0, 1)).tolist()
        yield population, repeats, name, *cells
    errors = [[corrected_error(one[j], share) for one in drawn[:, 0]] for j in range(len(ESTIMATORS))]
    true_error = drawn[:, 0].mean(axis=2).std(axis=0, ddof=1)
    print(
        f"{population}, {repeats} repeats: standard errors of accuracy over true ones: "
        f"{', '.join(f'{np.mean(e) / s:.2f}' for e, s in zip(errors, true_error, strict=True))}"
    )


def _ends(size: float, fall: Any, margin: float) -> tuple[bool, bool]:
    """Whether a gate of that margin fails, and passes, where a fall of its size was seen with this error, at 1 %."""
    reach = fall.standard_error
    p_value = float(t.sf(size / reach, fall.freedom)) if reach else 0.0
    fails = p_value < LEVEL and size >= margin / 2
    return fails, not fails and size + float(t.ppf(0.9, fall.freedom)) * reach < margin


HEADERS = (
    "data",
    "repeats",
    "metric",
    "floor",
    "alarms",
    "worst pair",
    "uncorrected",
    "FAIL at 2 points",
    "PASS",
    "FAIL at 5 points",
    "PASS",
)


def main() -> None:
    """Draw, cross-validate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    shown = []
    for population in POPULATIONS:
        work = (delayed(values)(population, options.folds, options.repeats, seed) for seed in range(options.draws))
        found = Parallel(options.jobs)(work)
        drawn, dealt = np.stack([one for one, _ in found]), found[0][1]
        for repeats in dict.fromkeys((1, options.repeats)):
            shown += rows(population, drawn[..., : repeats * options.folds], dealt, repeats)
    cells = [
        [f"{c:.1%}" if isinstance(c, float) else str(c) for c in row] + [""] * (len(HEADERS) - len(row))
        for row in shown
    ]
    print(table(HEADERS, cells))


if __name__ == "__main__":
    main()
