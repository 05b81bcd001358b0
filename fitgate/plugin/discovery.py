"""Discovery: what the plugins of a project contribute, found as pytest itself finds them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from fitgate.errors import FitgateError

HOOKS = ("models", "datasets", "metrics", "gates", "kernels", "defects")
LINES_IN_ERROR = 5


class DiscoveryError(FitgateError):
    """A project whose plugins can't be loaded, or contribute two things of one name."""


class Named(Protocol):
    """What is found by its name."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)
T = TypeVar("T")


@dataclass(frozen=True)
class Contributions:
    """What the plugins of a project contribute; empty where there is no such hook.

    It relies on the names of the hooks alone, for a project's own fitgate may be of another version.

    Attributes:
        models, datasets, metrics: by name.
        gates: kinds of gates, as classes.
        kernels: calibration kernels.
        defects: to plant in models.
        path: `sys.path` as the project's configuration sets it.
    """

    models: Mapping[str, Any]
    datasets: Mapping[str, Any]
    metrics: Mapping[str, Any]
    gates: tuple[type, ...]
    kernels: tuple[Any, ...]
    defects: tuple[Any, ...]
    path: tuple[str, ...]


def discover(root: Path) -> Contributions:
    """What the plugins contribute that pytest loads when it is started in a directory without arguments.

    It imports the project, so where that is another working tree, call this in a process of its own.

    Args:
        root: the project's directory, with its conftest or its configuration.

    Raises:
        DiscoveryError: if pytest can't be configured there, or two models, datasets or metrics share a name.
    """
    found = configured(root, _contributions)
    return Contributions(
        models=_by_name(root, "model", found["models"]),
        datasets=_by_name(root, "dataset", found["datasets"]),
        metrics=_by_name(root, "metric", found["metrics"]),
        gates=tuple(found["gates"]),
        kernels=tuple(found["kernels"]),
        defects=tuple(found["defects"]),
        path=tuple(found["path"]),
    )


def configured(root: Path, take: Callable[[pytest.Config], T]) -> T:
    """What a function takes of pytest's configuration in a directory; pytest stops before it collects a test.

    Pytest is configured in this process, and what it prints is not shown. What it adds to `sys.path` stays there, for
    imports to come: models import late, and in workers.

    Raises:
        DiscoveryError: if pytest can't be configured there.
    """
    catcher = _Catcher(take)
    output = io.StringIO()
    with chdir(root), redirect_stdout(output), redirect_stderr(output):
        status = pytest.main(["--collect-only", "-q"], plugins=[catcher])
    if catcher.error is not None:
        raise catcher.error
    if not catcher.taken:
        lines = [line.strip() for line in output.getvalue().splitlines() if line.strip()]
        last = " | ".join(lines[-LINES_IN_ERROR:])
        raise DiscoveryError(
            root,
            found=f"that pytest does not start there: {last} (exit status {int(status)})",
            expected="a project whose plugins pytest can load",
            next_step="run pytest --collect-only there, and mend what it says",
        )
    sys.path[:] = catcher.path
    return catcher.taken[0]


class _Catcher:
    """Applies a function to the configuration at the start of the session, and ends it there."""

    def __init__(self, take: Callable[[pytest.Config], Any]) -> None:
        self._take = take
        self.taken: list[Any] = []
        self.error: FitgateError | None = None
        self.path: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        try:
            self.taken.append(self._take(session.config))
            self.path = list(sys.path)
        except FitgateError as error:
            self.error = error
        pytest.exit("what was asked for is known", returncode=0)


def _contributions(config: pytest.Config) -> dict[str, list[Any]]:
    callers = vars(config.pluginmanager.hook)
    found: dict[str, list[Any]] = {"path": list(sys.path)}
    for kind in HOOKS:
        caller = callers.get(f"pytest_fitgate_{kind}")  # an older fitgate may lack some, another project all
        contributed = caller() if caller is not None else []
        # pytest calls the plugin first that was registered last
        found[kind] = [one for several in reversed(contributed) for one in several]
    return found


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
