"""Strangers' data and estimators, whole: a floor, a baseline, a run that holds it and one that does not, the report."""

import re
import shutil
from dataclasses import dataclass

import pytest

from fitgate.cli import main

pytestmark = pytest.mark.slow

CONFTEST = """
pytest_plugins = ["fitgate.plugin"]

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.datasets import *
from sklearn.dummy import *
from sklearn.ensemble import *
from sklearn.feature_extraction.text import *
from sklearn.linear_model import *
from sklearn.multiclass import *
from sklearn.pipeline import *
from sklearn.preprocessing import *
from sklearn.tree import *

from fitgate import *
from fitgate.data import *

{loader}

TASK = Task("{task}", {dataset}, metrics={metrics})
MODEL = Model("model", lambda seed: {estimator}, gates=(
    Floor(TASK, {metric!r}, {floor}, perfect=True), NoRegression(TASK, {metric!r}, {margin}, perfect=True)))

def pytest_fitgate_models():
    return [MODEL]
"""
CHECKS = "from fitgate.checks import test_every_test_example_has_a_prediction, test_gate, test_seed"


@dataclass(frozen=True)
class Ground:
    """A stranger's task.

    Attributes:
        dataset, metrics, good, worse: Python's text of them, and of two estimators.
        metric, floor, margin: of its gates.
        shown: what the report of the good one shows, with single spaces.
        loader: what the dataset needs.
        pictures: whether its rows are images.
    """

    dataset: str
    metrics: tuple
    good: str
    worse: str
    metric: str
    floor: float
    margin: float
    shown: tuple
    loader: str = ""
    pictures: bool = False


FOREST = "RandomForestClassifier(20, random_state=seed)"
STUMP = "DecisionTreeClassifier(max_depth=1, random_state=seed)"

WINE = """
def load_cultivars():
    bunch = load_wine()
    return bunch.data, np.array(["Barolo", "Grignolino", "Barbera"])[bunch.target]
"""
SENTENCES = """
THINGS = ("film", "book", "play", "concert", "dinner", "hotel", "journey", "garden", "lecture", "game")
WORDS = {"praise": ("wonderful", "superb", "lovely", "clever"), "blame": ("awful", "dull", "silly", "boring")}

def load_reviews():
    both = [
        (f"The {thing} was {one}, and its end {other}.", verdict)
        for thing in THINGS
        for verdict, words in WORDS.items()
        for one, other in zip(words, words[1:] + words[:1])
    ]
    return [sentence for sentence, _ in both], np.array([verdict for _, verdict in both])
"""
LOANS = """
import pandas as pd

def load_loans():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "purpose": pd.Categorical(rng.choice(["car", "house", "holiday"], 600)),
        "employed": pd.Categorical(rng.choice(["yes", "no"], 600)),
        "amount": rng.integers(1_000, 50_000, 600),
    })
    risk = 2 * (frame["purpose"] == "holiday") + 2 * (frame["employed"] == "no") + frame["amount"] / 50_000
    return frame, np.where(risk + 0.3 * rng.normal(size=600) > 2, "defaulted", "repaid")
"""
LOAN = "make_pipeline(make_column_transformer((OneHotEncoder(), ['purpose', 'employed']), remainder='passthrough'), {})"
WORDS = """
from scipy.sparse import csr_matrix

def load_counts():
    rng = np.random.default_rng(0)
    kinds = rng.integers(3, size=400)
    rates = np.full((3, 200), 0.1)
    for kind in range(3):
        rates[kind, 20 * kind : 20 * kind + 20] = 0.6
    return csr_matrix(rng.poisson(rates[kinds])), np.array(["sport", "politics", "science"])[kinds]
"""
TAGS = """
def load_tags():
    return make_multilabel_classification(600, n_features=20, n_classes=3, random_state=0)
"""

