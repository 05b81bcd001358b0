"""What every pytest session loads of fitgate: its options and its hooks, and nothing heavy.

The plugin itself is `fitgate.plugin`. It is loaded where a project uses it: where a conftest, or a plugin that the
project loads, contributes by one of the hooks, or a test module imports from `fitgate.checks`. A distribution that
contributes models to whoever installs it does not load it by that alone.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator, Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fitgate_pytest import exits, hookspecs, options
from fitgate_pytest.exits import Exits

PLUGIN = "fitgate.plugin"
CHECKS = "fitgate.checks"
RECORDER = "fitgate-recorder"
CONTROLLER = "fitgate-controller"
MARKERS = (
    "latency: timings of fit and predict, which enforce no gate",
    "server: timings of queries that arrive at random, only under --fit-server",
    "memory: what fit and predict take of the memory, only under --fit-memory",
    "no_gates: uses models, and enforces no gate",
)
HOOKS = tuple(name for name in vars(hookspecs) if name.startswith("pytest_fitgate_"))


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Guard what conftests do as they are imported; refuse a directory that stands apart from its option.

    Pytest would take that for tests to run: it settles its root directory by the paths on the command line before it
    knows any plugin's options, so with that of some data among them it would find neither the project nor these
    options.
    """
    given = list(map(str, early_config.invocation_params.args))
    for option, value in pairwise(given):
        found = os.path.exists(value)  # noqa: PTH110 # where pathlib would raise: names too long for any path
        if found and (option in options.WITH_VALUE or _is_lost(early_config, option, value)):
            raise pytest.UsageError(
                f"{option} {value}: found a path that stands apart from its option, which pytest takes for tests to "
                f"run, expected both in one; write {option}={value}."
            )
    manager = early_config.pluginmanager
    guard = Exits(early_config, lambda: manager.hasplugin(PLUGIN))
    manager.register(guard, exits.NAME)
    early_config.add_cleanup(guard.release)
    guard.guard()
    with guard.importing():
        return (yield)


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Refuse a hook whose name is misspelt, and load the plugin for a conftest, which pytest may find late."""
    for name in hooks_of(plugin):
        if name not in HOOKS and not _is_optional(plugin, name):
            import difflib  # costs what only this mistake should pay

            near = difflib.get_close_matches(name, HOOKS, n=1)
            raise pytest.UsageError(
                f"{place_of(plugin)}: found a hook {name}, expected one of {', '.join(HOOKS)}; "
                f"{f'write {near[0]}' if near else 'correct its name'}."
            )
    if hooks_of(plugin) and Path(place_of(plugin)).name == "conftest.py":
        load(manager)


def pytest_configure(config: pytest.Config) -> None:
    """Load the plugin for any other that contributes to it, unless that is there just because it is installed."""
    for marker in MARKERS:  # those of fitgate.checks are looked up when a test module imports it
        config.addinivalue_line("markers", marker)
    manager = config.pluginmanager
    installed = [plugin for plugin, _ in manager.list_plugin_distinfo()]
    if any(hooks_of(plugin) for plugin in manager.get_plugins() if plugin not in installed):
        load(manager)
    guard: Exits | None = manager.get_plugin(exits.NAME)
    if guard and not manager.hasplugin(PLUGIN):
        guard.release()  # it is none of our business, unless a project is found late


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> None:
    """Load the plugin for a test module that has the generic tests."""
    if CHECKS in sys.modules and str(getattr(obj, "__module__", "")).startswith(CHECKS):
        load(collector.config.pluginmanager)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell pytest-xdist's workers of a directory, which the first that needs it makes, to share what they train."""
    manager = node.config.pluginmanager
    controller = manager.get_plugin(CONTROLLER) or Controller(node.config)
    if not manager.hasplugin(CONTROLLER):
        manager.register(controller, CONTROLLER)
    node.workerinput["fitgate_shared"] = str(controller.shared)


class Controller:
    """What the process does that starts workers of pytest-xdist, where these may find use for the plugin.

    Args:
        config: pytest's.

    Attributes:
        shared: a path in the system's directory for temporary files, at which nothing is yet.
    """

    def __init__(self, config: pytest.Config):
        self._manager = config.pluginmanager
        self.shared = Path(tempfile.gettempdir(), f"fitgate-{os.urandom(8).hex()}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Load the plugin here, too, once a worker has used it: it keeps the record of all."""
        if hasattr(report, "fitgate_part") and not self._manager.hasplugin(PLUGIN):
            load(self._manager)
            recorder: Any = self._manager.get_plugin(RECORDER)
            recorder.pytest_runtest_logreport(report)  # registered too late to be called for this one

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        """The same where workers used it, and ended before they could report a test."""
        if self.shared.exists() and not self._manager.hasplugin(PLUGIN):
            load(self._manager)
            recorder: Any = self._manager.get_plugin(RECORDER)
            recorder.pytest_sessionfinish(session, exitstatus)

    def pytest_unconfigure(self) -> None:
        if self.shared.exists():
            import shutil

            shutil.rmtree(self.shared, ignore_errors=True)


def _is_lost(config: pytest.Config, option: str, value: str) -> bool:
    """Whether a project's own option, as that of some data, keeps pytest from the conftest which declares it."""
    unknown = option.startswith(("--fit-", "--gate-")) and "=" not in option
    declared = hasattr(config.known_args_namespace, option.lstrip("-").replace("-", "_"))
    return unknown and not declared and not Path(value).resolve().is_relative_to(config.invocation_params.dir.resolve())


def load(manager: pytest.PytestPluginManager) -> None:
    """Load the plugin, unless it is."""
    if not manager.hasplugin(PLUGIN):
        manager.register(import_module(PLUGIN), PLUGIN)
        guard: Exits | None = manager.get_plugin(exits.NAME)
        if guard:
            guard.guard()


def hooks_of(plugin: object) -> list[str]:
    """The hooks by which a plugin contributes, or would if it spelt them right."""
    names = vars(plugin) if isinstance(plugin, ModuleType) else dir(plugin)  # a class may be one, too
    return [name for name in names if name.startswith("pytest_fitgate_")]


def _is_optional(plugin: object, hook: str) -> bool:
    """Whether a plugin says that pytest may not know a hook of its."""
    marks: Mapping[str, object] = getattr(getattr(plugin, hook), "pytest_impl", {})
    return bool(marks.get("optionalhook"))


def place_of(plugin: object, name: str = "") -> str:
    """A plugin's file; else the name under which it is registered, where that is given, or its class's."""
    return str(getattr(plugin, "__file__", None) or name or type(plugin).__name__)
