"""What contract checks catch, and how often they err: `python -m tests.benchmarks.contracts` prints the table.

Each defect is planted around each of some of scikit-learn's estimators, on data of several kinds, and held to all
checks; so are the estimators as they are, with several seeds. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from fitgate import Dataset, Model, Split, Task
from fitgate.contracts import CHECKS, Broken, Inapplicable, Subject
from fitgate.report.tables import table
from fitgate.runs import train
from fitgate.tasks import TaskData

MOST = 600  # examples of a dataset
DATA = {"digits": load_digits, "iris": load_iris, "breast_cancer": load_breast_cancer, "diabetes": load_diabetes}
CLASSIFIERS: tuple[Callable[[int], Any], ...] = (
    lambda seed: RandomForestClassifier(30, random_state=seed),
    lambda seed: ExtraTreesClassifier(30, random_state=seed),
    lambda seed: HistGradientBoostingClassifier(max_iter=20, random_state=seed),
    lambda seed: AdaBoostClassifier(n_estimators=20, random_state=seed),
    lambda seed: DecisionTreeClassifier(random_state=seed),
    lambda seed: make_pipeline(StandardScaler(), LogisticRegression()),
    lambda seed: make_pipeline(StandardScaler(), SGDClassifier(random_state=seed)),
    lambda seed: make_pipeline(StandardScaler(), LinearSVC(random_state=seed)),
    lambda seed: make_pipeline(StandardScaler(), MLPClassifier((30,), max_iter=40, random_state=seed)),
    lambda seed: make_pipeline(StandardScaler(), SVC()),
    lambda seed: KNeighborsClassifier(),
    lambda seed: GaussianNB(),
    lambda seed: make_pipeline(StandardScaler(), LinearDiscriminantAnalysis()),
)
REGRESSORS: tuple[Callable[[int], Any], ...] = (
    lambda seed: RandomForestRegressor(30, random_state=seed),
    lambda seed: GradientBoostingRegressor(n_estimators=30, random_state=seed),
    lambda seed: Ridge(),
    lambda seed: KNeighborsRegressor(),
)


class Around:
    """An estimator inside another, which passes on what it is asked."""

    def __init__(self, inner: Any):
        self.inner = inner

    def fit(self, X, y):
        self.inner.fit(X, y)
        return self

    def predict(self, X):
        return self.inner.predict(self.seen(X))

    def seen(self, X):
        """Examples as the estimator inside sees them."""
        return X

    def __getattr__(self, name):
        if name.startswith("__") or "inner" not in vars(self):
            raise AttributeError(name)
        if name in ("predict_proba", "decision_function"):
            asked = getattr(self.inner, name)
            return lambda X: asked(self.seen(X))
        return getattr(self.inner, name)


class Unseeded(Around):
    """Fitted on examples that are drawn anew each time."""

    def fit(self, X, y):
        rows = np.random.default_rng().choice(len(X), max(len(X) // 4, 30))
        return super().fit(X[rows], y[rows])


class Foreign(Around):
    """Answers with labels that start at another number."""

    def predict(self, X):
        return super().predict(X) + 1


class Scaling(Around):
    """Scales the examples where they lie."""

    def seen(self, X):
        if X.flags.writeable:
            X *= 1.5
        return X


class Normalising(Around):
    """Takes out the mean of its batch, as a batch normalisation that was left in training does."""

    def seen(self, X):
        return X - X.mean(axis=0) + self.middle

    def fit(self, X, y):
        self.middle = X.mean(axis=0)
        return super().fit(X, y)


class Running(Around):
    """Sees the mean of an example and the one before it."""

    def seen(self, X):
        return (X + np.roll(X, 1, axis=0)) / 2


class OfItsType(Around):
    """Takes numbers of another type than it was fitted on for numbers of another scale."""

    def fit(self, X, y):
        self.dtype = X.dtype
        return super().fit(X, y)

    def seen(self, X):
        return X if X.dtype == self.dtype else X * 3


class OfItsLayout(Around):
    """Reads the memory of its examples as if it lay row by row."""

    def seen(self, X):
        return np.frombuffer(X.tobytes("A"), X.dtype).reshape(X.shape)


class Locked(Around):
    """Holds what can't be pickled."""

    def fit(self, X, y):
        self.lock = threading.Lock()
        return super().fit(X, y)


