"""Which season is it? Thirteen weeks of carbon dioxide over Mauna Loa; weeks of one year are drawn together."""

import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from statsmodels.datasets import co2

from fitgate import Dataset, Floor, Model, NoRegression, Task

WEEKS = 13


def windows():
    """Each week's last thirteen, their mean taken off (ppm); its season; and its year, which groups what overlaps."""
    weekly = co2.load_pandas().data["co2"].interpolate().dropna()
    X = np.lib.stride_tricks.sliding_window_view(weekly.to_numpy(), WEEKS)
    ends = weekly.index[WEEKS - 1 :]
    seasons = np.array(["winter", "spring", "summer", "autumn"])[ends.month % 12 // 3]
    return {"data": X - X.mean(axis=1, keepdims=True), "target": seasons, "year": ends.year}


SEASON = Task(
    "season",
    Dataset.from_sklearn(windows, groups=lambda loaded: loaded["year"], test_size=0.5),
    metrics=("accuracy", "macro_f1"),
    question="In which season do these weeks end?",
)


def trees(seed):
    return ExtraTreesClassifier(n_estimators=100, min_samples_leaf=5, random_state=seed)


def pytest_fitgate_models():
    gates = (Floor(SEASON, "accuracy", 0.7), NoRegression(SEASON, "accuracy", margin=0.03))
    return [Model("trees", trees, gates=gates, stochastic=True, serving_threads=1, description="ExtraTreesClassifier")]
