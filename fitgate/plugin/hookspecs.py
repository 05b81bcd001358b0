"""The hooks through which models, and kernels to measure their machines by, come in."""

from __future__ import annotations

import pytest

from fitgate.machine import Kernel
from fitgate.model import Model


@pytest.hookspec
def pytest_suite_models() -> list[Model]:  # type: ignore[empty-body]
    """The models that a plugin contributes.

    A plugin of an installed distribution marks its implementation `@pytest.hookimpl(optionalhook=True)`, or it breaks
    pytest in every project of its environment that does not use digit-bench.
    """


@pytest.hookspec
def pytest_suite_kernels() -> list[Kernel]:  # type: ignore[empty-body]
    """Contribute calibration kernels, such as those of an accelerator."""
