"""The parts that a session is made of, in each of its processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path

import pytest

from fitgate.engines import NATIVE, NotServed
from fitgate.errors import LoggedError, in_one_line
from fitgate.executor import Executor
from fitgate.files import FileError, check_writable
from fitgate.gates import Gate, Outcome, Verdict, Waiver
from fitgate.gates.waiver import read_waivers
from fitgate.latency.audit import Auditor
from fitgate.latency.opened import Key
from fitgate.latency.timing import Scenario
from fitgate.machine import calibrate, environment
from fitgate.model import Model, Work
from fitgate.plugin.announcer import Announcer
from fitgate.plugin.clashes import check_fixtures
from fitgate.plugin.contracts import Contracts
from fitgate.plugin.conversion import Conversion
from fitgate.plugin.keeping import Keeping
from fitgate.plugin.modules import stand_ins
from fitgate.plugin.options import Options
from fitgate.plugin.registry import Registry
from fitgate.plugin.reuse import Kept
from fitgate.plugin.seeds import Seeds
from fitgate.plugin.serving import Serving
from fitgate.plugin.spool import Spool
from fitgate.plugin.stage import Stage
from fitgate.plugin.timer import Timed, Timer
from fitgate.plugin.trained import TrainedModel
from fitgate.record import Entry, RecordError, describe_not_applied, encode
from fitgate.runs import Evaluator, Failure, Limit, ModelFailed, Once, changed_data
from fitgate.runs.memory import Memory, measure
from fitgate.runs.workers import Job, JobOutcome, compared
from fitgate.tasks import Task


class Parts:
    """What fixtures and hooks of one process share.

    Args:
        config: pytest's.
        options: what is in force.
        shared: where processes of one session share what they trained; None in a session of one process.

    Attributes:
        options: as given.
        registry: models, datasets, metrics, kinds of gate and kernels.
        announcer: shows long work on the terminal.
        once: keeps what the processes of a session compute once together.
        executor: does isolated and parallel work.
        seeds: what models are built with.
        stage: judges.
        spool: keeps what was emitted, should this process end; None in a session of one process.
        deselected_gates: how many gates the command line left out.
        timed: the scenarios in which models are to be timed, by the names of model and engine.
        judged: verdicts that tests asked for, since the last report of one.
    """

    def __init__(self, config: pytest.Config, options: Options, shared: Path | None):
        self.options = options
        self.registry = Registry(config.hook, options.settings, stand_ins(config.pluginmanager))
        self.announcer = Announcer(config)
        self.once = Once(shared)
        self.executor = Executor(options.settings.backend or None, options.scheduler, self.announcer.say)
        self.seeds = Seeds(options, self.registry)
        self.stage = Stage(
            options,
            self.registry,
            self.seeds,
            self.once,
            lambda: self.evaluator,
            lambda: self.waivers,
            self.emit,
            self.announcer.pace.expect,
            config.rootpath,
        )
        self.deselected_gates = 0
        self.timed: dict[tuple[str, str], list[Scenario]] = {}
        self.judged: list[Verdict] = []
        self.spool = Spool(shared) if shared else None
        self._manager, self._root = config.pluginmanager, config.rootpath
        self._checked = False
        self._shared = shared
        self._entries: list[str] = []
        self._calibrated: set[str] = set()
        self._auditors: dict[Key, Auditor] = {}

    def check(self) -> None:
        """Refuse what can't work, once; see `Registry.check`.

        Raises:
            FitgateError: if names clash, or an option, task, gate or baseline names what there is not.
        """
        if not self._checked:
            check_fixtures(self._manager)
            self.registry.check(self.options.baselines)
            self.registry.check_waivers(self.waivers)
            _ = self.kept
            self._checked = True

    @cached_property
    def waivers(self) -> list[Waiver]:
        """The failures that are accepted on purpose.

        Raises:
            WaiverError: if their file can't be used.
        """
        return read_waivers(self.options.waivers) if self.options.waivers else []

    @cached_property
    def evaluator(self) -> Evaluator:
        """What trains and evaluates, once."""
        self.announcer.listen(self.registry.models)
        spread = self._spread if self.options.settings.backend else None
        return Evaluator(
            self.registry.data_of,
            self.registry.metrics,
            self.seeds.first,
            self.once,
            self.emit,
            self.announcer.progress,
            spread,
            self.limit_of,
            self.kept,
        )

    @cached_property
    def kept(self) -> Kept | None:
        """The fits of earlier sessions, under `--fit-reuse`.

        Raises:
            FitgateError: if their directory is not the user's alone.
        """
        if not self.options.settings.reuse:
            return None
        return Kept(
            self._root,
            self.options.settings,
            self.registry.libraries,
            lambda: self.registry.metrics,
            self.announcer.progress,
            self.announcer.say,
        )

    def finish(self) -> None:
        """Let what was fitted be kept, where the session came to fit something."""
        if self._checked and self.kept is not None:
            self.kept.finish()

    def limit_of(self, model: Model) -> Limit | None:
        """How long a model may take, as its author or the user says; None for ever."""
        if model.timeout is not None:
            return Limit(model.timeout, "the model's timeout")
        seconds = self.options.settings.timeout
        return None if seconds is None else Limit(seconds, "--fit-timeout")

    def limits_of_timing(self, model: Model) -> list[Limit]:
        """The limits of all that a test which times a model may have to wait for, its own first; none if one has none.

        Where several processes take turns, the first such test has all models timed.
        """
        turns = self.options.settings.processes
        known = self.registry.known_models
        others = turns * [known[name] for name, _ in self.timed] if turns > 1 else []
        limits = [self.limit_of(one) for one in (model, *others)]
        return [limit for limit in limits if limit is not None] if None not in limits else []

    @cached_property
    def _unwritable(self) -> FileError | None:
        """Why no run can be recorded: a worker of pytest-xdist fits no model then, and may not end the session."""
        if self._shared is not None:
            try:
                check_writable(self.options.runs_dir / "record.json")
            except FileError as error:
                return error
        return None

    def trained(self, model: Model) -> TrainedModel:
        """A model, fitted on first use; skips the test if the user left it or its tasks out, or its library is missing.

        Under `--gate-require`, a missing library fails the test.
        """
        if self._unwritable:
            pytest.fail(str(self._unwritable), pytrace=False)
        settings = self.options.settings
        if settings.models and model.name not in settings.models:
            pytest.skip(f"{model.name} is not among --fit-models")
        if model.slow and model.name not in settings.models:
            pytest.skip(f"{model.name} is slow, and not among --fit-models")
        narrowed = self.registry.selection.narrowed(model)
        if narrowed is None:
            pytest.skip(f"{model.name} has no task that takes part: name one by --fit-tasks")
        if reason := self.registry.unavailable(model):
            if model.name in settings.require:
                pytest.fail(f"{reason}, and --gate-require {model.name} asks for it", pytrace=False)
            pytest.skip(reason)
        return TrainedModel(narrowed, self.evaluator, self.seeds, self._skip_unselected)

    def _skip_unselected(self, task: Task) -> None:
        """Skip the test if the user left a task out."""
        if not self.registry.selection.takes_part(task):
            pytest.skip(f"task {task.name} does not take part: name it by --fit-tasks")

    def judge(self, subject: TrainedModel, gate: Gate) -> Verdict:
        """A gate's verdict on a model, recorded.

        WAIVED, INCONCLUSIVE and NO BASELINE skip the test, unless `--gate-strict` or `--gate-require-baseline` make the
        latter failures. Of a model that failed outright, its error is raised.
        """
        self._skip_unselected(gate.task)
        profile = self.registry.data_of(gate.task).dataset.profile
        if gate.rule(profile) is None:
            without = describe_not_applied(subject.model.name, gate, profile)
            self.emit(without)
            pytest.skip(without.reason)
        verdict = self.stage.verdict(subject.model.name, gate)
        self.judged.append(verdict)
        if verdict.outcome is Outcome.FAIL and verdict.value is None:
            subject.evaluation(gate.task)  # raises what made it fail, if that is why
        settings = self.options.settings.judge
        tolerated = {
            Outcome.WAIVED: True,
            Outcome.INCONCLUSIVE: not settings.strict,
            Outcome.NO_BASELINE: not settings.require_baseline,
        }
        if tolerated.get(verdict.outcome):
            pytest.skip(f"{verdict.outcome}: {verdict.message}")
        return verdict

    def calibrated(self, model: Model) -> None:
        """Run all calibration kernels, unless this was done before for this model's timings."""
        if model.name in self._calibrated:
            return
        self._calibrated.add(model.name)
        for kernel in self.registry.kernels:
            if found := calibrate(kernel, model.name):
                self.emit(found)

    @cached_property
    def timer(self) -> Timer:
        """What times models, in processes of their own."""
        settings = self.options.settings
        return Timer(
            settings.processes,
            settings.timing,
            settings.seed,
            lambda task: self.registry.data_of(task).dataset,
            self.limit_of,
            self._timed,
            self.announcer.progress,
        )

    def _timed(self) -> list[tuple[Timed, Sequence[Scenario]]]:
        """What is timed and takes part, fitted and converted on first use, with the scenarios."""
        found: list[tuple[Timed, Sequence[Scenario]]] = []
        for model in self.registry.models:
            for engine in (None, *self.registry.engines_of(model)):
                key = (model.name, NATIVE if engine is None else engine.name)
                if key in self.timed:
                    # what fails, its own tests say so
                    with suppress(pytest.skip.Exception, pytest.fail.Exception, ModelFailed, NotServed):
                        n = len(self.registry.data_of(model.timed_task).dataset.test)
                        scenarios = [scenario for scenario in self.timed[key] if scenario.fits(n)]
                        found.append((self.serving.timed(self.trained(model), engine), scenarios))
        return found

    @cached_property
    def serving(self) -> Serving:
        """What has fitted models served by engines."""
        return Serving(
            self.registry,
            self.options,
            self.once,
            Conversion(self.registry.data_of, self.limit_of, self.emit, self.announcer.progress),
            lambda: self.evaluator,
            lambda: self.timer,
            lambda: self.waivers,
            self.emit,
            self.announcer.progress,
        )

    @cached_property
    def keeping(self) -> Keeping:
        """What keeps fitted models, under `--fit-keep`."""
        return Keeping(
            lambda task: self.registry.data_of(task).dataset,
            lambda: self.serving,
            self.emit,
            self.announcer.progress,
        )

    @cached_property
    def contracts(self) -> Contracts:
        """What holds fitted models to checks."""
        registry = self.registry
        baselines = self.options.baselines
        return Contracts(registry.data_of, self.limit_of, baselines, lambda: registry.libraries, self.kept)

    def keep(self, timed: Timed, work: Work | None) -> None:
        """Keep a timed model, where that was asked for."""
        if self.options.settings.keep:
            self.keeping.keep(timed, work)

    def auditor(self, timed: Timed) -> Auditor:
        """What audits a model's timings: one for all of its scenarios."""
        subject, task = timed.subject, timed.subject.model.timed_task
        if timed.key not in self._auditors:
            self._auditors[timed.key] = Auditor(
                subject.model.name,
                self.registry.data_of(task),
                lambda: self.serving.evaluation(timed).predictions,
                lambda size: self.timer.opened(timed).take_turns(size),
                self.options.settings.seed,
                self.announcer.progress,
                timed.engine,
            )
        return self._auditors[timed.key]

    def memory(self, model: Model) -> Memory:
        """What a model takes of the memory."""
        task, limit = model.timed_task, self.limit_of(model)
        with self.announcer.progress(f"measuring the memory of {model.name}, in processes of its own"):
            return measure(model, self.registry.data_of(task), self.seeds.first(model, task), self.executor, limit)

    def check_data(self, model: Model) -> None:
        """Fail the test that has timed a model, if the model has changed the data: the others get it clean."""
        task = model.timed_task
        if changed := self.registry.data_of(task).restore():
            failure = Failure(model.name, task.name, "predict", f"{changed_data(changed)}, while it was timed")
            self.emit(failure)
            pytest.fail(str(failure), pytrace=False)

    def emit(self, entry: Entry | LoggedError) -> None:
        """Hand an entry to the recorder, with the report of the test that is running.

        Raises:
            RecordError: if it holds what no record can hold.
        """
        try:
            encoded = encode(entry).decode()
        except (NotImplementedError, OverflowError, RecursionError, TypeError, ValueError) as error:
            raise RecordError(
                type(entry).__name__,
                found=f"what no record can hold ({in_one_line(error)})",
                expected="plain values and arrays",
                next_step="convert it before it is emitted",
            ) from error
        self._entries.append(encoded)
        if self.spool:
            self.spool.append(encoded)

    def drain(self) -> list[str]:
        """The entries since the last call, encoded."""
        entries, self._entries[:] = list(self._entries), []
        return entries

    def _spread(self, what: str, work: Callable[[Job], JobOutcome], jobs: Sequence[Job]) -> list[JobOutcome]:
        here = environment(self.registry.libraries)
        return self.executor.spread(what, partial(compared, work, here), jobs)
