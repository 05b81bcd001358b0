"""The material: a sound project with what earlier sessions left in it, made once, and copied for each case."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from fitgate.report import run_verdict
from tests.faults.process import Ended, forked

ROOT = Path(__file__).parents[2]
LIMIT = 60.0  # seconds that a session may take: one takes half a second, or three with pytest-xdist
EARLIER = "2026-01-02T03-04-05"  # the name of the run that is there before
GATES = 6  # that the sound project's sessions judge

CLOUDS = '''\
import numpy as np
from fitgate import Dataset, Task

LABELS = np.tile(np.arange(3), 40)
FEATURES = 2 * np.eye(3)[LABELS] + np.random.default_rng({seed}).normal(size=(120, 3))
DATA = Dataset.from_arrays("clouds", FEATURES[:60], LABELS[:60], FEATURES[60:], LABELS[60:])


def is_first(y):
    return y == 0


CLOUD = Task("cloud", DATA, metrics=("accuracy",))
FIRST = Task("first", DATA, target=is_first, metrics=("roc_auc",))


class NearestMean:
    """Of the class with the nearest mean, which it takes from so many examples."""

    def __init__(self, most={most}):
        self.most = most

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        X, y = X[:self.most], y[:self.most]
        self.means = np.array([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def distances(self, X):
        return ((X[:, None, :] - self.means) ** 2).sum(axis=2)

    def predict(self, X):
        return self.classes_[self.distances(X).argmin(axis=1)]

    def decision_function(self, X):
        distances = self.distances(X)
        return distances[:, 0] - distances[:, 1]
'''
CONFTEST = """\
from clouds import CLOUD, FIRST, NearestMean
from fitgate import Floor, Model, NoRegression

pytest_plugins = ["other"]
GATES = (Floor(CLOUD, "accuracy", {floor}), NoRegression(CLOUD, "accuracy", 0.2), NoRegression(FIRST, "roc_auc", 0.2))


def pytest_fitgate_models():
    return [Model("nearest", lambda seed: NearestMean(), tasks=(CLOUD, FIRST), stochastic=False, gates=GATES)]
"""
OTHER = """\
from clouds import CLOUD, FIRST, NearestMean
from fitgate import Floor, Model, NoRegression

GATES = (Floor(CLOUD, "accuracy", 0.4), NoRegression(CLOUD, "accuracy", 0.2), Floor(FIRST, "roc_auc", 0.4))


def pytest_fitgate_models():
    return [Model("faulty", lambda seed: NearestMean(30), tasks=(CLOUD, FIRST), stochastic=False, gates=GATES)]
"""
TESTS = "from fitgate.checks.quality import *\n"
SETTINGS = "[pytest]\n"


class Project:
    """A project in a directory of its own."""

    def __init__(self, directory: Path):
        self.directory = directory

    def write(self, *, seed: int = 0, most: int = 60, floor: float = 0.5, other: str = OTHER) -> None:
        """Write its files: data of a seed, a model that learns from so many examples, a floor, another plugin."""
        self.directory.mkdir(parents=True, exist_ok=True)
        files = {
            "clouds.py": CLOUDS.format(seed=seed, most=most),
            "conftest.py": CONFTEST.format(floor=floor),
            "other.py": other,
            "test_models.py": TESTS,
            "pytest.ini": SETTINGS,
        }
        for name, text in files.items():
            (self.directory / name).write_text(text, encoding="utf-8")

    def copied_to(self, directory: Path) -> Project:
        """The same, elsewhere."""
        shutil.copytree(self.directory, directory, symlinks=True)
        return Project(directory)

    @property
    def runs(self) -> Path:
        return self.directory / ".fitgate" / "runs"

    @property
    def baselines(self) -> Path:
        return self.directory / "baselines"

    @property
    def earlier(self) -> Path:
        """The run from before."""
        return self.runs / EARLIER

    @property
    def new_runs(self) -> list[Path]:
        """The runs since."""
        return sorted(path for path in self.runs.glob("2*") if path.is_dir() and path != self.earlier)

    def baseline(self, model: str, task: str) -> Path:
        (path,) = self.baselines.glob(f"{model}-{task}-*.npz")
        return path

    def session(self, *arguments: str, environment: Mapping[str, str] | None = None, **ending: object) -> Ended:
        """A session of pytest, ended as `forked` has it."""
        return self.run(
            ["pytest", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments],
            _pytest,
            environment,
            **ending,
        )

    def command(self, *arguments: str, environment: Mapping[str, str] | None = None, **ending: object) -> Ended:
        """A command of fitgate's."""
        return self.run(["fitgate", *arguments], _fitgate, environment, **ending)

    def run(
        self, line: Sequence[str], program: object, environment: Mapping[str, str] | None, **ending: object
    ) -> Ended:
        given = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PY_COLORS": "0", **(environment or {})}

        def work() -> object:
            sys.argv = list(line)
            sys.path[:] = [str(self.directory), str(ROOT), *(p for p in sys.path if p and p != str(ROOT))]
            sys.dont_write_bytecode = True
            os.environ.pop("GITHUB_STEP_SUMMARY", None) if not environment else None
            return program()  # type: ignore[operator]

        ending.setdefault("limit", LIMIT)
        return forked(work, self.directory, environment=given, **ending)  # type: ignore[arg-type]


