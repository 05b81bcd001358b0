"""Tampering: changes of a project's files that would have its gates judge wrongly, each to be refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest

from fitgate.gates import GATES, Reason
from fitgate.gates.blessing import bless, propose
from fitgate.metrics import METRICS
from fitgate.record import Record, candidates, read
from fitgate.report import run_verdict

CONFTEST = '''\
import numpy as np
from fitgate import Dataset, Floor, Model, NoRegression, Task


LABELS = np.tile(np.arange(3), 60)
NOISE = np.random.default_rng({seed}).normal(size=(180, 3))
FEATURES = 4 * np.eye(3)[LABELS] + NOISE
DATA = Dataset.from_arrays("three clouds", FEATURES[:90], LABELS[:90], FEATURES[90:], LABELS[90:])
CLOUD = Task("cloud", DATA)
FIRST = Task("first", DATA, target=lambda y: y == 0, metrics=("roc_auc",))


class NearestMean:
    """Of the class with the nearest mean."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means = np.array([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def distances(self, X):
        return ((X[:, None, :] - self.means) ** 2).sum(axis=2)

    def predict(self, X):
        return self.classes_[self.distances(X).argmin(axis=1)]

    def decision_function(self, X):
        distances = self.distances(X)
        return {score}


MODEL = Model({name!r}, lambda seed: NearestMean(), tasks=(CLOUD, FIRST), stochastic=False, gates=({gates}))


def pytest_fitgate_models():
    return [MODEL]
'''
DECLARED_GATES = (
    'Floor(CLOUD, "accuracy", 0.5), NoRegression(CLOUD, "accuracy", 0.05), NoRegression(FIRST, "roc_auc", 0.05),'
)
SCORE = "distances[:, 0] - distances[:, 1]"
ALL_TESTS = "from fitgate.checks.quality import *\n"
REQUIRE = "--gate-require-baseline"
NO_GATE = "from fitgate.checks.quality import test_every_test_example_has_a_prediction\n"


class Tampering(msgspec.Struct, frozen=True):
    """What was tampered with.

    Attributes:
        what: in words.
        caught: whether the session failed, and for this reason, where the same session passed before.
        message: what it concluded.
    """

    what: str
    caught: bool
    message: str = msgspec.field(name="told")


@dataclass(frozen=True)
class Session:
    """A session of pytest that has ended.

    Attributes:
        status: its exit status.
        record: None where it ended before it began.
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


class Project:
    """A project with one quick model and its gates, in a directory of its own."""

    def __init__(self, directory: Path):
        self.directory = directory

    @property
    def baselines(self) -> Path:
        """The directory of baselines."""
        return self.directory / "baselines"

    def baseline(self, task: str) -> Path:
        """The one baseline of its model on a task."""
        (path,) = self.baselines.glob(f"nearest-{task}-*.npz")
        return path

    def bless(self) -> None:
        """Make the outputs of a run its baselines."""
        self.run()
        (path,) = self._runs
        record = read(path)
        found = candidates(record, GATES, METRICS)
        bless(propose(found, record.environment, None, self.baselines), self.baselines)

    def copied_to(self, directory: Path) -> Project:
        """The same project, elsewhere."""
        shutil.copytree(self.directory, directory)
        return Project(directory)

    def write(
        self,
        *,
        name: str = "nearest",
        gates: str = DECLARED_GATES,
        score: str = SCORE,
        seed: int = 0,
        tests: str = ALL_TESTS,
    ) -> None:
        """Write its files."""
        conftest = CONFTEST.format(name=name, gates=gates, score=score, seed=seed)
        (self.directory / "conftest.py").write_text(conftest, encoding="utf-8")
        (self.directory / "test_models.py").write_text(tests, encoding="utf-8")
        (self.directory / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")

    def run(self, *arguments: str) -> Session:
        """Run its tests."""
        before = set(self._runs)
        library = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, (library, os.environ.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True)
        records = [read(run) for run in self._runs if run not in before]
        return Session(done.returncode, records[0] if records else None, done.stdout + done.stderr)

    @property
    def _runs(self) -> list[Path]:
        return [path for path in (self.directory / ".fitgate" / "runs").glob("*") if path.is_dir()]


def tamper(only: str = "") -> Iterator[Tampering]:
    """Tamper with a project in each way, one at a time.

    Args:
        only: what `tampering` and its description must contain.
    """
    chosen = {what: how for what, how in TAMPERINGS.items() if only in f"tampering {what}"}
    if not chosen:
        return
    with tempfile.TemporaryDirectory() as directory:
        sound = Project(Path(directory).resolve() / "sound")
        sound.directory.mkdir()
        sound.write()
        sound.bless()
        passes = sound.run(REQUIRE).status == pytest.ExitCode.OK
        for i, (what, (plant, is_refused)) in enumerate(chosen.items()):
            project = sound.copied_to(sound.directory.with_name(f"tampered-{i}"))
            plant(project)
            session = project.run(REQUIRE)
            message = session.message.replace(str(project.directory), "...")
            yield Tampering(what, passes and is_refused(session), message)


def _nan(project: Project) -> None:
    project.write(score="np.full(len(X), np.nan)")


def _edited_baseline(project: Project) -> None:
    path = project.baseline("cloud")
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["predictions"] = np.zeros_like(arrays["predictions"])
    np.savez(path, **arrays)


def _baseline_of_another_task(project: Project) -> None:
    shutil.copy(project.baseline("first"), project.baseline("cloud"))


def _other_data(project: Project) -> None:
    project.write(seed=1)


def _no_gate(project: Project) -> None:
    project.write(gates="", tests=NO_GATE)


def _missing_model(project: Project) -> None:
    project.write(name="other")


def _no_value(session: Session) -> bool:
    return session.failed_because(Reason.NO_VALUE)


def _bad_baseline(session: Session) -> bool:
    return session.failed_because(Reason.BAD_BASELINE)


def _nothing_enforced(session: Session) -> bool:
    record = session.record
    enforced_none = record is not None and not record.verdicts and not record.failed_tests
    return session.status == pytest.ExitCode.TESTS_FAILED and enforced_none


def _names_the_model(session: Session) -> bool:
    return session.status == pytest.ExitCode.USAGE_ERROR and "nearest" in session.message


TAMPERINGS: dict[str, tuple[Callable[[Project], None], Callable[[Session], bool]]] = {
    "a metric that is NaN": (_nan, _no_value),
    "an edited baseline": (_edited_baseline, _bad_baseline),
    "another task's predictions as the baseline": (_baseline_of_another_task, _bad_baseline),
    "other data than the baseline's": (_other_data, _bad_baseline),
    "no gate collected": (_no_gate, _nothing_enforced),
    "a model gone missing": (_missing_model, _names_the_model),
}
