"""k nearest neighbours on raw pixels: one digit, or several traits of it at once."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from fitgate import Floor, Model, NoRegression, Published, Work
from suite.digits import DIGITS, TRAITS
from suite.fashion import FASHION


def build(seed: int) -> Any:
    """Five neighbours by brute force. Deterministic, whatever the seed."""
    if importlib.util.find_spec("sklearnex"):
        from sklearnex.neighbors import KNeighborsClassifier
    else:
        from sklearn.neighbors import KNeighborsClassifier
    return KNeighborsClassifier(algorithm="brute", n_jobs=-1)


def products(neighbours: Any) -> Work:
    """The inner products with all training images."""
    return Work("gemm", 2.0 * 784 * neighbours.n_samples_fit_)


KNN = Model(
    "knn",
    build,
    tasks=(DIGITS, TRAITS, FASHION),
    gates=(
        Floor(DIGITS, "accuracy", quick=0.89, full=0.96),
        Floor(TRAITS, "macro_f1", quick=0.92, full=0.96),
        Floor(FASHION, "accuracy", 0.844),
        NoRegression(DIGITS, "accuracy", quick=0.01, full=0.0015),
        NoRegression(TRAITS, "macro_f1", quick=0.01, full=0.002),
        NoRegression(FASHION, "accuracy", margin=0.004),
    ),
    published=(
        Published(
            FASHION,
            "accuracy",
            0.849,
            source="arXiv:1708.07747, table 3: n_neighbors=5, weights=uniform, p=2; on standardised pixels",
        ),
    ),
    stochastic=False,
    description="KNeighborsClassifier, 5 neighbours on raw pixels",
    work=products,
)


@pytest.fixture(scope="session")
def knn(trained: Any) -> Any:
    """The nearest neighbours, fitted once per session, on first use."""
    return trained(KNN)


def pytest_fitgate_models() -> list[Model]:
    return [KNN]
