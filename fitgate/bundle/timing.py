"""Timing a bundle: its models are loaded on this machine, held to the native answers, and timed in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.bundle.archive import Bundle
from fitgate.bundle.manifest import BundleError
from fitgate.clock import perf_counter
from fitgate.engines import NATIVE, PORTABLE, SKOPS, NotServed, named, skops
from fitgate.latency.agreement import agreement, largest_difference
from fitgate.latency.audit import Audit, agreement_audit
from fitgate.latency.opened import Answered, Depot, Key, Opened, answers_of, in_turns, process, timing_of
from fitgate.latency.timing import OFFLINE, SCENARIOS, Scenario, batches
from fitgate.machine import KERNELS, calibrate, distributions_of
from fitgate.machine.modules import missing
from fitgate.record import EngineEntry, KeptModel, Origin, Record, TaskEntry, begin
from fitgate.runs import Evaluation, Failure, ModelFailed
from fitgate.tasks import NUMBERS

ROUNDED = 0.01  # of a model's answers, at most, that another machine's arithmetic makes others


@dataclass(frozen=True)
class Choice:
    """What of a bundle is timed, and how.

    Attributes:
        processes: in how many of its own each model is timed.
        factor: how long, times the usual.
        models, engines: names; empty for all.
        batches: sizes of further batches.
        threads: cores to use; None for all.
        trust: types that a model may be made of besides those of scikit-learn's estimators.
    """

    processes: int = 5
    factor: float = 1.0
    models: Sequence[str] = ()
    engines: Sequence[str] = ()
    batches: Sequence[int] = ()
    threads: int | None = None
    trust: Sequence[str] = ()


@dataclass(frozen=True)
class Packed:
    """A model of a bundle, as an engine serves it.

    Attributes:
        kept: which.
        load: from its bytes to what predicts.
        evaluation: the native answers.
        task: that it is asked.
        X: the examples of the test split.
        n: how many there are.
        differed: the share of its answers that differed from the native ones where it was packed.
    """

    kept: KeptModel
    load: Callable[[bytes], Any]
    evaluation: Evaluation
    task: TaskEntry
    X: Any
    n: int
    differed: float

    @property
    def key(self) -> Key:
        """What tells it from others."""
        return self.kept.model, self.kept.engine

    def held(self, scenario: str, answers: Sequence[tuple[NDArray[np.intp], NDArray[Any]]], seed: int) -> Audit:
        """Its answers in a scenario, held to the native ones.

        They may be no worse, by the audit's own test, and no more of them may differ than where it was packed, and one
        of a hundred: rounding moves those alone that are nearly ties.
        """
        native, truth = self.evaluation.predictions[: self.n], self.task.target[: self.n]
        found = agreement(answers, native, truth, self.task.kind in NUMBERS, seed)
        audit = agreement_audit(self.kept.model, self.kept.task, scenario, found, self.kept.engine)
        if audit.passed and found.differing > (self.differed + ROUNDED) * found.n:
            audit = msgspec.structs.replace(
                audit, passed=False, message=f"{audit.message}: more than the {self.differed + ROUNDED:.1%} of rounding"
            )
        return audit


class Timing:
    """The timing of a bundle's models on this machine.

    Args:
        bundle: which.
        choice: what of it, and how.
        selection: the command line's arguments, for the record.
        say: is given each step, in words.

    Raises:
        BundleError: if the choice names what is not there, or the examples are not those that the bundle says.
    """

    def __init__(self, bundle: Bundle, choice: Choice, selection: Sequence[str], say: Callable[[str], None]):
        self._bundle, self._choice, self._say = bundle, choice, say
        self._started = perf_counter()
        _check(choice, bundle)
        self._depot = Depot()
        self._record = self._begun(list(selection))
        self._seed = self._record.settings.seed

    def record(self) -> Record:
        """The record of it, an ordinary one, whose evaluations are the native answers."""
        served = [one for kept in self._chosen if (one := self._loadable(kept)) is not None and self._answers(one)]
        for model in dict.fromkeys(one.kept.model for one in served):
            self._say(f"running the calibration kernels before {model}")
            for kernel in KERNELS:
                if found := calibrate(kernel, model):
                    self._record.add(found)
        self._time(served)
        self._record.end("finished")
        self._record.wall_seconds = perf_counter() - self._started
        return self._record

    @cached_property
    def _chosen(self) -> list[KeptModel]:
        models, engines = self._choice.models, self._choice.engines
        return [
            kept
            for kept in self._bundle.manifest.models
            if (not models or kept.model in models) and (not engines or kept.engine in engines)
        ]

    def _begun(self, selection: list[str]) -> Record:
        origin, chosen = self._bundle.record, {kept.model for kept in self._chosen}
        requires = [name for kept in self._chosen if not kept.reason for name in PORTABLE[kept.loader].requires]
        settings = msgspec.structs.replace(
            origin.settings,
            seeds=0,
            models=list(self._choice.models),
            engines=list(self._choice.engines),
            threads=self._choice.threads,
            timing=self._choice.factor,
            processes=self._choice.processes,
            batches=list(self._choice.batches),
            timeout=None,
            memory=False,
            server=False,
            keep=False,
        )
        record = begin(settings, selection, 1, Path.cwd(), distributions_of(requires))
        record.commit = origin.commit  # of the tree that trained them
        record.origin = Origin(origin.started, origin.commit, origin.environment, origin.fits, self._bundle.digest)
        record.datasets, record.tasks, record.metrics = origin.datasets, origin.tasks, origin.metrics
        record.models = [model for model in origin.models if model.name in chosen]
        nothing_took = {"predict_seconds": 0.0, "compile_seconds": None, "score_seconds": 0.0, "further_seconds": 0.0}
        record.evaluations = [
            msgspec.structs.replace(e, side_effects=[], **nothing_took) for e in origin.evaluations if e.model in chosen
        ]
        return record

    @cached_property
    def _examples(self) -> dict[str, Any]:
        return {kept.dataset: self._bundle.examples(kept) for kept in self._bundle.manifest.data}

    def _loadable(self, kept: KeptModel) -> Packed | None:
        """A model that can be loaded here; of any other, the record has the reason."""
        if reason := kept.reason or self._lacking(kept):
            self._note(EngineEntry(kept.model, kept.task, kept.engine, reason=reason))
            return None
        task = self._record.task(kept.task)
        data = self._record.dataset(kept.task)
        (evaluation,) = (e for e in self._record.evaluations if (e.model, e.task) == (kept.model, kept.task))
        assert task is not None
        assert data is not None
        engine = PORTABLE[kept.loader]
        load = partial(skops.load, trust=tuple(self._choice.trust)) if engine is SKOPS else engine.load
        known = (e.equal for e in self._bundle.record.engines if (e.model, e.engine) == (kept.model, kept.engine))
        differed = sum(1 - equal for equal in known if equal is not None)
        return Packed(kept, load, evaluation, task, self._examples[data.name], data.n_test, differed)

    def _lacking(self, kept: KeptModel) -> str:
        """Why a model can't be loaded here, as a clause; empty if it may be."""
        engine = PORTABLE[kept.loader]
        if lacking := missing(engine.serves_by or engine.requires):
            return f"{engine.name} needs {', '.join(lacking)}, which is not installed"
        if engine is not SKOPS:
            return ""
        try:
            foreign = skops.foreign(self._bundle.content(kept))
        except NotServed as error:
            return str(error)
        if refused := [name for name in foreign if name not in self._choice.trust]:
            options = " ".join(f"--trust {name}" for name in refused)
            return f"it holds {', '.join(refused)}, which is neither scikit-learn's nor trusted: {options} loads it"
        return ""

    def _answers(self, one: Packed) -> bool:
        """Whether a model answers about the whole test split as the native one did."""
        self._say(f"asking {named(*one.key)} about all {one.n:,} examples")
        about = EngineEntry(*one.key[:1], one.kept.task, one.kept.engine, size=one.kept.size)
        try:
            with self._once(one) as opened:
                outputs = opened.outputs()
                try:
                    given = np.asarray(opened.answer("predict"))
                    audit = one.held(OFFLINE.name, [(np.arange(one.n), given)], self._seed)
                    compared, difference = self._difference(one, opened, outputs, given)
                except ModelFailed as error:
                    self._note(msgspec.structs.replace(about, fault=error.failure.error))
                    return False
        except ModelFailed as error:
            self._note(msgspec.structs.replace(about, reason=f"it can't be loaded: {error.failure.error}"))
            return False
        equal = 1 - audit.figures["differing"] / one.n
        entry = msgspec.structs.replace(
            about,
            n=one.n,
            equal=equal,
            compared=compared,
            difference=difference,
            metrics=self._metrics(one, equal),
        )
        if audit.passed:
            self._note(entry)
            return True
        self._note(msgspec.structs.replace(entry, fault=f"other answers than the native ones: {audit.message}"))
        self._record.add(audit)
        return False

    def _metrics(self, one: Packed, equal: float) -> dict[str, float | None]:
        """What the session found of an engine's answers, where as many are the estimator's here as there."""
        known = (e for e in self._bundle.record.engines if (e.model, e.engine) == one.key and e.equal == equal)
        return next((dict(entry.metrics) for entry in known), {})

    def _difference(
        self, one: Packed, opened: Opened, outputs: Iterable[str], given: NDArray[Any]
    ) -> tuple[str, float | None]:
        """What is compared besides labels, and by how much it differs at most."""
        if one.task.kind in NUMBERS:
            return "numbers", largest_difference(one.evaluation.predictions[: one.n], given)
        for name, native, method in (
            ("probabilities", one.evaluation.probabilities, "predict_proba"),
            ("scores", one.evaluation.scores, "decision_function"),
        ):
            if native is not None and method in outputs:
                return name, largest_difference(native[: one.n], np.asarray(opened.answer(method)))
        return "", None

    def _time(self, served: Sequence[Packed]) -> None:
        if not served:
            self._say("there is nothing to time")
        plan = [(one, self._scenarios(one)) for one in served]
        found, failed = in_turns(plan, self._choice.processes if served else 0, self._announced, self._turn)
        for one, scenarios in plan:
            if error := failed.get(one.key):
                why = f"by {one.kept.engine}: {error.failure.error}"
                self._say(f"{one.kept.model} failed {why}")
                self._record.add(Failure(one.kept.model, one.kept.task, "predict", why))
                continue
            for scenario in scenarios:
                self._keep(one, scenario, found[one.key, scenario])

    def _scenarios(self, one: Packed) -> list[Scenario]:
        every = [*SCENARIOS, *batches(self._choice.batches)]
        if larger := [f"{scenario.batch_size:,}" for scenario in every if not scenario.fits(one.n)]:
            self._say(f"{named(*one.key)}: no batches of {', '.join(larger)}: the test split has {one.n:,} examples")
        return [scenario for scenario in every if scenario.fits(one.n)]

    def _keep(self, one: Packed, scenario: Scenario, answered: Sequence[Answered]) -> None:
        kept, size = one.kept, min(scenario.batch_size or one.n, one.n)
        timing = timing_of(answered, kept.model, kept.task, scenario.name, size, kept.engine)
        self._record.add(msgspec.structs.replace(timing, kernel=kept.kernel, work_per_example=kept.work_per_example))
        audit = one.held(scenario.name, answers_of(answered), self._seed)
        if audit.passed is False:
            self._say(f"{named(*one.key)}, {scenario.label}: this timing can't be believed: {audit.message}")
        self._record.add(audit)

    @contextmanager
    def _once(self, one: Packed) -> Iterator[Opened]:
        making = self._depot.artefact(one.key, self._bundle.content(one.kept), one.load, one.kept.threads)
        examples = self._depot.examples(one.task.dataset, one.X)
        apart = process(one.key, partial(making, examples, one.n, self._seed))
        with closing(Opened(one.key, one.task.name, apart, None, self._choice.factor)) as opened:
            yield opened

    @contextmanager
    def _announced(self, one: Packed) -> Iterator[Opened]:
        self._say(f"- {named(*one.key)}")
        with self._once(one) as opened:
            yield opened

    def _turn(self, what: str) -> nullcontext[None]:
        self._say(what)
        return nullcontext()

    def _note(self, entry: EngineEntry) -> None:
        self._record.add(entry)
        who = named(entry.model, entry.engine)
        if why := entry.reason or entry.fault:
            self._say(f"{who} is not timed: {why}")
        elif entry.equal is not None and entry.equal < 1:
            self._say(f"{who} answers otherwise to {round((1 - entry.equal) * entry.n):,} of {entry.n:,} examples")


def _check(choice: Choice, bundle: Bundle) -> None:
    every = bundle.manifest.models
    for option, names, known in (
        ("--models", choice.models, {kept.model for kept in every}),
        ("--engines", choice.engines, {kept.engine for kept in every} | {NATIVE}),
    ):
        for name in names:
            if name not in known:
                raise BundleError(
                    option,
                    found=repr(name),
                    expected=f"one of {', '.join(sorted(known))}, which the bundle has",
                    next_step="correct the name, or leave the option out",
                )
