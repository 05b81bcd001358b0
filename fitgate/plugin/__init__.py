"""fitgate as a pytest plugin: options, fixtures, one test per model and gate, and a record of what happened."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

import fitgate_pytest
from fitgate.errors import FitgateError
from fitgate.files import private_directory
from fitgate.machine import limit_threads
from fitgate.plugin.collection import left_out, not_applied, parametrize, part, selected_gates, used_tasks
from fitgate.plugin.ending import Ending
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
from fitgate.plugin.options import read_options
from fitgate.plugin.recorder import Recorder
from fitgate.plugin.registry import as_usage_error
from fitgate.plugin.session import Parts
from fitgate.record import encode

__all__ = ["calibrated", "data_of", "emit", "executor", "judge", "memory_of", "once", "timing_factor", "trained"]


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    if not pluginmanager.is_registered(fitgate_pytest):  # where plugins of distributions are not loaded by themselves
        pluginmanager.register(fitgate_pytest, "fitgate")


def pytest_configure(config: pytest.Config) -> None:
    options = read_options(config)
    if options.settings.threads is not None:
        try:
            limit_threads(options.settings.threads)
        except FitgateError as error:
            raise as_usage_error(error) from error
    shared = getattr(config, "workerinput", {}).get("fitgate_shared")
    config.pluginmanager.register(Ending(), "fitgate-ending")
    parts = config.stash[PARTS] = Parts(config, options, private_directory(Path(shared)) if shared else None)
    if shared is None:
        config.pluginmanager.register(Recorder(config, parts), fitgate_pytest.RECORDER)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let a wrong option or a clash of names end the session before anything is collected."""
    try:
        session.config.stash[PARTS].check()
    except FitgateError as error:
        raise as_usage_error(error) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" not in metafunc.fixturenames:
        return
    parts = metafunc.config.stash[PARTS]
    try:
        parts.check()  # where the plugin is loaded during collection, no session has started with it
        parametrize(metafunc, parts)
    except FitgateError as error:
        raise pytest.Collector.CollectError(str(error)) from error


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    parts = config.stash[PARTS]
    try:
        parts.registry.check_complete()
    except FitgateError as error:
        raise as_usage_error(error) from error
    dropped = set(left_out(items, parts))
    items[:] = [item for item in items if item not in dropped]


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    if items:
        parts = items[0].config.stash[PARTS]
        parts.deselected_gates += len(list(selected_gates(items, parts)))


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
            data = parts.registry.data_of(task)
            if not data.dataset.is_loaded:
                with parts.announcer.progress(f"loading {data.dataset.name}"):
                    len(data.dataset.test)
            data.check()
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
