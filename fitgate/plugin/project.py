"""The project around a directory, as its sessions see it: for commands that work without one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from fitgate.gates import GATES, Gate
from fitgate.metrics import METRICS, Metric
from fitgate.model import Model
from fitgate.plugin.discovery import configured
from fitgate.plugin.modules import stand_ins
from fitgate.plugin.options import DEFAULT_SEED, read_options
from fitgate.plugin.registry import Registry
from fitgate.plugin.seeds import Seeds
from fitgate.record import RecordError
from fitgate.runs import Failure
from fitgate.tasks import Task, TaskData
from fitgate_pytest import PLUGIN
from fitgate_pytest.options import BASELINES, RUNS


@dataclass(frozen=True)
class Project:
    """A project's models and what comes with them; the library's own alone where a directory has no project.

    Attributes:
        models: by name.
        tasks: on their data, by name.
        metrics, kinds: metrics and kinds of gate by name, the library's own included.
        defects: that its plugins contribute.
        baselines, runs: directories.
        seed_of: what a session builds a model with on a task; see `fitgate.plugin.seeds`.
        absent: plugins that can't be imported.
    """

    models: Mapping[str, Model]
    tasks: Mapping[str, TaskData]
    metrics: Mapping[str, Metric]
    kinds: Mapping[str, type[Gate]]
    defects: tuple[Any, ...]
    baselines: Path
    runs: Path
    seed_of: Callable[[Model, Task], int] = lambda model, task: DEFAULT_SEED
    absent: tuple[Failure, ...] = ()

    @property
    def latest_run(self) -> Path:
        """The directory of the run that began last.

        Raises:
            RecordError: if there is none.
        """
        runs = sorted(path.parent for path in self.runs.glob("*/record.json"))
        if not runs:
            raise RecordError(
                self.runs,
                found="no run",
                expected="the record of one",
                next_step="run pytest first, or name a record",
            )
        return runs[-1]


def project(root: Path, profile: str | None = None) -> Project:
    """The project around a directory.

    Args:
        root: the directory.
        profile: of its datasets; None for the project's own choice.

    Raises:
        DiscoveryError: if pytest can't be configured there.
        FitgateError: if what its plugins contribute clashes.
    """
    return configured(root, partial(_project, profile))


def _project(profile: str | None, config: pytest.Config) -> Project:
    if not config.pluginmanager.hasplugin(PLUGIN):  # nothing there uses fitgate
        return Project({}, {}, METRICS, GATES, (), BASELINES, RUNS)
    options = read_options(config)
    settings = options.settings if profile is None else replace(options.settings, profile=profile)
    registry = Registry(config.hook, settings, stand_ins(config.pluginmanager))
    if profile is not None and registry.known_models:
        registry.check_profile("--profile")
    return Project(
        registry.known_models,
        {task.name: registry.data_of(task) for task in registry.tasks.values()},
        registry.metrics,
        registry.kinds,
        tuple(defect for defects in reversed(config.hook.pytest_fitgate_defects()) for defect in defects),
        options.baselines,
        options.runs_dir,
        Seeds(options, registry).first,
        tuple(plugin.failure for plugin in registry.absent),
    )
