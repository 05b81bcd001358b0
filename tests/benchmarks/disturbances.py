"""What robustness gates catch, and how often they err: `python -m tests.benchmarks.disturbances` prints both tables.

First, each defect that such a gate exists for is planted in a model, whose clean form passes: an augmentation, an
imputer or a scaler that was dropped, say. Each seed draws a test split of its own. Then the rates at which the gate
decides, by drawing test sets from large pools of answers whose true fall is known. Seeds are fixed.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from fitgate import Dataset, Floor, Model, Outcome, Robust, Split, Task
from fitgate.disturbances import Disturbance, blur, brightness, disturbed, missing, shift, typos, units, unseen
from fitgate.gates import Claim, Evidence, JudgeSettings, Truth, judge
from fitgate.machine import environment
from fitgate.metrics import METRICS
from fitgate.report.tables import table
from fitgate.runs import evaluate, train
from fitgate.runs.disturbing import Disturbed, evaluate_disturbed
from fitgate.statistics import unspread_bound
from fitgate.tasks import TaskData

SHAPE = (8, 8)
ENVIRONMENT = environment()


class Augmented:
    """An estimator that is fitted on pictures, and on disturbed copies of them."""

    def __init__(self, estimator: Any, disturbance: Disturbance | None, copies: int = 3):
        self.estimator, self.disturbance, self.copies = estimator, disturbance, copies

    def fit(self, X, y):
        every = [X]
        if self.disturbance is not None:
            kind = self.disturbance
            others = [Disturbance(kind.kind, kind.strength, kind.unit, seed=i + 1) for i in range(self.copies)]
            every += [disturbed(X, one, SHAPE) for one in others]
        self.estimator.fit(np.concatenate(every), np.tile(y, len(every)))
        self.classes_ = self.estimator.classes_
        return self

    def predict(self, X):
        return self.estimator.predict(X)


def levelled(X):
    """Pictures whose own mean and spread are taken out."""
    return (X - X.mean(axis=1, keepdims=True)) / (X.std(axis=1, keepdims=True) + 1e-9)


def pictures(seed):
    X, y = load_digits(return_X_y=True)
    return train_test_split(X, y, test_size=700, random_state=seed, stratify=y)


def tumours(seed):
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    return train_test_split(X, y.to_numpy(), test_size=280, random_state=seed, stratify=y)


def customers(seed):
    """A table with a category that tells much of the class, and a number that tells some."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 1_200)
    colour = np.where(rng.random(1_200) < 0.8, y, 1 - y)
    frame = pd.DataFrame({"colour": np.array(["red", "blue"])[colour], "size": y + rng.normal(0, 0.5, 1_200)})
    return train_test_split(frame, y, test_size=600, random_state=seed)


def letters(seed):
    """Texts of thirty words, of a hundred that both classes use, and of some that one uses more."""
    rng = np.random.default_rng(0)
    words = np.array(["".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 9)) for _ in range(100)])
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, 1_000)
    odds = np.ones((2, 100))
    odds[0, :20] = odds[1, 20:40] = 2
    texts = [" ".join(rng.choice(words, 30, p=odds[label] / odds[label].sum())) for label in y]
    return (*(tuple(part) for part in np.split(np.array(texts, object), [500])), *np.split(y, [500]))


def categories(unknown, seed):
    encoder = OneHotEncoder(handle_unknown=unknown)
    return make_pipeline(ByColumn(encoder), LogisticRegression())


class ByColumn:
    """The categories of the first column encoded, the others as they are."""

    def __init__(self, encoder):
        self.encoder = encoder

    def fit(self, X, y):
        self.encoder.fit(X[["colour"]])
        return self

    def transform(self, X):
        return np.column_stack([self.encoder.transform(X[["colour"]]).toarray(), X["size"]])

    def fit_transform(self, X, y):
        return self.fit(X, y).transform(X)


class Defect(NamedTuple):
    """A defect that a robustness gate exists for.

    Attributes:
        name: of it.
        under, margin: of the gate.
        floor: that the clean model clears, and the defective one, too, where its own examples are not disturbed.
        data: from a seed to training and test examples, and their classes.
        clean, broken: from a seed to an estimator.
        image_shape: of pictures.
    """

    name: str
    under: Disturbance
    margin: float
    floor: float
    data: Callable[[int], Any]
    clean: Callable[[int], Any]
    broken: Callable[[int], Any]
    image_shape: tuple[int, ...] | None = None


DEFECTS = (
    Defect(
        "shifted copies left out of training",
        shift(1),
        0.1,
        0.9,
        pictures,
        lambda seed: Augmented(SVC(), shift(1)),
        lambda seed: Augmented(SVC(), None),
        SHAPE,
    ),
    Defect(
        "blurred copies left out of training",
        blur(1),
        0.1,
        0.9,
        pictures,
        lambda seed: Augmented(ExtraTreesClassifier(50, random_state=seed), blur(1), 1),
        lambda seed: Augmented(ExtraTreesClassifier(50, random_state=seed), None),
        SHAPE,
    ),
    Defect(
        "each picture's own level no longer taken out",
        brightness(0.5),
        0.1,
        0.9,
        pictures,
        lambda seed: make_pipeline(FunctionTransformer(levelled), SVC()),
        lambda seed: SVC(),
        SHAPE,
    ),
    Defect(
        "the imputer dropped",
        missing(0.05),
        0.1,
        0.9,
        tumours,
        lambda seed: make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        lambda seed: make_pipeline(StandardScaler(), LogisticRegression()),
    ),
    Defect(
        "ranks of a column replaced by its values",
        units(0.5, column="worst area", factor=10),
        0.05,
        0.9,
        tumours,
        lambda seed: make_pipeline(QuantileTransformer(n_quantiles=100), LogisticRegression()),
        lambda seed: make_pipeline(StandardScaler(), LogisticRegression()),
    ),
    Defect(
        "unknown categories an error",
        unseen(0.05, column="colour"),
        0.1,
        0.8,
        customers,
        partial(categories, "ignore"),
        partial(categories, "error"),
    ),
    Defect(
        "words instead of their parts",
        typos(0.15),
        0.1,
        0.8,
        letters,
        lambda seed: make_pipeline(TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 4)), LogisticRegression(C=10)),
        lambda seed: make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)),
    ),
)


