"""The record: what is kept of one run, and the only source of every report and every verdict."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from fitgate.engines import NATIVE
from fitgate.gates import Baseline, Declaration, Outcome, Reason, Verdict, Waiver
from fitgate.latency.audit import Audit
from fitgate.latency.timing import Timing
from fitgate.machine import Calibration, Condition, Environment, condition, distributions_of, environment, thread_counts
from fitgate.metrics import Metric
from fitgate.record.entries import (
    DataEntry,
    EngineEntry,
    Extra,
    KeptData,
    KeptModel,
    MetricEntry,
    Misclassified,
    ModelEntry,
    NotApplied,
    Origin,
    PublishedEntry,
    Settings,
    SlicesEntry,
    TaskEntry,
    UnusableBaseline,
    WeakSlice,
)
from fitgate.runs import Disturbed, Evaluation, Failure, Fit, SeedRun
from fitgate.runs.memory import Memory
from fitgate.statistics import Folds

SCHEMA = 3

Kept = KeptModel | KeptData
Timed = Timing | Audit | Calibration | Memory | EngineEntry | Kept
Happened = Fit | Evaluation | Disturbed | Failure | Verdict | SeedRun | Timed | Extra
Described = DataEntry | TaskEntry | SlicesEntry | MetricEntry | ModelEntry | Declaration | NotApplied
Entry = Happened | Described | Waiver | Baseline | UnusableBaseline


class Record(msgspec.Struct):
    """One run.

    Attributes:
        schema: version of this layout.
        started: when, UTC, ISO 8601.
        status: `running` until the session has ended; a killed run keeps that.
        settings: what was in force.
        selection: the command line's arguments.
        commit: of the working tree, with `-dirty` if it differs; None outside git.
        workers: processes that ran at once; timings of several disturb each other.
        environment: the machine and its libraries.
        gates_expected: whether tests were selected that are to enforce gates, so that having no verdict is a fault.
        wall_seconds: from start to end.
        datasets, tasks, metrics, models: what took part.
        slices: of the tasks' examples, that gates look at one by one.
        gates: those that were selected; each is to end in a verdict.
        not_applied: those that were selected, and have no number for the session's profile.
        waivers: failures that were accepted, whether or not there were any.
        baselines, unusable_baselines: that regression gates were held to.
        fits, evaluations, failures, verdicts, timings, calibrations, memory, seed_runs: what happened, in order.
        disturbed: what the fitted models made of disturbed test splits, where gates ask for it.
        audits: of the timings: whether they can be believed.
        engines: fitted models as others served them than their estimators, or why these could not.
        kept_models, kept_data: what lies beside the record for `fitgate pack`, or why it does not.
        origin: of the fitted models, where another session's were timed; its outputs are then among the evaluations.
        threads: cores that the session could use, and threads of each native library, by its name, at the end.
        conditions: how the machine was doing at the start and at the end.
        failed_tests: ids of the tests of models that failed, for whatever reason.
        published: values that others published, where this run has one beside it, at its end.
        misclassified: test examples that most models got wrong, at the end of a run.
        largest_errors: test examples that models are farthest off, where a task asks for numbers, at the end of a run.
        lost: test examples that a failed regression gate names, by gate, at the end of a run.
        weak_slices: of test examples, in which models are wrong more often, at the end of a run.
        extras: what plugins keep for reports of their own.
        faults: parts of what the session leaves that could not be made or kept, a line each; they fail the run.
    """

    schema: int
    started: str
    status: Literal["running", "finished", "interrupted"]
    settings: Settings
    selection: list[str]
    commit: str | None
    workers: int
    environment: Environment
    gates_expected: bool = False
    wall_seconds: float = 0.0
    datasets: list[DataEntry] = []
    tasks: list[TaskEntry] = []
    metrics: list[MetricEntry] = []
    models: list[ModelEntry] = []
    slices: list[SlicesEntry] = []
    gates: list[Declaration] = []
    not_applied: list[NotApplied] = []
    waivers: list[Waiver] = []
    baselines: list[Baseline] = []
    unusable_baselines: list[UnusableBaseline] = []
    fits: list[Fit] = []
    evaluations: list[Evaluation] = []
    failures: list[Failure] = []
    verdicts: list[Verdict] = []
    timings: list[Timing] = []
    audits: list[Audit] = []
    calibrations: list[Calibration] = []
    memory: list[Memory] = []
    seed_runs: list[SeedRun] = []
    disturbed: list[Disturbed] = []
    engines: list[EngineEntry] = []
    kept_models: list[KeptModel] = []
    kept_data: list[KeptData] = []
    origin: Origin | None = None
    threads: dict[str, int] = {}
    conditions: list[Condition] = []
    failed_tests: list[str] = []
    published: list[PublishedEntry] = []
    misclassified: list[Misclassified] = []
    largest_errors: list[Misclassified] = []
    lost: dict[str, list[Misclassified]] = {}
    weak_slices: list[WeakSlice] = []
    extras: list[Extra] = []
    faults: list[str] = []

    def fail_unjudged(self) -> None:
        """Give each gate that came to no verdict a FAIL: whatever kept its test from judging it is no pass."""
        message = "It was selected, and no test judged it: see why its test was skipped, or ended, and run it again."
        for of in self.unjudged:
            names = (of.model, of.task, of.gate)
            self.add(Verdict(*names, Outcome.FAIL, message, of.kind, reason=Reason.NOT_JUDGED, where=of.where))

    def add(self, entry: Entry) -> None:
        """Put an entry where it belongs. What describes the same thing as an earlier entry replaces it."""
        name, key = PLACES[type(entry)]
        entries: list[Any] = getattr(self, name)
        if key is not None:
            own = key(entry)
            for i, other in enumerate(entries):
                if key(other) == own:
                    entries[i] = entry
                    return
        entries.append(entry)

    def dataset(self, task: str) -> DataEntry | None:
        """The dataset of a task; None where it was not loaded."""
        name = next((t.dataset for t in self.tasks if t.name == task), None)
        return next((data for data in self.datasets if data.name == name), None)

    def folds(self, task: str) -> Folds | None:
        """Those of a task's dataset; None where it has one test split."""
        data = self.dataset(task)
        return None if data is None else data.folds

    def own(self, metric: Metric, task: TaskEntry) -> Metric:
        """A metric as it is on a task and its data."""
        data = self.dataset(task.name)
        return metric.on(task.classes) if data is None else metric.on(task.classes, data.folds, data.group_of)

    def task(self, name: str) -> TaskEntry | None:
        """The task of a name; None where there is none such."""
        return next((task for task in self.tasks if task.name == name), None)

    def metric(self, name: str) -> MetricEntry:
        """The metric of a name; one that says nothing but its name where it is not described."""
        return next((metric for metric in self.metrics if metric.name == name), MetricEntry(name, name))

    @property
    def unjudged(self) -> list[Declaration]:
        """The gates that were selected and came to no verdict."""
        judged = {(v.model, v.task, v.gate) for v in self.verdicts}
        return [gate for gate in self.gates if (gate.model, gate.task, gate.gate) not in judged]

    @property
    def kernel_speeds(self) -> dict[tuple[str, str], list[float]]:
        """The speeds of each kernel, by its name and unit, one from before each model's timings."""
        speeds: dict[tuple[str, str], list[float]] = {}
        for calibration in self.calibrations:
            speeds.setdefault((calibration.kernel, calibration.unit), []).append(calibration.speed)
        return speeds

    @property
    def model_seconds(self) -> float:
        """Wall time that the models' own fitting and predicting took; the rest is the library's."""
        timed = (t for t in self.timings if t.first_seconds is not None and not t.rate)
        asked = (sum(t.seconds) + (t.first_seconds or 0.0) for t in timed)
        served = (len(t.seconds) / t.rate for t in self.timings if t.rate)
        # The others are the session's own, or CACHED.
        runs = [run for run in self.seed_runs if run.fit not in self.fits and not run.fit.cached]
        cached = {(fit.model, fit.task) for fit in self.fits if fit.cached}
        own = [e for e in self.evaluations if (e.model, e.task) not in cached]
        disturbed = (one.evaluation for one in self.disturbed if one.evaluation is not None)
        evaluations = [*own, *(run.evaluation for run in runs), *disturbed]
        evaluated = (e.predict_seconds + e.score_seconds for e in evaluations)
        fits = [*(fit for fit in self.fits if not fit.cached), *(run.fit for run in runs)]
        folds = sum(e.further_seconds for e in evaluations)
        return sum(f.seconds or 0.0 for f in fits) + sum(evaluated) + folds + sum(asked) + sum(served)

    @property
    def native_timings(self) -> list[Timing]:
        """The timings of estimators as they are, rather than as an engine serves them."""
        return [timing for timing in self.timings if timing.engine == NATIVE]

    @property
    def doubted(self) -> list[Audit]:
        """The audits of timings that failed."""
        return [audit for audit in self.audits if audit.passed is False]

    @property
    def day(self) -> date:
        """On which the run began; the last that there is, where the record does not say."""
        try:
            return datetime.fromisoformat(self.started).date()
        except ValueError:
            return date.max

    def count(self, outcome: Outcome) -> int:
        """How many verdicts have an outcome."""
        return sum(verdict.outcome is outcome for verdict in self.verdicts)

    def end(self, status: Literal["finished", "interrupted"]) -> None:
        """Note how the session ended, what its libraries had and were, and how the machine was doing."""
        self.status = status
        made_of = [name for fit in self.fits for name in re.split(r"[()]", fit.implementation)]
        self.environment = environment([*self.environment.libraries, *distributions_of(made_of)])
        self.threads = thread_counts()
        self.conditions.append(condition("end"))