def _pytest() -> object:
    import pytest

    return pytest.main()  # as `python -m pytest` has it, arguments and all


def _fitgate() -> object:
    from fitgate.cli import main

    return main()


class Material:
    """What cases are made from.

    Args:
        directory: where it is made; empty, or holds it already.

    Attributes:
        sound: a project of two models with baselines, an earlier run that passed, its report, and a run to be blessed.
        failing: the same project, whose earlier run failed.
        repeats: runs of the sound project with other seeds.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self.sound = Project(directory / "sound")
        self.failing = Project(directory / "failing")
        self.repeats = [directory / "repeat-1", directory / "repeat-2"]

    def make(self) -> Material:
        """Make it."""
        sound = self.sound
        sound.write()
        _expect(sound.session(), 0)
        _keep(sound)
        _expect(sound.command("bless", "--yes", str(sound.earlier)), 0)
        shutil.rmtree(sound.earlier)
        for seed, kept in (("43", self.repeats[0]), ("44", self.repeats[1]), ("42", sound.earlier)):
            _expect(_timed(sound, f"--fit-seed={seed}"), 0)
            sound.new_runs[0].rename(kept)
        failing = sound.copied_to(self.failing.directory)
        shutil.rmtree(failing.earlier)
        failing.write(floor=0.99)
        _expect(_timed(failing), 1)
        _keep(failing)
        return self


def _timed(project: Project, *arguments: str) -> Ended:
    """A session that also times what it can in a few seconds."""
    tests = project.directory / "test_models.py"
    tests.write_text("from fitgate.checks import *\n", encoding="utf-8")
    try:
        return project.session(
            "--gate-require-baseline", "--fit-timing=0.02", "-k", "not predict or single", *arguments
        )
    finally:
        tests.write_text(TESTS, encoding="utf-8")


def _keep(project: Project) -> None:
    (run,) = project.new_runs
    run.rename(project.earlier)


def _expect(ended: Ended, status: int) -> None:
    if ended.status != status:
        raise RuntimeError(f"the sound material: exit status {ended.status}, expected {status}\n{ended.output}")


def warm() -> None:
    """Load what sessions load late, so that forks have it, and look up the machine once."""
    import importlib

    late = "joblib psutil threadpoolctl cpuinfo scipy.stats sklearn.metrics xdist.plugin _pytest.pytester"
    ours = (
        "checks.quality cli plugin plugin.project report report.figures report.report report.comparison gates.blessing"
    )
    for name in (*late.split(), *(f"fitgate.{name}" for name in ours.split())):
        importlib.import_module(name)
    from matplotlib.figure import Figure

    from fitgate.machine import distributions_of, environment

    Figure().subplots()  # it imports some more on first use
    environment()
    distributions_of(["numpy"])


def hashes(*paths: Path) -> dict[str, str]:
    """SHA-256 of every file in directories, by its path."""
    files = [
        file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*"))) if file.is_file()
    ]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def changed(before: Mapping[str, str], *paths: Path) -> list[str]:
    """Which files of before are no more what they were, in words."""
    now = hashes(*paths)
    return [
        f"{Path(path).name} is {'changed' if path in now else 'gone'}"
        for path, digest in before.items()
        if now.get(path) != digest
    ]


def outcome_of(run: Path) -> tuple[str, dict[tuple[str, str, str], str], list[str]]:
    """A run's verdict, those of its gates, and what of it is not as it should be."""
    from fitgate.errors import FitgateError
    from fitgate.record import read

    try:
        record = read(run)
    except FitgateError as error:
        return "unreadable", {}, [f"the record is unreadable: {error}"[:300]]
    verdict = run_verdict(record)
    gates = {(v.model, v.task, v.gate): str(v.outcome) for v in record.verdicts}
    lost = []
    if record.status != "running" and not (run / "report.md").exists():
        lost.append("no report of a run that ended")
    return str(verdict.outcome), gates, lost


def as_read(directory: Path, names: list[str]) -> list[str | None]:
    """The content of baselines, as a reader has them; an error's text where it has none."""
    from fitgate.errors import FitgateError
    from fitgate.gates.archive import standing_baseline

    found: list[str | None] = []
    for name in names:
        try:
            baseline = standing_baseline(directory, directory / name)
            found.append(None if baseline is None else baseline.about.content)
        except FitgateError as error:
            found.append(str(error))
    return found
