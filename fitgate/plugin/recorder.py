"""The recorder: gathers what happened from the tests' reports, whichever process they ran in, and keeps it on disk."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fitgate.machine import environment
from fitgate.plugin.bench import Bench
from fitgate.record import Record, begin, decode_entry, describe, hard_examples, lost_examples, save


class Recorder:
    """Keeps the record of a session, from the first test of a model on."""

    def __init__(self, config: pytest.Config, bench: Bench):
        self._config = config
        self._bench = bench
        self._started = time.perf_counter()
        self._record: Record | None = None
        self._directory: Path | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        part = getattr(report, "digit_bench_part", None)
        entries: list[str] = getattr(report, "digit_bench_entries", [])
        if part is None and not entries:
            return
        record = self._record or self._begin()
        if part == "quality" and not self._config.getoption("benchmark_only", False):
            record.gates_expected = True
        for entry in entries:
            record.add(decode_entry(entry))
        if section := getattr(report, "digit_bench_section", None):
            record.section_seconds[section] = record.section_seconds.get(section, 0.0) + report.duration
        if report.failed:
            record.failed_tests.append(report.nodeid)
        if entries or report.failed:
            self._save(record)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int | pytest.ExitCode) -> None:
        record = self._record
        if record is None or self._directory is None:
            return
        record.end("interrupted" if exitstatus == pytest.ExitCode.INTERRUPTED else "finished")
        if record.evaluations:
            record.hard = hard_examples(record, self._bench.dataset)
            record.lost = lost_examples(record, self._bench.dataset)
        self._save(record)

        from fitgate.report import append_to_step_summary, has_failed, write_report, write_story

        if has_failed(record) and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        report = write_report(record, self._directory)
        if record.story:
            write_story(record, self._directory / "notebook.md")
        append_to_step_summary(report)

    def pytest_unconfigure(self) -> None:
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        if terminal is None or self._record is None or self._directory is None:
            return
        from fitgate.report import has_failed, verdict_line

        terminal.write_line(f"digit-bench: {verdict_line(self._record)}", red=has_failed(self._record))
        for name in ("report.md", "notebook.md") if self._record.story else ("report.md",):
            terminal.write_line(f"digit-bench: report in {_shown(self._directory / name)}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_benchmark_update_machine_info(self, machine_info: dict[str, Any]) -> None:
        """Give pytest-benchmark's JSON the machine as our record has it."""
        machine_info["digit_bench"] = msgspec.to_builtins(environment())

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
            about["profile"] = record.profile

    def _begin(self) -> Record:
        options = self._bench.options
        workers = int(self._config.getoption("numprocesses", None) or 1)
        selection = list(self._config.invocation_params.args)
        record = begin(options.gate_profile, options.seed, selection, workers, self._config.rootpath, options.threads)
        record.gates_expected = False
        record.models = self._bench.listed()
        self._directory = _new_directory(options.runs_dir, options.gate_profile)
        self._record = record
        self._save(record)
        return record

    def _save(self, record: Record) -> None:
        assert self._directory is not None
        if record.data is None and (record.evaluations or record.story):
            record.data = describe(self._bench.dataset)
        record.wall_seconds = time.perf_counter() - self._started
        save(record, self._directory / "record.json")


def _new_directory(parent: Path, profile: str) -> Path:
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{profile}"
    for suffix in ("", *(f"-{i}" for i in range(2, 100))):
        directory = parent / f"{name}{suffix}"
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            continue
        return directory
    raise pytest.UsageError(f"{parent}: 99 runs named {name} exist already")


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
