"""fitgate as a pytest plugin: options, fixtures, one test per model and gate, and a record of what happened."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from fitgate.errors import FitgateError
from fitgate.machine import limit_threads
from fitgate.plugin import hookspecs
from fitgate.plugin.collection import left_out, not_applied, parametrize, part, selected_gates, used_tasks
from fitgate.plugin.fixtures import (
    PARTS,
    calibrated,
    data_of,
    emit,
    executor,
    judge,
    memory_of,
    once,
    timing_factor,
    trained,
)
from fitgate.plugin.options import add_options, read_options
from fitgate.plugin.recorder import Recorder
from fitgate.plugin.registry import as_usage_error
from fitgate.plugin.session import Parts
from fitgate.record import encode

__all__ = ["calibrated", "data_of", "emit", "executor", "judge", "memory_of", "once", "timing_factor", "trained"]

SHARED = pytest.StashKey[Path]()
MARKERS = (
    "latency: timings of fit and predict, which enforce no gate",
    "memory: what fit and predict take of the memory, only under --fit-memory",
    "no_gates: uses models, and enforces no gate",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    options = read_options(config)
    if options.settings.threads is not None:
        try:
            limit_threads(options.settings.threads)
        except FitgateError as error:
            raise as_usage_error(error) from error
    shared = getattr(config, "workerinput", {}).get("fitgate_shared")
    parts = config.stash[PARTS] = Parts(config, options, Path(shared) if shared else None)
    if shared is None:
        config.pluginmanager.register(Recorder(config, parts), "fitgate-recorder")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give pytest-xdist's workers a directory, readable by this user only, to share what they train."""
    config: pytest.Config = node.config
    if SHARED not in config.stash:
        config.stash[SHARED] = Path(tempfile.mkdtemp(prefix="fitgate-"))
    node.workerinput["fitgate_shared"] = str(config.stash[SHARED])


def pytest_unconfigure(config: pytest.Config) -> None:
    if SHARED in config.stash:
        shutil.rmtree(config.stash[SHARED], ignore_errors=True)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let a wrong option or a clash of names end the session before anything is collected."""
    parts = session.config.stash[PARTS]
    try:
        parts.registry.check(parts.options.baselines)
    except FitgateError as error:
        raise as_usage_error(error) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" in metafunc.fixturenames:
        parametrize(metafunc, metafunc.config.stash[PARTS])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    dropped = set(left_out(items, config.stash[PARTS]))
    items[:] = [item for item in items if item not in dropped]


def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.getoption("benchmark_only", False):  # under which no other test runs
        parts = session.config.stash[PARTS]
        parts.stage.select(selected_gates(session.items, parts))
        for entry in not_applied(session.items, parts):
            parts.emit(entry)


def pytest_runtestloop(session: pytest.Session) -> None:
    """Load the data and reach the backend before the first test, so that a fault of theirs ends the session at once."""
    # A worker of pytest-xdist may not end the session: there, each test says what is wrong with the data.
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    parts = session.config.stash[PARTS]
    try:
        for task in used_tasks([item for item in session.items if part(item)], parts):
            len(parts.registry.data_of(task).dataset.test)
        if any("executor" in getattr(item, "fixturenames", ()) for item in session.items):
            parts.executor.check()
    except FitgateError as error:
        raise as_usage_error(error) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report carry what happened during its phase to the recorder, which may be in another process."""
    report = yield
    entries = item.config.stash[PARTS].drain()
    report.fitgate_part = part(item)  # type: ignore[attr-defined]
    report.fitgate_entries = [encode(entry).decode() for entry in entries]  # type: ignore[attr-defined]
    return report
