"""Fashion-MNIST: its data, its task, and the option that says where the data is. A pytest plugin."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from fitgate.data import DataError, Dataset
from fitgate.data.sources import idx_splits
from fitgate.data.split import Loaded
from fitgate.tasks import Task
from suite.directory import Contributor, DataDirectory

PACKAGED = Path("/usr/share/datasets/fashion-mnist")  # by Debian's package dataset-fashion-mnist
DIRECTORY = DataDirectory(
    "fit-fashion-dir",
    "FITGATE_FASHION_DIR",
    f"Fashion-MNIST's four IDX files, .gz or raw, for --fit-tasks=fashion (default: {PACKAGED})",
)
NAME = "Fashion-MNIST"
DIGEST = "d1fd84a877f3b78fa9a171b3de73f93e7b6f69ed94bada3feae9d96821401f5c"

FASHION = Task(
    "fashion",
    NAME,
    kind="multiclass",
    metrics=("accuracy", "macro_f1"),
    question="Which of ten kinds of clothing is it?",
    slow=True,
)


def dataset(directory: Path | None, digest: str | None = DIGEST) -> Dataset:
    """Fashion-MNIST: X uint8 `(n, 784)`, 28 x 28 in rows, from 0 (background) to 255; y uint8 `(n,)`, from 0 to 9.

    Args:
        directory: with its four IDX files; None for that of Debian's package.
        digest: of its content; None for whatever is there.
    """
    return Dataset(
        NAME,
        partial(load, directory),
        class_names=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        image_shape=(28, 28),
        licence="MIT",
        source="Xiao, Rasul and Vollgraf (Zalando), Fashion-MNIST, arXiv:1708.07747",
        digest=digest,
    )


def load(directory: Path | None) -> Loaded:
    """60,000 images to train on, and 10,000 to judge by.

    Raises:
        DataError: if no directory is named and the package is not installed, or the directory holds something else.
    """
    if directory is None and not PACKAGED.is_dir():
        raise DataError(
            NAME,
            found=f"no directory of it: none is named, and {PACKAGED} is not there",
            expected="one with its four IDX files",
            next_step="install Debian's package dataset-fashion-mnist, or name a directory by "
            f"--{DIRECTORY.option} or {DIRECTORY.variable}",
        )
    return idx_splits(directory or PACKAGED)


def pytest_addoption(parser: pytest.Parser) -> None:
    DIRECTORY.declare(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Contributor(dataset, DIRECTORY.named(config)), "fashion-data")