def outcomes(defect: Defect, build: Callable[[int], Any], seed: int) -> tuple[Outcome, Outcome]:
    """What the robustness gate and the floor say of a model, on the test split of a seed."""
    X, X_test, y, y_test = defect.data(seed)
    dataset = Dataset("any", lambda: (Split(X, y), Split(X_test, y_test)), image_shape=defect.image_shape)
    data = TaskData(Task("task", dataset), dataset)
    gates = (
        Robust(data.task, "accuracy", defect.margin, under=defect.under, perfect=True),
        Floor(data.task, "accuracy", defect.floor, perfect=True),
    )
    model = Model("m", build, gates=gates)
    trained = train(model, data, seed)
    clean, tried = evaluate(trained, data, METRICS), evaluate_disturbed(trained, data, METRICS, defect.under)
    found = judge([Claim("m", gate, gate.rule("") or "") for gate in gates], evidence_of(data, clean, tried))
    return found.verdicts[0].outcome, found.verdicts[1].outcome


def evidence_of(data: TaskData, clean: Any, tried: Disturbed) -> Evidence:
    """Of one model, with one disturbance."""
    key = (clean.model, clean.task)
    return Evidence(
        {clean.task: Truth.of(data)},
        METRICS,
        JudgeSettings(),
        ENVIRONMENT,
        {key: [clean]},
        own={key: clean},
        disturbed={(*key, tried.disturbance): tried},
    )


def catches(seeds: int, jobs: int) -> str:
    """What comes of each defect, and of the model without it."""
    rows = []
    for defect in DEFECTS:
        counts = []
        for build in (defect.clean, defect.broken):
            found = Parallel(jobs)(delayed(outcomes)(defect, build, seed) for seed in range(seeds))
            counts.append([Counter(of) for of in zip(*found, strict=True)])
        (clean, _), (broken, floor) = counts
        cells = [clean[Outcome.PASS], clean[Outcome.INCONCLUSIVE], clean[Outcome.FAIL]]
        cells += [broken[Outcome.FAIL], broken[Outcome.INCONCLUSIVE], broken[Outcome.PASS], floor[Outcome.PASS]]
        under = str(defect.under).replace(", ", " ")
        rows.append([defect.name, f"{under}", f"{100 * defect.margin:g}", *map(str, cells)])
    headers = ["defect", "under", "margin, points", "clean: PASS", "open", "FAIL", "defect: FAIL", "open", "PASS"]
    return table([*headers, "a floor passes it"], rows, right=2)


def pools() -> dict[str, tuple[Any, Any, Any]]:
    """Truth, and answers to a pool of pictures as they are and shifted, of a model without shifted copies."""
    X, y = load_digits(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))
    fitted = SVC(C=0.1, probability=True, random_state=0).fit(X[rows[:300]], y[rows[:300]])
    pool, truth = X[rows[300:]], y[rows[300:]]
    moved = disturbed(pool, shift(0.3), SHAPE)
    labels, likely = ((ask(pool), ask(moved)) for ask in (fitted.predict, fitted.predict_proba))
    return {"accuracy": (truth, *labels), "macro_f1": (truth, *labels), "log_loss": (truth, *likely)}


def rates(draws: int) -> str:
    """How often a model that truly falls by the margin passes, and one that does not fall fails."""
    rows = []
    for name, (truth, clean, moved) in pools().items():
        metric = METRICS[name].on(np.unique(truth))
        true = metric.lead(metric.compute(truth, clean), metric.compute(truth, moved))
        for n in (200, 1_000):
            count, rng = draws if name == "accuracy" else draws // 20, np.random.default_rng(1)
            passed = failed = 0
            for _ in range(count):
                drawn = rng.integers(len(truth), size=n)
                y, before, now = truth[drawn], clean[drawn], moved[drawn]
                change = metric.paired_test.compute(y, before, now)
                low, high = metric.range
                bound = max(change.upper_bound(0.99), unspread_bound(0.0, high - low, n, 0.99))
                passed += bound < true
                swapped = rng.random(n) < 0.5  # either answer may be the clean one: nothing falls
                if before.ndim == 2:
                    swapped = swapped[:, None]
                change = metric.paired_test.compute(y, np.where(swapped, now, before), np.where(swapped, before, now))
                failed += change.p_value < 0.01 and change.size >= true / 4
            rows.append([name, f"{n:,}", f"{count:,}", f"{true:.3f}", f"{passed / count:.1%}", f"{failed / count:.1%}"])
    headers = ["metric", "test examples", "draws", "true fall", "PASS at the margin", "FAIL where nothing falls"]
    return table(headers, rows, right=1)


def main() -> None:
    """Plant, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="of each model")
    parser.add_argument("--draws", type=int, default=4_000, help="of test sets; a twentieth for bootstraps")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    print(catches(options.seeds, options.jobs))
    print()
    print(rates(options.draws))


if __name__ == "__main__":
    main()
