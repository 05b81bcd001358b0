"""The recorder: gathers what happened from the tests' reports, whichever process they ran in, and keeps it on disk."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

import fitgate_pytest
from fitgate.errors import LoggedError, traceback_of
from fitgate.machine import environment
from fitgate.plugin.session import Parts
from fitgate.plugin.spool import left
from fitgate.record import (
    Journal,
    Record,
    begin,
    decode_entry,
    describe_data,
    describe_metric,
    describe_task,
    largest_errors,
    log_error,
    lost_examples,
    misclassified_examples,
    published_values,
    row,
    save,
)
from fitgate.report import run_verdict
from fitgate.report.view.notices import notices
from fitgate.runs.watch import Watch

IGNORED = "# Written by fitgate: runs are kept here, and are not meant to be committed.\n*\n"
MOST_NOTICES = 10


class Recorder:
    """Keeps the record of a session, from the first test of a model on."""

    def __init__(self, config: pytest.Config, parts: Parts):
        self._config = config
        self._parts = parts
        self._started = time.perf_counter()
        self._record: Record | None = None
        self._directory: Path | None = None
        self._journal: Journal | None = None
        self._shown: list[Path] = []
        self._log: Path | None = None
        self._logged: set[LoggedError] = set()
        self._received: dict[str, int] = {}
        self._stopped = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        part = getattr(report, "fitgate_part", None)
        entries: list[str] = getattr(report, "fitgate_entries", [])
        if spool := getattr(report, "fitgate_spool", None):
            self._received[spool[0]] = spool[1]
        if part is None and not entries:
            return
        record = self._take(entries)
        if part == "gates" and not self._config.getoption("benchmark_only", False):
            record.gates_expected = True
        if report.failed and part is not None and report.nodeid not in record.failed_tests:
            record.failed_tests.append(report.nodeid)

    def begin(self) -> None:
        """Begin the record before the first test, if gates are to be judged: the session may be cut off by any."""
        if entries := self._parts.drain():
            self._take(entries)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Note what ends the session early: the user, a signal, or `pytest.exit`, which may ask for status 0."""
        self._stopped = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        if exitstatus != pytest.ExitCode.USAGE_ERROR and not self._config.option.collectonly:
            entries = [*self._parts.drain(), *self._spooled()]
            if entries:
                self._take(entries)  # of tests that did not come to a report
        record, directory = self._record, self._directory
        if record is None or directory is None:
            return
        stopped = self._stopped or exitstatus == pytest.ExitCode.INTERRUPTED or bool(session.shouldfail)
        record.end("interrupted" if stopped else "finished")
        if not stopped:
            record.fail_unjudged()
        self._describe(record)
        record.published = published_values(record, self._parts.registry.models, self._parts.registry.metrics)
        record.misclassified = misclassified_examples(record, self._row_of)
        record.largest_errors = largest_errors(record, self._row_of)
        record.lost = lost_examples(record, self._row_of)
        record.wall_seconds = time.perf_counter() - self._started
        save(record, directory / "record.json")
        if self._journal:
            self._journal.remove()

        from fitgate.report import append_to_step_summary, write_report

        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            if stopped:
                session.exitstatus = pytest.ExitCode.INTERRUPTED
            elif run_verdict(record).failed:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        report = write_report(record, directory)
        append_to_step_summary(report)
        further = self._config.hook.pytest_fitgate_report(record=record, directory=directory)
        self._shown = [report, *(path for paths in further for path in paths or ())]

    def pytest_unconfigure(self) -> None:
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is None:
            return
        if self._record is None:
            if count := self._parts.deselected_gates:
                gates = "the one gate" if count == 1 else f"all {count} gates"
                terminal.write_line(
                    f"fitgate: nothing was judged: {gates} and every other test of a model were left out"
                )
            return
        verdict = run_verdict(self._record)
        lines = notices(self._record)
        for line in lines[:MOST_NOTICES]:
            terminal.write_line(f"fitgate: to look into: {line}", yellow=True)
        if len(lines) > MOST_NOTICES:
            terminal.write_line(f"fitgate: to look into: {len(lines) - MOST_NOTICES} more, in the report", yellow=True)
        terminal.write_line(f"fitgate: {verdict.line}", red=verdict.failed)
        for path in self._shown:
            terminal.write_line(f"fitgate: report in {_shown(path)}")
        if self._log:
            terminal.write_line(f"fitgate: tracebacks in {_shown(self._log)}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        """Give pytest-benchmark's JSON the machine as our record has it."""
        machine_info["fitgate"] = msgspec.to_builtins(environment())

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_json(self, output_json: dict[str, Any]) -> None:
        """Give each benchmark of pytest-benchmark's JSON the model's metrics and verdicts."""
        record = self._record
        if record is None:
            return
        for benchmark in output_json["benchmarks"]:
            about = benchmark["extra_info"]
            subject = about.get("model"), about.get("task")
            about["metrics"] = next((e.metrics for e in record.evaluations if (e.model, e.task) == subject), {})
            about["verdicts"] = {v.gate: str(v.outcome) for v in record.verdicts if (v.model, v.task) == subject}
            about["profile"] = record.settings.profile

    def log(self, error: LoggedError) -> None:
        """Keep an error's traceback in the run's directory, once; the terminal's last lines name the file."""
        if self._directory and error not in self._logged:
            self._logged.add(error)
            self._log = log_error(error, self._directory)

    def _take(self, encoded: list[str]) -> Record:
        """Put entries into the record, which begins with the first, and into the journal; errors into the log."""
        record = self._record or self._begin()
        entries = []
        for line in encoded:
            entry = decode_entry(line)
            if isinstance(entry, LoggedError):
                self.log(entry)
            else:
                record.add(entry)
                entries.append(line)
        if entries and self._journal:
            self._journal.append(entries)
        return record

    def _spooled(self) -> list[str]:
        """What workers of pytest-xdist emitted and sent with no report, as they ended."""
        controller: Any = self._config.pluginmanager.get_plugin(fitgate_pytest.CONTROLLER)
        return left(controller.shared, self._received) if controller else []

    def _begin(self) -> Record:
        options = self._parts.options
        profile = self._parts.registry.profile
        workers = int(self._config.getoption("numprocesses", None) or 1)
        selection = list(map(str, self._config.invocation_params.args))
        settings = msgspec.structs.replace(options.settings, profile=profile)
        record = begin(settings, selection, workers, self._config.rootpath, self._parts.registry.libraries)
        for entry in self._parts.registry.described():
            record.add(entry)
        self._directory = _new_directory(options.runs_dir, profile)
        self._journal = Journal(self._directory)
        self._record = record
        save(record, self._directory / "record.json")
        return record

    def _describe(self, record: Record) -> None:
        """Add the datasets, tasks and metrics that the run was about."""
        registry = self._parts.registry
        named = {e.task for e in record.evaluations} | {run.fit.task for run in record.seed_runs}
        named |= {gate.task for gate in record.gates}
        for model in registry.models:
            for task in model.tasks:
                data = registry.data_of(task)
                if task.name not in named and not data.dataset.is_loaded:
                    continue
                watch = Watch()
                try:
                    with watch:
                        record.add(describe_data(data.dataset))
                        record.add(describe_task(data))
                except BaseException as error:  # the tests of these models have failed with it
                    if watch.interrupted:
                        raise
                    self.log(LoggedError(f"describing {task.name}", traceback_of(error)))
                    continue
                for name in task.metric_names:
                    record.add(describe_metric(registry.metrics[name]))

    def _row_of(self, task: str, i: int) -> Any:
        return row(self._parts.registry.data_of(self._parts.registry.tasks[task]).dataset.test.X, i)


def _new_directory(parent: Path, profile: str) -> Path:
    name = "-".join(filter(None, (f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}", profile)))
    try:
        parent.mkdir(parents=True, exist_ok=True)
        if not (parent / ".gitignore").exists():
            (parent / ".gitignore").write_text(IGNORED, encoding="utf-8")
        for suffix in ("", *(f"-{i}" for i in range(2, 100))):
            directory = parent / f"{name}{suffix}"
            with suppress(FileExistsError):
                directory.mkdir()
                return directory
    except OSError as error:
        raise pytest.UsageError(
            f"{parent}: found {error.strerror}, expected a directory for runs; name another by --fit-runs-dir."
        ) from error
    raise pytest.UsageError(f"{parent}: found 99 runs named {name}, expected fewer; delete some of them.")


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
