"""The bench: what the fixtures of one process share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from fitgate.data import Dataset, load
from fitgate.executor.workers import Workers
from fitgate.gates.baseline import Baseline, baseline_file, read_baseline
from fitgate.gates.gates import Evidence, Gate, Outcome, Verdict
from fitgate.machine import KERNELS, calibrate
from fitgate.model import Model, ModelError, register
from fitgate.plugin.options import Options
from fitgate.record import Entry, Listed
from fitgate.runs.evaluation import Evaluation, Evaluator, SeedRun
from fitgate.runs.memory import Memory, measure
from fitgate.runs.once import Once
from fitgate.runs.training import ModelFailed, Trained
from fitgate.tasks import Task


@dataclass(frozen=True)
class TrainedModel:
    """A model's fitted estimators, one for each of its tasks, each made on first use."""

    model: Model
    evaluator: Evaluator

    def on(self, task: Task) -> Trained:
        """The estimator fitted on a task, with its provenance."""
        return self.evaluator.trained(self.model, task)

    def evaluation(self, task: Task) -> Evaluation:
        """What it makes of the test split, with metrics."""
        return self.evaluator.evaluation(self.model, task)

    def seed_run(self, task: Task, seed: int) -> SeedRun:
        """The model trained with one of the seeds of `--seeds`, and evaluated."""
        return self.evaluator.seed_run(self.model, task, seed)


