"""The registry: what plugins contribute to a session, each under its name, and tasks on their data."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from fitgate.contracts import CHECKS
from fitgate.data import Dataset
from fitgate.engines import ALL, ENGINES, NATIVE, Engine, EngineError
from fitgate.errors import FitgateError
from fitgate.gates import GATES, Gate, Waiver
from fitgate.gates.archive import check_names
from fitgate.machine import KERNELS, Kernel, distributions_of
from fitgate.metrics import Metric
from fitgate.model import Model, ModelError, register
from fitgate.plugin.contributions import contributed, wrong_contribution
from fitgate.plugin.modules import StandIn
from fitgate.plugin.selection import Selection
from fitgate.record import ModelEntry, Settings, describe_model
from fitgate.runs import Failure
from fitgate.tasks import Task, TaskData, TaskError, by_name, known_metrics
from fitgate_pytest import place_of


class Registry:
    """What a session may use.

    Args:
        hook: pytest's hooks.
        settings: what is in force.
        absent: what stands in for plugins that can't be imported: models that are not known may be theirs.

    Attributes:
        absent: as given.
        selection: which models and tasks take part.
    """

    def __init__(self, hook: Any, settings: Settings, absent: Sequence[StandIn] = ()):
        self._hook = hook
        self.absent = absent
        self._settings = settings
        self.selection = Selection(settings)
        self._datasets: dict[int, Dataset] = {}
        self._tasks: dict[str, TaskData] = {}
        self._contributors = 0

    @cached_property
    def known_models(self) -> dict[str, Model]:
        """Every model that a plugin contributed, by name."""
        self._contributors = len(self._hook.pytest_fitgate_models.get_hookimpls())
        return register(contributed(self._hook.pytest_fitgate_models, Model))

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The tasks of all models, by name."""
        tasks = (task for model in self.known_models.values() for task in model.tasks)
        return by_name("task", tasks, "one, which models share")

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric, by name."""
        return known_metrics(self.tasks.values(), contributed(self._hook.pytest_fitgate_metrics, Metric))

    @cached_property
    def kinds(self) -> Mapping[str, type[Gate]]:
        """Every kind of gate, by name: the library's, those of plugins, and those that models have."""
        declared = {type(gate) for model in self.known_models.values() for gate in model.gates}
        for kind in contributed(self._hook.pytest_fitgate_gates, ABCMeta, "kinds of gate"):
            if not issubclass(kind, Gate):
                raise wrong_contribution(
                    self._hook.pytest_fitgate_gates.name, kind, "kinds of gate, which are derived from fitgate.Gate"
                )
            declared.add(kind)
        known: dict[str, type[Gate]] = {kind.kind: kind for kind in declared if issubclass(kind, Gate)}
        return {**GATES, **known}

    @property
    def kernels(self) -> list[Kernel]:
        """The calibration kernels."""
        return [*KERNELS, *contributed(self._hook.pytest_fitgate_kernels, Kernel)]

    @cached_property
    def engines(self) -> dict[str, Engine]:
        """The engines that may serve any model, by name: the library's, and those of plugins."""
        return by_name("engine", [*ENGINES, *contributed(self._hook.pytest_fitgate_engines, Engine)])

    def engines_of(self, model: Model) -> list[Engine]:
        """The engines that are to serve a model, besides its estimator as it is; its own before those for all."""
        known = self.engines | {engine.name: engine for engine in model.engines}
        asked = known if ALL in self._settings.engines else dict.fromkeys(self._settings.engines)
        return [known[name] for name in asked if name in known]

    @property
    def models(self) -> list[Model]:
        """The models that take part, by name, with the tasks that do; all but the slow ones if none was selected."""
        return self.selection.models(self.known_models)

    @property
    def selected_tasks(self) -> list[Task]:
        """The tasks that take part."""
        return list(filter(self.selection.takes_part, self.tasks.values()))

    @cached_property
    def libraries(self) -> list[str]:
        """The distributions that the models require, and the engines that serve them."""
        models = self.known_models.values()
        modules = [name for model in models for name in model.requires]
        served = [name for model in models for engine in self.engines_of(model) for name in engine.requires]
        return distributions_of([*modules, *served])

    @property
    def profile(self) -> str:
        """The profile of the session: as it was asked for, else the first one that a dataset has."""
        found = (self.data_of(task).dataset.profile for model in self.models for task in model.tasks)
        return self._settings.profile or next(filter(None, found), "")

    def data_of(self, task: Task) -> TaskData:
        """A task on its dataset, of the session's profile. Nothing is loaded before it is used."""
        if task.name not in self._tasks:
            self._tasks[task.name] = TaskData(task, self._dataset(task))
        return self._tasks[task.name]

    def check(self, baselines: Path) -> None:
        """Refuse what can't work, before anything is collected.

        Args:
            baselines: the directory of the baselines.

        Raises:
            FitgateError: if names clash, or an option, task, gate or baseline names what there is not.
        """
        models, metrics, _ = self.known_models, self.metrics, self.kinds
        self.check_profile("--fit-profile")
        self.selection.check(models, self.tasks)
        self._check_engines()
        self._check_datasets()
        for model in self.models:
            self._check_expected(model)
            self._check_gates(model, metrics)
            self._check_published(model)
        for profile in sorted({self.data_of(task).dataset.profile for model in self.models for task in model.tasks}):
            self._check_baselines(baselines, profile)

    def check_profile(self, option: str) -> None:
        """Refuse a profile, named by an option, that no dataset has.

        Raises:
            TaskError: if it is such.
        """
        profiles = {name for task in self.tasks.values() for name in self._declared(task).profiles}
        if self._settings.profile and self._settings.profile not in profiles:
            raise TaskError(
                option,
                found=f"{self._settings.profile!r}",
                expected=f"one of the datasets' profiles: {', '.join(sorted(profiles)) or 'they have none'}",
                next_step="correct the name, or leave the option out",
            )

    def _check_baselines(self, directory: Path, profile: str) -> None:
        """Refuse baselines that no gate would find, and those of models that are gone."""
        for path, name in check_names(directory, profile):
            if name not in self.known_models and not self.absent:
                raise ModelError(
                    path,
                    found=f"a baseline of a model {name!r}, which no plugin contributes",
                    expected=f"one of {', '.join(sorted(self.known_models)) or 'no model'}",
                    next_step="bring its plugin back, or delete the file",
                )

    def check_complete(self) -> None:
        """Refuse models that came too late: of a conftest that pytest found after it had collected tests of models.

        Raises:
            ModelError: if there are such.
        """
        _ = self.known_models
        late = self._hook.pytest_fitgate_models.get_hookimpls()[self._contributors :]
        if late:
            raise ModelError(
                place_of(late[0].plugin, late[0].plugin_name),
                found="models contributed after others had been collected",
                expected="those of all conftests before the first test of a model",
                next_step="move pytest_fitgate_models to the conftest.py at the project's root, or name this directory "
                "on the command line",
            )

    def _check_engines(self) -> None:
        """Refuse an option that names an engine that there is not."""
        known = {*self.engines, *(engine.name for model in self.known_models.values() for engine in model.engines)}
        for name in self._settings.engines:
            if name not in known | {NATIVE, ALL}:
                raise EngineError(
                    "--fit-engines",
                    found=f"{name!r}",
                    expected=f"{ALL}, or one of the engines: {', '.join(sorted(known))}",
                    next_step="correct the name",
                )

    def _check_datasets(self) -> None:
        """Refuse two datasets of one name: records would take them for one."""
        by_name("dataset", map(self._declared, self.tasks.values()), "one, which tasks share")

    def _check_gates(self, model: Model, metrics: Mapping[str, Metric]) -> None:
        """Refuse gates with impossible numbers, and two of a model and task with one rule: verdicts go by it."""
        rules: dict[tuple[str, str], Gate] = {}
        for gate in (gate for gate in model.gates if isinstance(gate, Gate)):
            profile = self.data_of(gate.task).dataset.profile
            gate.check(profile, metrics)
            self._check_needs(model, gate)
            rule = gate.rule(profile)
            if rule is not None and rules.setdefault((gate.task.name, rule), gate) != gate:
                raise same_rule(model.name, rules[gate.task.name, rule], gate, rule)

    @staticmethod
    def _check_expected(model: Model) -> None:
        """Refuse an expected failure of a check that there is not: it would never be looked at."""
        for name in model.expected_failed_checks:
            if name not in CHECKS:
                raise ModelError(
                    f"model {model.name}",
                    found=f"{name!r} among its expected_failed_checks",
                    expected=f"one of {', '.join(CHECKS)}",
                    next_step="correct the name",
                )

    def _check_published(self, model: Model) -> None:
        """Refuse a published value of a profile that its dataset does not have: it would never be shown."""
        for value in model.published:
            profiles = self._declared(value.task).profiles or ("",)
            if value.profile not in profiles:
                raise ModelError(
                    f"model {model.name}",
                    found=f"a published value of profile {value.profile!r} on {value.task.name}",
                    expected=f"one of {', '.join(map(repr, profiles))}",
                    next_step="correct its profile",
                )

    def _check_needs(self, model: Model, gate: Gate) -> None:
        """Refuse a gate that needs the outputs of a model that there is not."""
        for need in gate.needs(model.name):
            if need.model not in self.known_models and not self.absent:
                raise ModelError(
                    f"{gate.where}: a gate of model {model.name}",
                    found=f"{need.model!r} as the model to compare with",
                    expected=f"one of {', '.join(sorted(self.known_models))}",
                    next_step="correct the name",
                )

    def check_waivers(self, waivers: Iterable[Waiver]) -> None:
        """Refuse a waiver of a gate that no model declares, on any profile.

        Raises:
            ModelError: if there is such.
        """
        if self.absent:
            return  # of a plugin that can't be imported, nobody knows the gates
        for waiver in waivers:
            model = self.known_models.get(waiver.model)
            rules = set() if model is None else self._rules(model, waiver.task)
            if waiver.gate not in rules:
                raise ModelError(
                    f"a waiver of {waiver.gate} of {waiver.model} on {waiver.task}",
                    found="no such gate",
                    expected=f"one of {', '.join(sorted(rules))}" if rules else "a model and task that have one",
                    next_step="take the waiver away, or correct it",
                )

    def _rules(self, model: Model, task: str) -> set[str]:
        """What a model's gates on a task are called, on any profile."""
        gates = [gate for gate in model.gates if isinstance(gate, Gate) and gate.task.name == task]
        profiles = [(gate, (*gate.profiles, self.data_of(gate.task).dataset.profile)) for gate in gates]
        return {rule for gate, names in profiles for name in names if (rule := gate.rule(name))}

    def failures(self, baselines: Path) -> list[Failure]:
        """The plugins that can't be imported, and the models of baselines that nobody contributes, maybe for that.

        Args:
            baselines: the directory of the baselines.
        """
        found = [plugin.failure for plugin in self.absent]
        if found:
            why = f"no plugin contributes it, and {', '.join(f.model for f in found)} could not be imported"
            profiles = {self.data_of(task).dataset.profile for model in self.models for task in model.tasks}
            folders = [folder.name for folder in baselines.glob("*/") if not folder.name.startswith(".")]
            named = [check_names(baselines, profile) for profile in sorted(profiles) or ["", *folders]]
            names = {name for several in named for _, name in several} - self.known_models.keys()
            found += [Failure(name, "", "import", why) for name in sorted(names)]
        return found

    def unavailable(self, model: Model) -> str | None:
        """Why a model can't take part; None if it can."""
        if model.missing:
            return f"{model.name} needs {', '.join(model.missing)}, which is not installed"
        return None

    def described(self) -> list[ModelEntry]:
        """The models that take part, as a record keeps them."""
        return [describe_model(model, self.unavailable(model)) for model in self.models]

    @cached_property
    def _known_datasets(self) -> dict[str, Dataset]:
        return by_name("dataset", contributed(self._hook.pytest_fitgate_datasets, Dataset))

    def _declared(self, task: Task) -> Dataset:
        """A task's dataset, all of its profiles."""
        declared = task.dataset
        if isinstance(declared, str):
            if declared not in self._known_datasets:
                raise TaskError(
                    f"task {task.name}",
                    found=f"dataset {declared!r}",
                    expected=f"one of {', '.join(sorted(self._known_datasets)) or 'those of plugins: there are none'}",
                    next_step="contribute it by the hook pytest_fitgate_datasets",
                )
            declared = self._known_datasets[declared]
        return declared

    def _dataset(self, task: Task) -> Dataset:
        declared = self._declared(task)
        if id(declared) not in self._datasets:
            self._datasets[id(declared)] = declared.on(self._settings.profile or None)
        return self._datasets[id(declared)]


def same_rule(model: str, first: Gate, second: Gate, rule: str) -> ModelError:
    """The error of two different gates of a model and task that have the same rule."""
    return ModelError(
        f"{second.where}: model {model}",
        found=f"a second gate {rule} on {second.task.name}; the first is declared at {first.where}",
        expected="one gate of each rule",
        next_step="take one away, or let its `rule` say in what they differ",
    )


def as_usage_error(error: FitgateError) -> pytest.UsageError:
    """An error that ends a session before it begins, in one line."""
    return pytest.UsageError(str(error))
