"""SGD: a linear support vector machine, one against the rest, on pixels scaled to [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fitgate import Floor, Model, NoRegression, Published, Work
from models.pixels import on_onnx
from suite.digits import DIGITS, FIVES
from suite.fashion import FASHION


def to_unit(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Pixels from 0..255 to [0, 1]: SGD converges ten times faster there than on raw or standardised ones."""
    return images / 255


def build(seed: int) -> Any:
    from sklearn.linear_model import SGDClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(to_unit), SGDClassifier(random_state=seed, n_jobs=-1))


def products(pipeline: Any) -> Work:
    """The inner products with a hyperplane for each class."""
    return Work("gemm", 2.0 * pipeline[-1].coef_.size)


SGD = Model(
    "sgd",
    build,
    tasks=(DIGITS, FIVES, FASHION),
    gates=(
        Floor(DIGITS, "accuracy", quick=0.82, full=0.90),
        Floor(FIVES, "roc_auc", quick=0.94, full=0.95),
        Floor(FASHION, "accuracy", 0.80),
        NoRegression(DIGITS, "accuracy", quick=0.01, full=0.004),
        NoRegression(FIVES, "roc_auc", quick=0.005, full=0.003),
        NoRegression(FASHION, "accuracy", margin=0.015),
    ),
    stochastic=True,
    engines=(on_onnx(),),
    published=(
        Published(
            FASHION,
            "accuracy",
            0.819,
            source="arXiv:1708.07747, table 3: loss=hinge, penalty=l2; on standardised pixels",
        ),
    ),
    work=products,
    description="SGDClassifier (linear SVM) on pixels scaled to [0, 1]",
)


@pytest.fixture(scope="session")
def sgd(trained: Any) -> Any:
    """The linear model, fitted once per session, on first use."""
    return trained(SGD)


def pytest_fitgate_models() -> list[Model]:
    return [SGD]