class Bench:
    """Options, models, data and the entries not yet handed to the recorder.

    Args:
        config: pytest's.
        options: the user's.
        shared: where processes of one session share what they trained; None in a session of one process.
    """

    def __init__(self, config: pytest.Config, options: Options, shared: Path | None):
        self._config = config
        self._shared = shared
        self._entries: list[Entry] = []
        self._started = time.perf_counter()
        self.options = options
        self.compared: set[str] = set()
        self.regression_gates: list[tuple[str, Gate]] = []
        self._baselines: dict[Path, Baseline | None] = {}
        self._calibrated: set[str] = set()

    @cached_property
    def registry(self) -> dict[str, Model]:
        """Every model that a plugin contributed, by name."""
        contributed = self._config.hook.pytest_suite_models()  # of the plugin that was registered last, first
        return register(model for models in reversed(contributed) for model in models)

    def check_models(self) -> None:
        """Raise `pytest.UsageError` if two models share a name, or an option names one that there is not."""
        try:
            known = sorted(self.registry)
        except ModelError as error:
            raise pytest.UsageError(str(error)) from error
        for path in (self.options.baselines / self.options.gate_profile).glob("*.npz"):
            name = path.stem.rpartition("-")[0]
            if name not in known:
                raise pytest.UsageError(
                    f"{path}: a baseline of a model {name!r}, which no plugin contributes; the models are: "
                    f"{', '.join(known) or 'none'}. Bring its plugin back, or delete the file."
                )
        for option in ("models", "require"):
            for name in getattr(self.options, option):
                if name not in known:
                    models = ", ".join(known) or "none"
                    raise pytest.UsageError(f"--{option}: no model {name!r}; the models are: {models}")

    @property
    def models(self) -> list[Model]:
        """The models that the user selected, by name; all but the slow ones if none was."""
        chosen = self.options.models or sorted(name for name, model in self.registry.items() if not model.slow)
        return [self.registry[name] for name in chosen]

    @cached_property
    def dataset(self) -> Dataset:
        """The data, loaded and verified on first use."""
        return load(self.options.profile, mnist_dir=self.options.mnist_dir, dataset_dir=self.options.dataset_dir)

    @cached_property
    def once(self) -> Once:
        """Where values are kept that the processes of a session compute once together."""
        return Once(self._shared)

    @cached_property
    def evaluator(self) -> Evaluator:
        """What trains and evaluates, once."""
        _Progress(self._announce).listen()
        seeds = self.options.seeds
        return Evaluator(self.dataset, self.options.seed, self.once, self._entries.append, self._announce, seeds)

    @cached_property
    def workers(self) -> Workers:
        """Where parallel work is done."""
        return Workers(self.options.backend, self.options.scheduler, self._say)

    def trained(self, model: Model) -> TrainedModel:
        """A model, fitted on first use; skips the test if the user left it out, or has not its library.

        Under `--require`, a missing library fails the test.
        """
        if self.options.models and model.name not in self.options.models:
            pytest.skip(f"{model.name} is not among --models")
        if model.slow and model.name not in self.options.models:
            pytest.skip(f"{model.name} is slow, and not among --models")
        if reason := self.unavailable(model):
            if model.name in self.options.require:
                pytest.fail(f"{reason}, and --require {model.name} asks for it", pytrace=False)
            pytest.skip(reason)
        return TrainedModel(model, self.evaluator)

    def judge(self, subject: TrainedModel, gate: Gate) -> Verdict:
        """A gate's verdict on a model, recorded. A model that fails outright is a FAIL, and its error is raised."""
        evidence = self._evidence
        rule = gate.rule(evidence.profile)
        if rule is None:
            pytest.skip(f"this gate does not apply to profile {evidence.profile}")
        try:
            verdict = gate.judge(subject.model.name, evidence)
        except ModelFailed as error:
            self.emit(Verdict(subject.model.name, gate.task.name, rule, Outcome.FAIL, f"not evaluated: {error}"))
            raise
        self.emit(verdict)
        tolerated = {Outcome.INCONCLUSIVE: self.options.strict, Outcome.NO_BASELINE: self.options.require_baseline}
        if not tolerated.get(verdict.outcome, True):
            pytest.skip(f"{verdict.outcome}: {verdict.message}")
        return verdict

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(
            self.dataset, self._evaluation_of, self._runs_of, self._baseline_of, tuple(self.regression_gates)
        )

    def calibrated(self, model: Model) -> None:
        """Run all calibration kernels, unless this was done before for this model's timings."""
        if model.name in self._calibrated:
            return
        self._calibrated.add(model.name)
        contributed = self._config.hook.pytest_suite_kernels()
        for kernel in [*KERNELS, *(kernel for kernels in contributed for kernel in kernels)]:
            if found := calibrate(kernel, model.name):
                self.emit(found)

    def memory(self, model: Model) -> Memory:
        """What a model takes."""
        self._announce(f"measuring the memory of {model.name}, in processes of its own ...")
        return measure(model, model.timed_task, self.dataset, self.options.seed)

    def emit(self, entry: Entry) -> None:
        """Hand an entry to the recorder, with the report of the test that is running."""
        self._entries.append(entry)

    def drain(self) -> list[Entry]:
        """The entries since the last call."""
        entries, self._entries[:] = list(self._entries), []
        return entries

    def unavailable(self, model: Model) -> str | None:
        """Why a model can't take part; None if it can."""
        if model.missing:
            return f"{model.name} needs {', '.join(model.missing)}, which is not installed"
        return None

    def listed(self) -> list[Listed]:
        """The selected models, as a record keeps them."""
        return [
            Listed(m.name, m.description, [task.name for task in m.tasks], self.unavailable(m), m.stochastic)
            for m in self.models
        ]

    def _evaluation_of(self, name: str, task: Task) -> Evaluation:
        return self.evaluator.evaluation(self._asked(name, task), task)

    def _runs_of(self, name: str, task: Task) -> list[Evaluation]:
        return self.evaluator.runs(self._asked(name, task), task)

    def _asked(self, name: str, task: Task) -> Model:
        """The model of a name, if it can be evaluated on a task; else `LookupError`."""
        model = self.registry.get(name)
        if model is None:
            raise LookupError(f"no plugin contributes a model {name!r}")
        if task not in model.tasks:
            raise LookupError(f"{name} does not have task {task.name}")
        if reason := self.unavailable(model):
            raise LookupError(reason)
        return model

    def _baseline_of(self, name: str, task: Task) -> Baseline | None:
        path = baseline_file(self.options.baselines, self.options.gate_profile, name, task.name)
        if path not in self._baselines:
            self._baselines[path] = read_baseline(path)
        return self._baselines[path]

    def _announce(self, words: str) -> None:
        long = self.options.profile == "full" or self.options.dataset_dir
        if long or self._config.get_verbosity() > 0:
            self._say(words)

    def _say(self, words: str) -> None:
        plugins = self._config.pluginmanager
        terminal, capture = plugins.getplugin("terminalreporter"), plugins.getplugin("capturemanager")
        if terminal:
            minutes, seconds = divmod(int(time.perf_counter() - self._started), 60)
            with capture.global_and_fixture_disabled() if capture else nullcontext():
                terminal.ensure_newline()
                terminal.write_line(f"[{minutes:02}:{seconds:02}] {words}")


class _Progress(logging.Handler):
    """Announces what models log of their progress: on loggers whose names begin with `models`, from INFO on."""

    def __init__(self, announce: Callable[[str], None]):
        super().__init__(logging.INFO)
        self._announce = announce

    def listen(self) -> None:
        logger = logging.getLogger("models")
        logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _Progress)]
        logger.addHandler(self)
        logger.setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        self._announce(f"  {record.getMessage()}")