# Where each kind of entry goes, and what makes two of them the same; None where all are kept.
PLACES: dict[type, tuple[str, Callable[[Any], Any] | None]] = {
    DataEntry: ("datasets", lambda e: e.name),
    TaskEntry: ("tasks", lambda e: e.name),
    SlicesEntry: ("slices", lambda e: (e.task, e.by)),
    MetricEntry: ("metrics", lambda e: e.name),
    ModelEntry: ("models", lambda e: e.name),
    Declaration: ("gates", lambda e: (e.model, e.task, e.gate)),
    NotApplied: ("not_applied", lambda e: (e.model, e.task, e.kind, e.where, *e.rules.values())),
    Waiver: ("waivers", lambda e: e.key),
    Baseline: ("baselines", lambda e: (e.about.model, e.about.task)),
    UnusableBaseline: ("unusable_baselines", lambda e: (e.model, e.task)),
    Verdict: ("verdicts", lambda e: (e.model, e.task, e.gate)),
    Fit: ("fits", lambda e: (e.model, e.task)),
    Evaluation: ("evaluations", lambda e: (e.model, e.task)),
    Disturbed: ("disturbed", lambda e: (e.model, e.task, e.disturbance)),
    Failure: ("failures", lambda e: e),  # several processes may meet it
    Timing: ("timings", None),
    Audit: ("audits", None),
    Calibration: ("calibrations", None),
    Memory: ("memory", None),
    SeedRun: ("seed_runs", lambda e: (e.fit.model, e.fit.task, e.fit.seed)),
    EngineEntry: ("engines", lambda e: (e.model, e.task, e.engine)),
    KeptModel: ("kept_models", lambda e: (e.model, e.task, e.engine)),
    KeptData: ("kept_data", lambda e: e.dataset),
    Extra: ("extras", None),
}


def begin(
    settings: Settings, selection: list[str], workers: int, directory: Path, libraries: Sequence[str] = ()
) -> Record:
    """The record of a run that starts now.

    Args:
        settings: what is in force.
        selection: the command line's arguments.
        workers: processes that run at once.
        directory: in whose git working tree it runs.
        libraries: distributions whose versions are noted besides the library's own.
    """
    return Record(
        schema=SCHEMA,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        status="running",
        settings=settings,
        selection=selection,
        commit=working_commit(directory),
        workers=workers,
        environment=environment(libraries),
        conditions=[condition("start")],
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
