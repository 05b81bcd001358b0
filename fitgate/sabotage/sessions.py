"""Sessions of a project, each in a process of its own and with runs apart, so that the project's own are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from fitgate.gates import Outcome, Reason
from fitgate.record import Record, read
from fitgate.report import run_verdict
from fitgate.sabotage.planting import Plant, variable

PLUGIN = "fitgate.sabotage.planting"


@dataclass(frozen=True)
class Session:
    """A session of pytest, or a command on a record, that has ended.

    Attributes:
        status: its exit status.
        record: None where it ended before it began, or is a command's.
        output: what it printed.
    """

    status: int
    record: Record | None
    output: str

    @property
    def message(self) -> str:
        """What it concluded, in a line."""
        if self.record is not None:
            return run_verdict(self.record).line
        return next(filter(None, map(str.strip, reversed(self.output.splitlines()))), "no output")

    def failed_because(self, reason: Reason) -> bool:
        """Whether tests failed, and a gate of theirs for a reason."""
        failed = self.status == pytest.ExitCode.TESTS_FAILED and self.record is not None
        return failed and any(verdict.reason is reason for verdict in self.record.verdicts)  # type: ignore[union-attr]

    def passes_nothing_of(self, model: str) -> bool:
        """Whether tests failed, and every gate of a model came to a verdict, none to a PASS."""
        if self.status != pytest.ExitCode.TESTS_FAILED or self.record is None or self.record.status != "finished":
            return False
        verdicts = [verdict for verdict in self.record.verdicts if verdict.model == model]
        return bool(verdicts) and not self.record.unjudged and not any(v.outcome is Outcome.PASS for v in verdicts)

    def fails_a_test_of(self, model: str) -> bool:
        """Whether tests failed, one of a model's among them."""
        failed = self.status == pytest.ExitCode.TESTS_FAILED and self.record is not None
        return failed and any(f"[{model}" in test for test in self.record.failed_tests)  # type: ignore[union-attr]


class Sessions:
    """Runs a project's tests, and commands on records.

    Args:
        root: the project's directory.
        task: the name of the one that takes part.
        profile: of the data; empty for the project's own choice.
        runs: a directory for their records.
    """

    def __init__(self, root: Path, task: str, profile: str, runs: Path):
        self._root = root
        self._selection = [f"--fit-tasks={task}", *([f"--fit-profile={profile}"] if profile else [])]
        self.runs = runs

    def run(
        self,
        models: Sequence[str],
        baselines: Path,
        *arguments: str,
        plant: Plant | None = None,
        timed: bool = False,
    ) -> Session:
        """Run its tests.

        Args:
            models: names of those that take part.
            baselines: the directory to use.
            arguments: further ones of pytest's.
            plant: what is to be wrong.
            timed: whether predictions are timed, too.
        """
        before = set(self.runs.glob("*"))
        options = ["-p", PLUGIN, "-p", "no:cacheprovider", f"--fit-models={','.join(models)}", *self._selection]
        options += [f"--fit-runs-dir={self.runs}", f"--gate-baselines={baselines.resolve()}", "-o", "fit_reuse="]
        skip = [] if timed else ["--benchmark-skip"]
        done = self._python("pytest", *options, *skip, *arguments, plant=plant)
        records = [read(run) for run in sorted(self.runs.glob("*")) if run not in before and run.is_dir()]
        return Session(done.returncode, records[-1] if records else None, done.stdout + done.stderr)

    def command(self, *arguments: str) -> Session:
        """Run a command of fitgate's."""
        done = self._python("fitgate", *arguments)
        return Session(done.returncode, None, done.stdout + done.stderr)

    def _python(self, module: str, *arguments: str, plant: Plant | None = None) -> subprocess.CompletedProcess[str]:
        library = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (library, os.environ.get("PYTHONPATH"))))
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}  # no worker
        environment = {**own, "PYTHONPATH": path, **(variable(plant) if plant else {})}
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(command, cwd=self._root, env=environment, capture_output=True, text=True)
