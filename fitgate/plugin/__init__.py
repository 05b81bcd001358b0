"""fitgate as a pytest plugin: options, fixtures, one test per model and gate, and a record of what happened."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

import fitgate_pytest
from fitgate.errors import FitgateError
from fitgate.files import private_directory
from fitgate.machine import limit_threads
from fitgate.plugin.alarm import interrupted
from fitgate.plugin.collection import (
    left_out,
    not_applied,
    parametrize,
    part,
    selected_gates,
    timed_model,
    timed_name,
    timed_scenarios,
    used_tasks,
)
from fitgate.plugin.fixtures import (
    PARTS,
    auditor_of,
    calibrated,
    data_of,
    emit,
    executor,
    hold,
    judge,
    keep,
    memory_of,
    once,
    serving,
    timer,
    timing_factor,
    trained,
)
from fitgate.plugin.lingering import Lingering
from fitgate.plugin.options import read_options
from fitgate.plugin.output import make_harmless, make_warning_harmless
from fitgate.plugin.recorder import Recorder
from fitgate.plugin.registry import as_usage_error
from fitgate.plugin.session import Parts
from fitgate.plugin.termination import end_as_by_interrupt
from fitgate.report.junit import properties
from fitgate.runs import ModelFailed
from fitgate.runs.watch import Watch

__all__ = [
    "auditor_of",
    "calibrated",
    "data_of",
    "emit",
    "executor",
    "hold",
    "judge",
    "keep",
    "memory_of",
    "once",
    "serving",
    "timer",
    "timing_factor",
    "trained",
]


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
    config.pluginmanager.register(Lingering(), "fitgate-lingering")
    parts = config.stash[PARTS] = Parts(config, options, private_directory(Path(shared)) if shared else None)
    if shared is None:
        end_as_by_interrupt(config)
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


@pytest.hookimpl(tryfirst=True)  # before a worker tells what it collected
def pytest_collection_finish(session: pytest.Session) -> None:
    parts = session.config.stash[PARTS]
    parts.timed = timed_scenarios(session.items)
    if not session.config.getoption("benchmark_only", False):  # under which no other test runs
        parts.stage.select(selected_gates(session.items, parts))
        for entry in not_applied(session.items, parts):
            parts.emit(entry)
    for failure in parts.registry.failures(parts.options.baselines):
        parts.emit(failure)
    for plugin in parts.registry.absent:
        parts.emit(plugin.error)


def pytest_runtestloop(session: pytest.Session) -> None:
    """Before the first test, load the data, reach the backend and begin the record: what is wrong ends the session."""
    config, parts = session.config, session.config.stash[PARTS]
    if config.option.collectonly or (session.testsfailed and not config.option.continue_on_collection_errors):
        return
    items = [item for item in session.items if part(item)]
    if hasattr(config, "workerinput"):
        return  # a worker of pytest-xdist may not end the session: there, each test says what is wrong
    try:
        for task in used_tasks(items, parts):
            data = parts.registry.data_of(task)
            if not data.dataset.is_loaded:
                with parts.announcer.progress(f"loading {data.dataset.name}"):
                    len(data.dataset.test)
            data.check()
        if any("executor" in getattr(item, "fixturenames", ()) for item in session.items):
            parts.executor.check()
        recorder: Recorder | None = config.pluginmanager.get_plugin(fitgate_pytest.RECORDER)
        if recorder:
            recorder.begin(bool(items))
    except FitgateError as error:
        raise as_usage_error(error) from error


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    parts = session.config.stash.get(PARTS, None)
    if parts is not None:
        parts.finish()


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    make_warning_harmless(warning_message)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Let a model neither end the process in its test, nor hang where it is timed, nor change the data there."""
    if part(item) is None:
        return (yield)
    parts, model = item.config.stash[PARTS], timed_model(item)
    with ExitStack() as around:
        if model is not None:
            around.callback(parts.check_data, model)
            named, limits = timed_name(item), parts.limits_of_timing(model)
            around.enter_context(interrupted(named, model.timed_task.name, limits, parts.options.settings.timing))
        watch = around.enter_context(Watch())
        yield
    if watch.called:
        pytest.fail(f"a model called {watch.called}", pytrace=False)
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report carry what happened during its phase to the recorder, which may be in another process.

    What a model failed of is shown in its one line: its traceback is in the run's log of errors. The verdicts that the
    test asked for become properties of it, for `--junitxml`.
    """
    judged = item.config.stash[PARTS].judged
    item.user_properties += [pair for verdict in judged for pair in properties(verdict)]
    judged.clear()
    report = yield
    if report.failed and call.excinfo and isinstance(call.excinfo.value, ModelFailed | FitgateError) and part(item):
        report.longrepr = str(call.excinfo.value)
    parts = item.config.stash[PARTS]
    report.fitgate_part = part(item)  # type: ignore[attr-defined]
    report.fitgate_entries = parts.drain()  # type: ignore[attr-defined]
    if parts.spool:
        report.fitgate_spool = (parts.spool.name, parts.spool.count)  # type: ignore[attr-defined]
    if part(item) is not None:
        make_harmless(report)
    return report
