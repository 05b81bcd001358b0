"""Random forest: 100 trees on raw pixels."""

from __future__ import annotations

from typing import Any

import pytest

from fitgate import Above, Floor, Model, NoRegression, Published, Work
from suite.digits import DIGITS, FIVES
from suite.fashion import FASHION


def build(seed: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(random_state=seed, n_jobs=-1)


def nodes(forest: Any) -> Work:
    """Nodes that an image passes in all trees: the mean depth of their leaves, by the training images in each."""
    from numpy import average

    def depth(tree: Any) -> float:
        depths = tree.compute_node_depths() - 1
        leaves = tree.children_left == -1
        return float(average(depths[leaves], weights=tree.weighted_n_node_samples[leaves]))

    return Work("tree", sum(depth(estimator.tree_) for estimator in forest.estimators_))


FOREST = Model(
    "forest",
    build,
    tasks=(DIGITS, FIVES, FASHION),
    gates=(
        Floor(DIGITS, "accuracy", quick=0.89, full=0.96),
        Above(FIVES, "roc_auc", rival="sgd"),
        Floor(FASHION, "accuracy", 0.863),
        NoRegression(DIGITS, "accuracy", quick=0.01, full=0.0015),
        NoRegression(FIVES, "roc_auc", quick=0.003, full=0.0005),
        NoRegression(FASHION, "accuracy", margin=0.004),
    ),
    published=(
        Published(
            FASHION,
            "accuracy",
            0.872,
            source="arXiv:1708.07747, table 3: n_estimators=100, criterion=gini, max_depth=100; on standardised pixels",
        ),
    ),
    stochastic=True,
    serving_threads=1,  # joblib takes longer to hand a few images to threads than 100 trees to answer
    description="RandomForestClassifier, 100 trees on raw pixels",
    work=nodes,
)


@pytest.fixture(scope="session")
def forest(trained: Any) -> Any:
    """The forest, fitted once per session, on first use."""
    return trained(FOREST)


def pytest_fitgate_models() -> list[Model]:
    return [FOREST]
