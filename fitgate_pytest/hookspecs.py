"""The hooks through which a project, or an installed distribution, contributes to a session.

Implementations need no marks, in a conftest or elsewhere. Only a distribution that is used without fitgate, too, marks
them `@pytest.hookimpl(optionalhook=True)`: where fitgate is not installed, pytest does not know these hooks.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fitgate.data import Dataset
    from fitgate.engines import Engine
    from fitgate.gates import Gate
    from fitgate.machine import Kernel
    from fitgate.metrics import Metric
    from fitgate.model import Model
    from fitgate.record import Record


@pytest.hookspec
def pytest_fitgate_models() -> list[Model]:  # type: ignore[empty-body]
    """Models to be held to their gates.

    Example::

        def pytest_fitgate_models():
            return [Model("forest", build, gates=(Floor(TUMOURS, "roc_auc", 0.93),))]
    """


@pytest.hookspec
def pytest_fitgate_datasets() -> list[Dataset]:  # type: ignore[empty-body]
    """Datasets that tasks name by their names.

    Example::

        def pytest_fitgate_datasets():
            return [Dataset.from_sklearn(load_breast_cancer)]  # for Task("tumours", "breast_cancer")
    """


@pytest.hookspec
def pytest_fitgate_metrics() -> list[Metric]:  # type: ignore[empty-body]
    """Metrics that tasks name by their names.

    Example::

        def pytest_fitgate_metrics():
            return [Metric("kappa", cohen_kappa_score, range=(-1, 1))]
    """


@pytest.hookspec
def pytest_fitgate_gates() -> list[type[Gate]]:  # type: ignore[empty-body]
    """Kinds of gate, so that records which hold such gates can be judged again.

    Example::

        def pytest_fitgate_gates():
            return [LeastRecall]
    """


@pytest.hookspec
def pytest_fitgate_engines() -> list[Engine]:  # type: ignore[empty-body]
    """Engines that can serve fitted models, where `--fit-engines` names them; one for a single model is among its own.

    Example::

        def pytest_fitgate_engines():
            return [Engine("treelite", convert, load, requires=("treelite",))]
    """


@pytest.hookspec
def pytest_fitgate_kernels() -> list[Kernel]:  # type: ignore[empty-body]
    """Calibration kernels, such as those of an accelerator: work whose speed is the machine's limit.

    Example::

        def pytest_fitgate_kernels():
            return [Kernel("gpu gemm", "GFLOP/s", prepare, 2 * 4096**3 / 1e9)]
    """


@pytest.hookspec
def pytest_fitgate_defects() -> list[object]:  # type: ignore[empty-body]
    """Defects of the project's own models, as `fitgate.sabotage.Defect`, for `fitgate sabotage` to plant.

    Example::

        def pytest_fitgate_defects():
            return [Defect("training", "learning rate", "x10", models=("net",), settings={"learning_rate": 0.1})]
    """


@pytest.hookspec
def pytest_fitgate_report(record: Record, directory: Path) -> list[Path]:  # type: ignore[empty-body]
    """Further reports, written into a run's directory once its record is complete; their paths are shown.

    Example::

        def pytest_fitgate_report(record, directory):
            path = directory / "fairness.md"
            path.write_text(render(record))
            return [path]
    """
