"""CNN: two convolutions and two dense layers, in Flax NNX, compiled by JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fitgate import Above, Floor, Model, NoRegression, Published, Robust, Work
from fitgate.disturbances import shift
from fitgate.engines import JAX_EXPORT
from fitgate.machine import Kernel
from suite.digits import DIGITS, FIVES
from suite.fashion import FASHION

if TYPE_CHECKING:
    from fitgate.sabotage import Defect


def build(seed: int) -> Any:
    return classifier(random_state=seed)


def build_long(seed: int) -> Any:
    """Its epochs were chosen on 10,000 of Fashion-MNIST's training images, held out by `validation_fraction=1/6`."""
    return classifier(epochs=30, hardest=0.0, random_state=seed)


def classifier(**parameters: Any) -> Any:
    """A `CNNClassifier` on a JAX that uses all cores, and keeps what it compiles in the user's cache."""
    from models.cnn.estimator import CNNClassifier
    from models.cnn.process import prepare_process

    prepare_process()
    return CNNClassifier(**parameters)


def products(estimator: Any) -> Work:
    """The network's products, in the measure of the devices that compute them."""
    from models.cnn.devices import Devices

    platform = Devices.named(estimator.device).platform
    return Work("gemm" if platform == "cpu" else f"{platform} gemm", float(estimator.operations_))


PUBLISHED = Published(
    FASHION,
    "accuracy",
    0.916,
    source="README of zalandoresearch/fashion-mnist, benchmark: 2 conv + pooling, by TensorFlow's tutorial "
    "(32 and 64 channels, dense 1024)",
)
CNN = Model(
    "cnn",
    build,
    tasks=(DIGITS, FIVES, FASHION),
    gates=(
        Floor(DIGITS, "accuracy", quick=0.95, full=0.95),
        Floor(DIGITS, "accuracy", full=0.983),
        Above(FIVES, "roc_auc", rival="sgd", perfect=True),  # all of quick's 1,000 right is within reach
        Floor(FASHION, "accuracy", 0.86),
        NoRegression(DIGITS, "accuracy", quick=0.01, full=0.0025),
        NoRegression(FIVES, "roc_auc", quick=0.001, full=0.0005, perfect=True),
        NoRegression(FASHION, "accuracy", margin=0.008),
        Robust(DIGITS, "accuracy", under=shift(2), quick=0.05),  # the bounds of 21 seeds are 2.1 to 3.9 points
    ),
    published=(PUBLISHED,),
    stochastic=True,
    requires=("jax", "jaxlib", "flax", "optax"),
    work=products,
    engines=(JAX_EXPORT,),
    description="conv 5x5x8 - pool - conv 4x4x24 - dense 128 - dense, Flax NNX, AdamW one-cycle, the hardest again",
)
CNN_LONG = Model(
    "cnn_long",
    build_long,
    tasks=(FASHION,),
    gates=(Floor(FASHION, "accuracy", 0.905),),
    published=(PUBLISHED,),
    stochastic=True,
    requires=CNN.requires,
    work=products,
    engines=(JAX_EXPORT,),
    description="cnn, 30 epochs",
)


@pytest.fixture(scope="session")
def cnn(trained: Any) -> Any:
    """The CNN, fitted once per session, on first use."""
    return trained(CNN)


@pytest.fixture(scope="session")
def cnn_long(trained: Any) -> Any:
    """The CNN, fitted for longer, once per session, on first use."""
    return trained(CNN_LONG)


def pytest_fitgate_models() -> list[Model]:
    return [CNN, CNN_LONG]


@pytest.hookimpl(optionalhook=True)
def pytest_fitgate_kernels() -> list[Kernel]:
    from models.cnn.kernels import accelerator_kernels

    return accelerator_kernels()


@pytest.hookimpl(optionalhook=True)
def pytest_fitgate_defects() -> list[Defect]:
    from models.cnn.defects import network_defects

    return list(network_defects())