GROUNDS = {
    "tumours": Ground(
        "Dataset.from_sklearn(load_breast_cancer, test_size=0.5)",
        ("roc_auc", "log_loss", "average_precision", "brier"),
        FOREST,
        STUMP,
        "roc_auc",
        0.93,
        0.02,
        ("| malignant | 106 |", "| benign | 179 |", "ROC AUC", "log loss", "Brier score"),
    ),
    "cultivars": Ground(
        "Dataset.from_sklearn(load_cultivars, test_size=0.5)",
        ("roc_auc_ovr", "balanced_accuracy", "log_loss", "neg_brier_score"),
        FOREST,
        STUMP,
        "balanced_accuracy",
        0.8,
        0.1,
        ("| Barbera |", "| Barolo |", "| Grignolino |", "balanced accuracy", "neg_brier_score"),
        WINE,
    ),
    "figures_from_0_to_9": Ground(
        "Dataset.from_sklearn(load_digits, test_size=0.5, name='handwriting')",
        ("accuracy", "top_k_accuracy"),
        FOREST,
        STUMP,
        "accuracy",
        0.85,
        0.03,
        ("899 test images", "figures/misclassified.png", "| class | test images | model |"),
        pictures=True,
    ),
    "progression": Ground(
        "Dataset.from_sklearn(load_diabetes, test_size=0.5)",
        ("mae", "r2", "neg_median_absolute_error"),
        "RandomForestRegressor(50, random_state=seed)",
        "DummyRegressor(strategy='constant', constant=10.0)",
        "mae",
        60,
        10,
        ("## Errors", "figures/predicted.png", "Largest errors", "MAE", "R²", "neg_median_absolute_error"),
    ),
    "reviews": Ground(
        "Dataset.from_sklearn(load_reviews, test_size=0.5)",
        ("accuracy", "roc_auc"),
        "make_pipeline(TfidfVectorizer(), SGDClassifier(random_state=seed))",
        "make_pipeline(TfidfVectorizer(), DummyClassifier(strategy='constant', constant='blame'))",
        "accuracy",
        0.7,
        0.2,
        ("| blame | 20 |", "| praise | 20 |"),
        SENTENCES,
    ),
    "loans": Ground(
        "Dataset.from_sklearn(load_loans, test_size=0.5)",
        ("f1", "accuracy"),
        LOAN.format(FOREST),
        LOAN.format(STUMP),
        "accuracy",
        0.8,
        0.05,
        ("| defaulted |", "| repaid |", "purpose: ", "employed: "),
        LOANS,
    ),
    "topics": Ground(
        "Dataset.from_sklearn(load_counts, test_size=0.5)",
        ("accuracy", "roc_auc_ovr"),
        "SGDClassifier(random_state=seed)",
        STUMP,
        "roc_auc_ovr",
        0.85,
        0.05,
        ("| politics |", "| science |", "| sport |"),
        WORDS,
    ),
    "tags": Ground(
        "Dataset.from_sklearn(load_tags, test_size=0.5)",
        ("macro_f1", "roc_auc", "log_loss", "accuracy"),
        FOREST,
        "DummyClassifier(strategy='constant', constant=[0, 1, 1])",
        "macro_f1",
        0.6,
        0.05,
        ("<summary>Recall of each label, %</summary>", "| label | test examples | model |", "| 2 |"),
        TAGS,
    ),
}


def run(project, name, estimator):
    """The verdicts of a session, by gate, with its report; the run is then taken away."""
    ground = GROUNDS[name]
    text = CONFTEST.format(**{**vars(ground), "task": name, "estimator": estimator})
    project.pytester.makeconftest(text)
    project.pytester.makepyfile(test_models=CHECKS)
    result = project.run("--fit-seeds=3", "-q")
    record, report = project.record, re.sub(" +", " ", project.report)
    return result, {v.kind: str(v.outcome) for v in record.verdicts}, report


@pytest.mark.parametrize("name", GROUNDS)
def test_a_stranger_s_task_is_gated_blessed_held_and_reported(project, name):
    ground = GROUNDS[name]
    result, outcomes, report = run(project, name, ground.good)
    assert (result.ret, outcomes) == (0, {"Floor": "PASS", "NoRegression": "NO BASELINE"}), report
    for shown in ground.shown:
        assert shown in report, shown
    assert not re.search("digit" if ground.pictures else "digit|image", report, re.IGNORECASE)

    (directory,) = project.runs
    assert main(["judge", str(directory)]) == 0
    assert main(["bless", str(directory), "--least-seeds=3", "--yes"]) == 0
    shutil.rmtree(directory)
    result, outcomes, report = run(project, name, ground.good)
    assert (result.ret, outcomes) == (0, {"Floor": "PASS", "NoRegression": "PASS"}), report

    shutil.rmtree(project.runs[0])
    result, outcomes, report = run(project, name, ground.worse)
    assert (result.ret, outcomes["NoRegression"]) == (1, "FAIL"), report
