"""The artefacts of a session: its run's directory, and in it the record, the report, its figures and plugins' own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fitgate.files import FileError, make_directory, write, writing
from fitgate.record import Journal, Record, read, save
from fitgate.record.log import ERRORS
from fitgate.report.faults import Faults
from fitgate_pytest import place_of

IGNORED = "# Written by fitgate: runs are kept here, and are not meant to be committed.\n*\n"
HOOK = "pytest_fitgate_report"


class Artefacts:
    """What a session leaves. What can't be made costs itself alone, is named in `record.faults`, and fails the run.

    Args:
        record: of the run.
        directory: of the run; None where none could be made, and nothing can be kept.

    Attributes:
        directory: as given.
        part: a context around the making of a part, which is named in words; see `Faults.part`.
        log: keeps an error's traceback; see `Faults.log`.
        reports: paths of those that were written.
        warnings: what could not be done and fails nothing, a line each.
    """

    def __init__(self, record: Record, directory: Path | None):
        self._record = record
        self.directory = directory
        self._journal = Journal(directory) if directory else None
        self._faults = Faults(record, directory)
        self.part, self.log = self._faults.part, self._faults.log
        self.reports: list[Path] = []
        self.warnings: list[str] = []

    @property
    def errors_log(self) -> Path | None:
        """The file with tracebacks; None where there are none."""
        path = self.directory / ERRORS if self.directory else None
        return path if path and path.exists() else None

    def lose(self, error: FileError) -> None:
        """Note that the record can't be kept, or not as the run goes on."""
        self._faults.note(f"the run's record could not be kept: {error}")

    def note(self, entries: Sequence[str]) -> None:
        """Add encoded entries to the journal, until it can't be written: what follows a line cut short is not read."""
        if self._journal and entries:
            try:
                self._journal.append(entries)
            except FileError as error:
                self._journal = None
                self.lose(error)

    def finish(self, manager: pytest.PytestPluginManager) -> None:
        """Write the record, then the report, then those of plugins, each on its own.

        A run passes only with a record that every command reads: one that it refuses is a fault.
        """
        if self.directory is None:
            return
        from fitgate.report import append_to_step_summary, run_verdict

        self._keep(self.directory)
        if run_verdict(self._record).lets_pass:
            with self.part("a record that can be read"):
                read(self.directory)
            if self._record.faults:
                self._keep(self.directory)
        report = self._report(self.directory)
        before = len(self._record.faults)
        for plugin in _contributors(manager):
            with self.part(f"the report of {place_of(plugin)}"):
                self.reports += _of_plugin(manager, plugin, self._record, self.directory)
        if len(self._record.faults) > before:
            self._keep(self.directory)
            self._report(self.directory)  # which says so
        if report:
            self.reports.insert(0, report)
            try:
                append_to_step_summary(report)
            except FileError as error:
                self.warnings.append(f"no step summary: {error}")

    def _report(self, directory: Path) -> Path | None:
        """Write the report, and the record again if it has something to say about that."""
        from fitgate.report import write_report

        known, report = len(self._record.faults), None
        with self.part("the report"):
            report = write_report(self._record, directory)
        if len(self._record.faults) > known:
            self._keep(directory)
        return report

    def _keep(self, directory: Path) -> None:
        """Write the record; the journal stays if that can't be done."""
        try:
            save(self._record, directory / "record.json")
            if self._journal:
                self._journal.remove()
        except FileError as error:
            self.lose(error)


def begin_directory(parent: Path, record: Record) -> Path:
    """A new directory for a run, with its record as it stands; none is left if that can't be written.

    Raises:
        FileError: if either can't be made.
    """
    try:
        directory = _new_directory(parent, record.settings.profile)
        try:
            save(record, directory / "record.json")
        except FileError:
            with suppress(OSError):
                directory.rmdir()
            raise
    except FileError as error:
        raise FileError(
            error.where,
            found=error.found,
            expected="a directory for runs",
            next_step="free it, or name another by --fit-runs-dir",
        ) from error
    return directory


def _new_directory(parent: Path, profile: str) -> Path:
    """A directory named after the time and the data's profile."""
    name = "-".join(filter(None, (f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}", profile)))
    make_directory(parent)
    if not (parent / ".gitignore").exists():
        with suppress(FileError):  # of whatever is there in its place
            write(parent / ".gitignore", IGNORED)
    for suffix in ("", *(f"-{i}" for i in range(2, 100))):
        directory = parent / f"{name}{suffix}"
        with writing(directory), suppress(FileExistsError):
            directory.mkdir()
            return directory
    raise FileError(parent, found=f"99 runs named {name}", expected="fewer", next_step="delete some of them")


def _contributors(manager: pytest.PytestPluginManager) -> list[object]:
    """The plugins that write reports of their own, in the order in which pytest would call them."""
    return [impl.plugin for impl in reversed(getattr(manager.hook, HOOK).get_hookimpls())]


def _of_plugin(manager: pytest.PytestPluginManager, plugin: object, record: Record, directory: Path) -> list[Path]:
    """The reports of one plugin alone."""
    others = [other for other in manager.get_plugins() if other is not plugin]
    found = manager.subset_hook_caller(HOOK, others)(record=record, directory=directory)
    return [Path(path) for paths in found for path in paths or ()]
