"""The recorder: gathers what happened from the tests' reports, whichever process they ran in, and keeps it on disk."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

import fitgate_pytest
from fitgate.bundle.kept import move_kept
from fitgate.clock import perf_counter
from fitgate.data import Split
from fitgate.errors import LoggedError, traceback_of
from fitgate.files import FileError
from fitgate.machine import environment
from fitgate.plugin.artefacts import Artefacts, begin_directory
from fitgate.plugin.session import Parts
from fitgate.plugin.spool import left
from fitgate.plugin.summary import MOST_FAULTS, Summary
from fitgate.record import (
    KeptData,
    KeptModel,
    Record,
    begin,
    decode_entry,
    describe_data,
    describe_metric,
    describe_task,
    largest_errors,
    lost_examples,
    misclassified_examples,
    published_values,
    row,
    weak_slices,
)
from fitgate.report import run_verdict
from fitgate.report.annotations import annotated
from fitgate.runs.watch import Watch
from fitgate.text import CELL, shown

ASKING = "--benchmark-"


class Recorder:
    """Keeps the record of a session, from the first test of a model on."""

    def __init__(self, config: pytest.Config, parts: Parts):
        self._config = config
        self._parts = parts
        self._started = perf_counter()
        self._record: Record | None = None
        self._artefacts: Artefacts | None = None
        self._received: dict[str, int] = {}
        self._stopped = False
        self._summed_up = False
        self._timed: set[str] = set()

    def begin(self, needed: bool) -> None:
        """Begin the record before anything is fitted, on disk, too: the session may be cut off by the first test.

        Args:
            needed: whether tests of models are to run; gates and failures that are known already begin it, too.

        Raises:
            FileError: if it can't be kept there.
        """
        entries = self._parts.drain()
        if needed or entries:
            self._begin()
            self._take(entries, "this session")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        part = getattr(report, "fitgate_part", None)
        entries: list[str] = getattr(report, "fitgate_entries", [])
        if spool := getattr(report, "fitgate_spool", None):
            self._received[spool[0]] = spool[1]
        if part is None and not entries:
            return
        record = self._take(entries, report.nodeid)
        if part == "latency":
            self._timed.add(report.nodeid)
        if part == "gates" and not self._config.getoption("benchmark_only", False):
            record.gates_expected = True
        if report.failed and part is not None and report.nodeid not in record.failed_tests:
            record.failed_tests.append(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        """Note what ends the session early: the user, a signal, or `pytest.exit`, which may ask for status 0."""
        self._stopped = True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        if exitstatus != pytest.ExitCode.USAGE_ERROR and not self._config.option.collectonly:
            entries = [*self._parts.drain(), *self._spooled()]
            if entries:
                self._take(entries, "this session")  # of tests that did not come to a report
        record, artefacts = self._record, self._artefacts
        if record is None or artefacts is None:
            return
        stopped = self._stopped or exitstatus == pytest.ExitCode.INTERRUPTED or bool(session.shouldfail)
        with artefacts.part("the description of the machine at the end"):
            record.end("interrupted" if stopped else "finished")
        if not stopped:
            record.fail_unjudged()
        with artefacts.part("the description of the data"):
            self._describe(record, artefacts)
        with artefacts.part("the list of published values"):
            record.published = published_values(record, self._parts.registry.models, self._parts.registry.metrics)
        with artefacts.part("the list of misclassified examples"):
            record.misclassified = misclassified_examples(record, self._row_of)
        with artefacts.part("the list of largest errors"):
            record.largest_errors = largest_errors(record, self._row_of)
        with artefacts.part("the list of lost examples"):
            record.lost = lost_examples(record, self._row_of)
        with artefacts.part("the search for slices that went wrong"):
            record.weak_slices = weak_slices(record, self._tested)
        with artefacts.part("the models that were kept"):
            self._keep(record, artefacts)
        record.wall_seconds = perf_counter() - self._started
        with artefacts.part("the cache of what work took"):
            self._parts.announcer.pace.remember()
        artefacts.finish(self._config.pluginmanager)
        if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            if stopped:
                session.exitstatus = pytest.ExitCode.INTERRUPTED
            elif run_verdict(record).failed:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self) -> None:
        """Say what the session came to, after what other plugins have to say."""
        self._sum_up()

    def pytest_unconfigure(self) -> None:
        """Say so now where pytest asked for no summary, as after an internal error."""
        self._sum_up()

    def _sum_up(self) -> None:
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is None or self._summed_up:
            return
        self._summed_up = True
        record, artefacts = self._record, self._artefacts
        if record is None or artefacts is None:
            if count := self._parts.deselected_gates:
                gates = "the one gate" if count == 1 else f"all {count} gates"
                terminal.write_line(
                    f"fitgate: nothing was judged: {gates} and every other test of a model were left out"
                )
            elif self._stopped and self._config.getoption("numprocesses", None):  # no worker has told of a test
                terminal.write_line("fitgate: nothing was judged: the run was stopped before any test of a model began")
            return
        faults = [fault for i, fault in enumerate(record.faults[:MOST_FAULTS]) if i or len(fault) > CELL]
        places = [f"report in {shown(self._relative(path))}" for path in artefacts.reports]
        if artefacts.errors_log:
            places.append(f"tracebacks in {shown(self._relative(artefacts.errors_log))}")
        run = shlex.quote(self._relative(artefacts.directory)) if artefacts.directory else ""
        Summary(terminal, self._config.get_verbosity()).write(record, faults, artefacts.warnings, places, run)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            start = self._config.invocation_params.dir
            for line in annotated(record, start, Path(os.environ.get("GITHUB_WORKSPACE", start))):
                terminal.write_line(line)

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_benchmark_group_stats(self, benchmarks: list[dict[str, Any]]) -> None:
        """Leave our timings out of pytest-benchmark's tables, unless an option of its own is on the command line."""
        if not any(str(argument).startswith(ASKING) for argument in self._config.invocation_params.args):
            benchmarks[:] = [one for one in benchmarks if one["fullname"] not in self._timed]

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

    def _take(self, encoded: list[str], source: str) -> Record:
        """Put entries into the record, which begins with the first, and into the journal; errors into the log."""
        record, artefacts = self._known()
        entries = []
        for line in encoded:
            with artefacts.part(f"an entry of {source}"):
                entry = decode_entry(line)
                if isinstance(entry, LoggedError):
                    artefacts.log(entry)
                else:
                    record.add(entry)
                    entries.append(line)
        artefacts.note(entries)
        return record

    def _spooled(self) -> list[str]:
        """What workers of pytest-xdist emitted and sent with no report, as they ended."""
        controller: Any = self._config.pluginmanager.get_plugin(fitgate_pytest.CONTROLLER)
        return left(controller.shared, self._received) if controller else []

    def _keep(self, record: Record, artefacts: Artefacts) -> None:
        """Move what was kept beside the record."""
        every: list[KeptModel | KeptData] = [*record.kept_models, *record.kept_data]
        digests = [kept.digest for kept in every if not kept.reason]
        if digests and artefacts.directory:
            move_kept(self._parts.keeping.directory, artefacts.directory, digests)

    def _known(self) -> tuple[Record, Artefacts]:
        """The record; one that begins with a worker's report is kept in memory alone where there is no place for it."""
        if self._record is None or self._artefacts is None:
            try:
                self._begin()
            except FileError as error:
                self._record = self._begun()
                self._artefacts = Artefacts(self._record, None)
                self._artefacts.lose(error)
        assert self._record is not None
        assert self._artefacts is not None
        return self._record, self._artefacts

    def _begin(self) -> None:
        if self._record is None:
            record = self._begun()
            self._artefacts = Artefacts(record, begin_directory(self._parts.options.runs_dir, record))
            self._record = record

    def _begun(self) -> Record:
        options, registry = self._parts.options, self._parts.registry
        workers = int(self._config.getoption("numprocesses", None) or 1)
        selection = list(map(str, self._config.invocation_params.args))
        settings = msgspec.structs.replace(options.settings, profile=registry.profile)
        record = begin(settings, selection, workers, self._config.rootpath, registry.libraries)
        for entry in registry.described():
            record.add(entry)
        return record

    def _describe(self, record: Record, artefacts: Artefacts) -> None:
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
                    artefacts.log(LoggedError(f"describing {task.name}", traceback_of(error)))
                    continue
                for name in task.metric_names:
                    record.add(describe_metric(registry.metrics[name]))

    def _row_of(self, task: str, i: int) -> Any:
        return row(self._tested(task).X, i)

    def _tested(self, task: str) -> Split:
        return self._parts.registry.data_of(self._parts.registry.tasks[task]).dataset.tested

    def _relative(self, path: Path) -> str:
        """A path as seen from where pytest was started, wherever a model has gone since."""
        start = self._config.invocation_params.dir
        return os.path.relpath(path, start) if path.is_relative_to(start) else str(path)
