"""The digits: their data, their tasks, and the options that say where the data is. A pytest plugin."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fitgate.data import Dataset
from fitgate.tasks import Task
from suite import mnist

if TYPE_CHECKING:
    from fitgate.sabotage import Defect

CUSTOM = "custom"
TIMING_OF_FULL = 4.0  # who waits for fits on all of MNIST waits for surer timings, too
CLASS_NAMES = tuple("0123456789")


class Digits(Dataset):
    """MNIST, for which other data in its format can stand in: the profile `custom`, named after its directory."""

    def on(self, profile: str | None) -> Dataset:
        """The dataset of one profile; see `Dataset.on`."""
        return _custom(mnist.custom_directory()) if profile == CUSTOM else super().on(profile)


@functools.cache
def _custom(directory: Path) -> Dataset:
    name = directory.resolve().name
    return Dataset(name, {CUSTOM: mnist.custom}, class_names=CLASS_NAMES, image_shape=mnist.IMAGE_SHAPE)


DATASET = Digits(
    "MNIST",
    {"quick": mnist.quick, "full": mnist.full, CUSTOM: mnist.custom},
    class_names=CLASS_NAMES,
    image_shape=mnist.IMAGE_SHAPE,
    licence="CC BY-SA 3.0",
    source="LeCun, Cortes and Burges, The MNIST database of handwritten digits",
    digest={"quick": "83632dfdf18a1d6306c2c30c69a48ed4b677931cafe264e4333b736ed952d62c"},
)


def _is_five(labels: NDArray[np.uint8]) -> NDArray[Any]:
    return labels == 5


def _digit(labels: NDArray[np.uint8]) -> NDArray[Any]:
    return labels


def _large_and_odd(labels: NDArray[np.uint8]) -> NDArray[Any]:
    return np.column_stack([labels >= 7, labels % 2 == 1])


FIVES = Task(
    "fives",
    DATASET,
    target=_is_five,
    kind="binary",
    metrics=("roc_auc", "accuracy", "f1"),
    question="Is it a 5?",
)
DIGITS = Task(
    "digits",
    DATASET,
    target=_digit,
    kind="multiclass",
    metrics=("accuracy", "macro_f1"),
    question="Which of the ten digits is it?",
)
TRAITS = Task(
    "traits",
    DATASET,
    target=_large_and_odd,
    kind="multilabel-indicator",
    metrics=("macro_f1", "accuracy"),
    question="Is it 7 or more? Is it odd?",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, in a group of their own."""
    group = parser.getgroup("digits", "the digits: where their data is")
    group.addoption(
        "--fit-mnist-dir",
        type=_absolute,
        metavar="DIR",
        help="MNIST's four IDX files, .gz or raw, for --fit-profile full (default: downloaded once into the user's "
        f"cache); {mnist.MNIST_DIR_VARIABLE} names it, too",
    )
    group.addoption(
        "--fit-dataset-dir",
        type=_absolute,
        metavar="DIR",
        help="run on other data in MNIST's IDX format, such as Fashion-MNIST, as --fit-profile custom; "
        f"{mnist.DATASET_DIR_VARIABLE} names it, too",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Tell the session's processes where the data is, and take the profile `custom` if it is given."""
    environment = pytest.MonkeyPatch()
    config.add_cleanup(environment.undo)
    given = {
        mnist.MNIST_DIR_VARIABLE: config.getoption("fit_mnist_dir"),
        mnist.DATASET_DIR_VARIABLE: config.getoption("fit_dataset_dir"),
    }
    for variable, directory in given.items():
        if directory:
            environment.setenv(variable, directory)
    unchosen = not config.getoption("fit_profile", None)
    if given[mnist.DATASET_DIR_VARIABLE] or (unchosen and os.environ.get(mnist.DATASET_DIR_VARIABLE)):
        config.option.fit_profile = CUSTOM
    if config.getoption("fit_profile", None) == "full" and config.getoption("fit_timing", None) is None:
        config.option.fit_timing = TIMING_OF_FULL


@pytest.hookimpl(optionalhook=True)
def pytest_fitgate_defects() -> list[Defect]:
    from suite.defects import digit_defects

    return list(digit_defects())


def _absolute(directory: str) -> str:
    return str(Path(directory).absolute())  # processes of the session may run elsewhere
