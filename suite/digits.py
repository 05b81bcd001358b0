"""The digits: their data, their tasks, and the option that says where the data is. A pytest plugin."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fitgate.data import Dataset
from fitgate.tasks import Task
from suite import mnist
from suite.directory import Contributor, DataDirectory

if TYPE_CHECKING:
    from fitgate.sabotage import Defect

TIMING_OF_FULL = 4.0  # who waits for fits on all of MNIST waits for surer timings, too
DIRECTORY = DataDirectory(
    "fit-mnist-dir",
    "FITGATE_MNIST_DIR",
    "MNIST's four IDX files, .gz or raw, for --fit-profile=full (default: downloaded once into the user's cache)",
)
NAME = "MNIST"


def _is_five(labels: NDArray[np.uint8]) -> NDArray[Any]:
    return labels == 5


def _digit(labels: NDArray[np.uint8]) -> NDArray[Any]:
    return labels


def _large_and_odd(labels: NDArray[np.uint8]) -> NDArray[Any]:
    return np.column_stack([labels >= 7, labels % 2 == 1])


FIVES = Task(
    "fives",
    NAME,
    target=_is_five,
    kind="binary",
    metrics=("roc_auc", "accuracy", "f1"),
    question="Is it a 5?",
)
DIGITS = Task(
    "digits",
    NAME,
    target=_digit,
    kind="multiclass",
    metrics=("accuracy", "macro_f1"),
    question="Which of the ten digits is it?",
)
TRAITS = Task(
    "traits",
    NAME,
    target=_large_and_odd,
    kind="multilabel-indicator",
    metrics=("macro_f1", "accuracy"),
    question="Is it 7 or more? Is it odd?",
)


def dataset(directory: Path | None = None) -> Dataset:
    """MNIST: X uint8 `(n, 784)`, y uint8 `(n,)`; see `suite.mnist`.

    Args:
        directory: with its four IDX files, for the profile `full`; None for the user's cache.
    """
    return Dataset(
        NAME,
        {"quick": mnist.quick, "full": partial(mnist.full, directory)},
        class_names=tuple("0123456789"),
        image_shape=mnist.IMAGE_SHAPE,
        licence="CC BY-SA 3.0",
        source="LeCun, Cortes and Burges, The MNIST database of handwritten digits",
        digest={"quick": "83632dfdf18a1d6306c2c30c69a48ed4b677931cafe264e4333b736ed952d62c"},
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    DIRECTORY.declare(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Say where the data is, and time predictions on all of MNIST longer, before the library reads its options."""
    config.pluginmanager.register(Contributor(dataset, DIRECTORY.named(config)), "digits-data")
    if config.getoption("fit_profile", None) == "full" and config.getoption("fit_timing", None) is None:
        config.option.fit_timing = TIMING_OF_FULL


@pytest.hookimpl(optionalhook=True)
def pytest_fitgate_defects() -> list[Defect]:
    from suite.defects import digit_defects

    return list(digit_defects())
