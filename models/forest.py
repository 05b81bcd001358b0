"""Random forest: 100 trees on raw pixels."""

from __future__ import annotations

from typing import Any

import pytest

from suite import DIGITS, FIVES, Above, Floor, Model, NoRegression


def build(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(random_state=seed, n_jobs=-1)


FOREST = Model(
    "forest",
    build,
    tasks=(FIVES, DIGITS),
    gates=(
        Floor(DIGITS, "accuracy", quick=0.89, full=0.96),
        Above(FIVES, "roc_auc", rival="sgd"),
        NoRegression(DIGITS),
        NoRegression(FIVES, "roc_auc", quick=0.003, full=0.0005),
    ),
    description="RandomForestClassifier, 100 trees on raw pixels",
)


@pytest.fixture(scope="session")
def forest(trained: Any) -> Any:
    """The forest, fitted once per session, on first use."""
    return trained(FOREST)


def pytest_suite_models() -> list[Model]:
    return [FOREST]
