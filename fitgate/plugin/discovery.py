"""Discovery: what the plugins of a project contribute, found as pytest itself finds them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from fitgate.data import Dataset
from fitgate.errors import FitgateError
from fitgate.gates import GATES, Gate
from fitgate.metrics import METRICS, Metric
from fitgate.plugin.options import BASELINES, Options, read_options
from fitgate.plugin.registry import Registry
from fitgate.tasks import Task

HOOKS = ("models", "datasets", "metrics", "gates", "kernels", "defects")
LINES_IN_ERROR = 5


class DiscoveryError(FitgateError):
    """A project whose plugins can't be loaded, or contribute two things of one name."""


class Named(Protocol):
    """What is found by its name."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


@dataclass(frozen=True)
class Contributions:
    """What the plugins of a project contribute; empty where there is no such hook.

    Attributes:
        models, datasets, metrics: by name.
        gates: kinds of gates, as classes.
        kernels: calibration kernels.
        defects: to plant in models.
        path: `sys.path` as the project's configuration sets it.
        registry, options: the same as a session would have them; None where the project does not load fitgate.
    """

    models: Mapping[str, Any]
    datasets: Mapping[str, Any]
    metrics: Mapping[str, Any]
    gates: tuple[type, ...]
    kernels: tuple[Any, ...]
    defects: tuple[Any, ...]
    path: tuple[str, ...]
    registry: Registry | None = None
    options: Options | None = None

    @property
    def kinds(self) -> Mapping[str, type[Gate]]:
        """Every kind of gate by name, the library's own included."""
        return GATES if self.registry is None else self.registry.kinds

    def data_of(self, task: Task) -> Dataset:
        """A task's dataset, all of its profiles; the one that a plugin contributes where the task names it.

        Raises:
            DiscoveryError: if no plugin contributes it.
        """
        if not isinstance(task.dataset, str):
            return task.dataset
        if task.dataset not in self.datasets:
            raise DiscoveryError(
                f"task {task.name}",
                found=f"dataset {task.dataset!r}",
                expected=f"one of {', '.join(sorted(self.datasets)) or 'those of plugins: there are none'}",
                next_step="contribute it by the hook pytest_fitgate_datasets",
            )
        return self.datasets[task.dataset]

    @property
    def baselines(self) -> Path:
        """The directory of the project's baselines."""
        return BASELINES if self.options is None else self.options.baselines

    @property
    def known_metrics(self) -> Mapping[str, Metric]:
        """Every metric by name, the library's own included."""
        return METRICS if self.registry is None else self.registry.metrics


def discover(root: Path) -> Contributions:
    """What the plugins contribute that pytest loads when it is started in a directory without arguments.

    Pytest is configured in this process, and stops before it collects a test; what it prints is not shown. It imports
    the project, so where that is another working tree, call this in a process of its own.

    Args:
        root: the project's directory, with its conftest or its configuration.

    Raises:
        DiscoveryError: if pytest can't be configured there, or two models, datasets or metrics share a name.
    """
    catcher = _Catcher()
    output = io.StringIO()
    with chdir(root), redirect_stdout(output), redirect_stderr(output):
        status = pytest.main(["--collect-only", "-q"], plugins=[catcher])
    if not catcher.caught:
        lines = [line.strip() for line in output.getvalue().splitlines() if line.strip()]
        last = " | ".join(lines[-LINES_IN_ERROR:])
        raise DiscoveryError(
            root,
            found=f"that pytest does not start there: {last} (exit status {int(status)})",
            expected="a project whose plugins pytest can load",
            next_step="run pytest --collect-only there, and mend what it says",
        )
    found = catcher.found
    return Contributions(
        models=_by_name(root, "model", found["models"]),
        datasets=_by_name(root, "dataset", found["datasets"]),
        metrics=_by_name(root, "metric", found["metrics"]),
        gates=tuple(found["gates"]),
        kernels=tuple(found["kernels"]),
        defects=tuple(found["defects"]),
        path=catcher.path,
        registry=catcher.registry,
        options=catcher.options,
    )


class _Catcher:
    """Takes what the hooks give at the start of the session, and ends it there."""

    def __init__(self) -> None:
        self.caught = False
        self.found: dict[str, list[Any]] = {}
        self.path: tuple[str, ...] = ()
        self.registry: Registry | None = None
        self.options: Options | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        callers = vars(session.config.hook)
        for kind in HOOKS:
            caller = callers.get(f"pytest_fitgate_{kind}")  # an older fitgate may lack some, another project all
            contributed = caller() if caller is not None else []
            # pytest calls the plugin first that was registered last
            self.found[kind] = [one for several in reversed(contributed) for one in several]
        self.path = tuple(sys.path)
        if "pytest_fitgate_models" in callers:
            self.options = read_options(session.config)
            self.registry = Registry(session.config.hook, self.options.settings)
        self.caught = True
        pytest.exit("the contributions are known", returncode=0)


def _by_name(root: Path, kind: str, found: Iterable[N]) -> dict[str, N]:
    named: dict[str, N] = {}
    for one in found:
        if named.setdefault(one.name, one) is not one:
            raise DiscoveryError(
                root,
                found=f"two {kind}s named {one.name!r}",
                expected="one of each name",
                next_step="rename one of them",
            )
    return named
