"""The record: what is kept of one run."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from numpy.typing import NDArray

from fitgate.data import Dataset
from fitgate.gates.gates import Outcome, Verdict
from fitgate.latency.timing import Timing
from fitgate.machine import Calibration, Condition, Environment, condition, environment, thread_counts
from fitgate.runs.evaluation import Evaluation, SeedRun
from fitgate.runs.memory import Memory
from fitgate.runs.training import Failure, Fit
from suite.notebook.story import Block, Comparison, Section

SCHEMA = 2
UNKNOWN_PACE = 2.0

Entry = Fit | Evaluation | Failure | Verdict | Timing | Calibration | Memory | SeedRun | Block


class Listed(msgspec.Struct, frozen=True):
    """A model that took part, or would have.

    Attributes:
        name, description: as its plugin says.
        tasks: names of its tasks.
        skipped: why it did not take part; None if it did.
        stochastic: whether the seed changes what it learns.
    """

    name: str
    description: str
    tasks: list[str]
    skipped: str | None = None
    stochastic: bool = True


class Data(msgspec.Struct, frozen=True):
    """The dataset: its name, the SHA-256 of all and of each part, its sizes, and the truth of the test split."""

    name: str
    digest: str
    digests: dict[str, str]
    n_train: int
    n_test: int
    test_labels: NDArray[Any]


class Hard(msgspec.Struct, frozen=True):
    """A test example that many models got wrong.

    Attributes:
        index: in the test split.
        label: the truth.
        answers: each model's, by name.
        image: uint8 `(784,)`.
    """

    index: int
    label: int
    answers: dict[str, int]
    image: NDArray[Any]


class Record(msgspec.Struct):
    """One run.

    Attributes:
        schema: version of this layout.
        started: when, UTC, ISO 8601.
        status: `running` until the session has ended; a killed run keeps that.
        profile: `quick`, `full` or `custom`.
        seed: what models were built with.
        selection: the command line's arguments.
        commit: of the working tree, with `-dirty` if it differs; None outside git.
        workers: processes that ran at once; timings of several disturb each other.
        environment: the machine and its libraries.
        gates_expected: whether tests other than timings were selected, so that having no verdict is a fault.
        wall_seconds: from start to end.
        data: the dataset; None until it is loaded.
        models: those that took part, or were skipped.
        fits, evaluations, failures, verdicts, timings, calibrations, memory: what happened, in order.
        threads: cores that the session could use, and threads of each native library, by its name, at the end.
        threads_asked: what `--threads` said; None without it.
        conditions: how the machine was doing at the start and at the end.
        seed_runs: models trained with several seeds.
        story: what the sections of a story told, in order.
        section_seconds: how long each section's tests took, by its name; what several use counts in the first.
        failed_tests: ids of the tests of models that failed, for whatever reason.
        hard: the test digits that most models got wrong, at the end of a run.
        lost: the test digits that a failed regression gate names, by gate, at the end of a run.
    """

    schema: int
    started: str
    status: Literal["running", "finished", "interrupted"]
    profile: str
    seed: int
    selection: list[str]
    commit: str | None
    workers: int
    environment: Environment
    gates_expected: bool = True
    wall_seconds: float = 0.0
    data: Data | None = None
    models: list[Listed] = []
    fits: list[Fit] = []
    evaluations: list[Evaluation] = []
    failures: list[Failure] = []
    verdicts: list[Verdict] = []
    timings: list[Timing] = []
    calibrations: list[Calibration] = []
    memory: list[Memory] = []
    threads: dict[str, int] = {}
    threads_asked: int | None = None
    conditions: list[Condition] = []
    seed_runs: list[SeedRun] = []
    story: list[Block] = []
    section_seconds: dict[str, float] = {}
    failed_tests: list[str] = []
    hard: list[Hard] = []
    lost: dict[str, list[Hard]] = {}

    def add(self, entry: Entry) -> None:
        """Append what happened to where it belongs; a later verdict of the same gate replaces the earlier."""
        match entry:
            case Fit():
                self.fits.append(entry)
            case Evaluation():
                self.evaluations.append(entry)
            case Failure():
                self.failures.append(entry)
            case Timing():
                self.timings.append(entry)
            case Calibration():
                self.calibrations.append(entry)
            case Memory():
                self.memory.append(entry)
            case Verdict():
                key = (entry.model, entry.task, entry.gate)
                self.verdicts[:] = [v for v in self.verdicts if (v.model, v.task, v.gate) != key]
                self.verdicts.append(entry)
            case SeedRun():
                self.seed_runs.append(entry)
            case Section() if entry in self.sections:
                pass
            case _:
                self.story.append(entry)

    @property
    def sections(self) -> list[Section]:
        """The sections of the story, in order."""
        return sorted((block for block in self.story if isinstance(block, Section)), key=lambda s: s.section)

    @property
    def comparisons(self) -> list[Comparison]:
        """The figures of the story."""
        return [block for block in self.story if isinstance(block, Comparison)]

    @property
    def pace(self) -> float:
        """By what factor the machine's own pace changed during the run: of its most unsteady kernel's speeds.

        Where none ran, it is what an unsteady machine was seen to do.
        """
        return max((max(s) / min(s) for s in self.kernel_speeds.values() if len(s) > 1), default=UNKNOWN_PACE)

    @property
    def kernel_speeds(self) -> dict[tuple[str, str], list[float]]:
        """The speeds of each kernel, by its name and unit: one from before each model's timings."""
        speeds: dict[tuple[str, str], list[float]] = {}
        for calibration in self.calibrations:
            speeds.setdefault((calibration.kernel, calibration.unit), []).append(calibration.speed)
        return speeds

    @property
    def model_seconds(self) -> float:
        """Wall time that the models' own fitting and predicting took: the rest is the harness's."""
        timed = (t for t in self.timings if t.first_seconds is not None and not t.rate)
        asked = (sum(t.seconds) + (t.first_seconds or 0.0) for t in timed)
        served = (len(t.seconds) / t.rate for t in self.timings if t.rate)
        runs = [run for run in self.seed_runs if run.fit not in self.fits]  # the others are the session's own
        evaluations = [*self.evaluations, *(run.evaluation for run in runs)]
        evaluated = (e.predict_seconds + e.score_seconds for e in evaluations)
        fits = [*self.fits, *(run.fit for run in runs)]
        return sum(f.seconds for f in fits) + sum(evaluated) + sum(asked) + sum(served)

    def count(self, outcome: Outcome) -> int:
        """How many verdicts say so."""
        return sum(verdict.outcome is outcome for verdict in self.verdicts)

    def end(self, status: Literal["finished", "interrupted"]) -> None:
        """Note how the session ended, what its libraries had, and how the machine was doing."""
        self.status = status
        self.threads = thread_counts()
        self.conditions.append(condition("end"))


def begin(
    profile: str, seed: int, selection: list[str], workers: int, directory: Path, threads: int | None = None
) -> Record:
    """The record of a run that starts now, in the git working tree around `directory`."""
    return Record(
        schema=SCHEMA,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        status="running",
        profile=profile,
        seed=seed,
        selection=selection,
        commit=working_commit(directory),
        workers=workers,
        environment=environment(),
        threads_asked=threads,
        conditions=[condition("start")],
    )


def describe(dataset: Dataset) -> Data:
    """A dataset as a record keeps it."""
    return Data(
        name=dataset.name,
        digest=dataset.digest,
        digests=dataset.digests,
        n_train=len(dataset.train),
        n_test=len(dataset.test),
        test_labels=dataset.test.labels,
    )


def working_commit(directory: Path) -> str | None:
    """The commit of the git working tree around a directory, with `-dirty` if it differs; None outside git."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(directory), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("-dirty" if git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return None
