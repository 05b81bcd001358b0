"""CNN, accurate: the code of `cnn` with three normalised convolutions, distorted images and many epochs.

Its parameters were chosen on 10,000 of the training images, held out by `validation_fraction=1/6`.
"""

from __future__ import annotations

from typing import Any

import pytest

from fitgate import Floor, Model
from suite.digits import DIGITS


def build(seed: int) -> Any:
    from models.cnn import classifier
    from models.cnn.augment import Distortion

    return classifier(
        epochs=20,
        hardest=0.0,
        learning_rate=3e-3,
        weight_decay=1e-4,
        smoothing=0.0,
        dropout=0.2,
        shift=0,
        distortion=Distortion(rotate=10, scale=0.1, shear=0.1, move=1.5, bend=0.6, smooth=4),
        test_time_shift=1,
        channels=(32, 64, 128),
        kernels=(5, 3, 3),
        normalise=True,
        random_state=seed,
    )


CNN_ACCURATE = Model(
    "cnn_accurate",
    build,
    gates=(Floor(DIGITS, "accuracy", quick=0.96, full=0.993),),
    stochastic=True,
    requires=("jax", "jaxlib", "flax", "optax"),
    description="cnn with three normalised convolutions, affine and elastic distortions, 20 epochs",
    slow=True,
)


@pytest.fixture(scope="session")
def cnn_accurate(trained: Any) -> Any:
    """The accurate CNN, fitted once per session, on first use."""
    return trained(CNN_ACCURATE)


def pytest_fitgate_models() -> list[Model]:
    return [CNN_ACCURATE]