class Forgetful(Around):
    """Loses where it is pickled how it centred its examples."""

    def fit(self, X, y):
        self.middle = X.mean(axis=0)
        return super().fit(X - self.middle, y)

    def seen(self, X):
        return X - self.middle

    def __getstate__(self):
        return vars(self) | {"middle": 0.0}


class Second(Around):
    """Answers with the second likeliest class."""

    def predict(self, X):
        return self.classes_[np.argsort(self.predict_proba(X), axis=1)[:, -2]]


DEFECTS: dict[type[Around], str] = {
    Unseeded: "check_same_seed_gives_same_predictions",
    Foreign: "check_labels_are_within_classes",
    Scaling: "check_input_is_unchanged",
    Normalising: "check_predictions_do_not_depend_on_batch_size",
    Running: "check_predictions_do_not_depend_on_order",
    OfItsType: "check_predictions_do_not_depend_on_dtype",
    OfItsLayout: "check_predictions_do_not_depend_on_dtype",
    Locked: "check_predictions_survive_save_and_load",
    Forgetful: "check_predictions_survive_save_and_load",
    Second: "check_predict_agrees_with_predict_proba",
}


def task_data(name: str) -> TaskData:
    """A dataset, half of it to be asked about; of numbers that float32 holds, so that their type can change."""
    X, y = DATA[name](return_X_y=True)
    X = X.astype(np.float32).astype(np.float64)
    rows = np.random.default_rng(0).permutation(len(y))[:MOST]
    first, second = np.array_split(rows, 2)
    dataset = Dataset(name, lambda: (Split(X[first], y[first]), Split(X[second], y[second])))
    metrics = ("mae",) if name == "diabetes" else ("accuracy",)
    return TaskData(Task(name, dataset, metrics=metrics), dataset)


def found(name: str, build: Callable[[int], Any], seed: int) -> dict[str, bool]:
    """The checks that apply to an estimator, by their names, and whether it fails them."""
    data = task_data(name)
    model, results = Model("m", build, tasks=(data.task,)), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subject = Subject(model, data, train(model, data, seed))
        for check in CHECKS:
            try:
                CHECKS[check](subject)
                results[check] = False
            except Broken:
                results[check] = True
            except Inapplicable:
                pass
    return results


def tried(
    seeds: int, names: Iterable[str] = DATA
) -> list[tuple[str, type[Around] | None, str, Callable[[int], Any], int]]:
    """All that is held to the checks: check, defect, data, estimator, seed."""
    every = []
    for name in names:
        for build in REGRESSORS if name == "diabetes" else CLASSIFIERS:
            every += [("", None, name, build, seed) for seed in range(seeds)]
            for defect, check in DEFECTS.items():
                if defect is not Second or hasattr(build(0), "predict_proba"):
                    every.append((check, defect, name, lambda seed, b=build, d=defect: d(b(seed)), 0))
    return every


class Counts(NamedTuple):
    """What came of one defect, and of estimators without any.

    Attributes:
        check: that the defect is for.
        defect: in words.
        caught, planted: how often the check found it, of how often it could.
        alarms, clean: how often the check failed an estimator as it is, of how often it could.
    """

    check: str
    defect: str
    caught: int
    planted: int
    alarms: int
    clean: int


def counts(seeds: int, jobs: int, names: Iterable[str] = DATA) -> list[Counts]:
    """Of each defect, on some of the data."""
    every = tried(seeds, names)
    results = Parallel(jobs)(delayed(found)(*one[2:]) for one in every)
    clean, alarms, caught, planted = Counter(), Counter(), Counter(), Counter()
    for (check, defect, *_), of in zip(every, results, strict=True):
        if defect is None:
            clean.update(of.keys())
            alarms.update(name for name, failed in of.items() if failed)
        elif check in of:
            planted[defect] += 1
            caught[defect] += of[check]
    return [
        Counts(check, (defect.__doc__ or "").rstrip("."), caught[defect], planted[defect], alarms[check], clean[check])
        for defect, check in DEFECTS.items()
    ]


def main() -> None:
    """Plant, hold to the checks, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="of each clean estimator")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    rows = [
        [f"`{one.check}`", one.defect, f"{one.caught} of {one.planted}", f"{one.alarms} of {one.clean:,}"]
        for one in counts(options.seeds, options.jobs)
    ]
    print(table(["check", "defect", "caught", "clean ones failed"], rows, right=2))


if __name__ == "__main__":
    main()
