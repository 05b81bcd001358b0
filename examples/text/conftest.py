"""Which library is it from? Docstrings of NumPy, SciPy and scikit-learn, by TF-IDF and a linear model."""

import importlib
import inspect
import re

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from fitgate import Dataset, Floor, Model, NoRegression, Task

MODULES = {
    "numpy": ("numpy", "numpy.fft", "numpy.linalg", "numpy.ma", "numpy.random"),
    "scipy": ("scipy.fft", "scipy.interpolate", "scipy.linalg", "scipy.ndimage", "scipy.optimize", "scipy.special"),
    "sklearn": (
        "sklearn.cluster",
        "sklearn.ensemble",
        "sklearn.linear_model",
        "sklearn.metrics",
        "sklearn.preprocessing",
    ),
}


def docstrings():
    """Each docstring once, without the libraries' names, and the library it is from."""
    found = {}
    for library, modules in MODULES.items():
        for module in map(importlib.import_module, modules):
            for name in sorted(module.__all__):
                text = inspect.getdoc(getattr(module, name)) or ""
                if len(text) > 200:
                    found.setdefault(re.sub(r"(?i)numpy|scipy|sklearn|scikit-learn|\bnp\b", " ", text), library)
    return list(found), list(found.values())


LIBRARY = Task(
    "library",
    Dataset.from_sklearn(docstrings, test_size=0.5),
    metrics=("accuracy", "macro_f1"),
    question="Which library is this docstring from?",
)


def linear(seed):
    return make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=10, random_state=seed))


def pytest_fitgate_models():
    gates = (Floor(LIBRARY, "macro_f1", 0.85), NoRegression(LIBRARY, "accuracy", margin=0.03))
    return [Model("linear", linear, gates=gates, stochastic=False, description="TF-IDF and logistic regression")]
