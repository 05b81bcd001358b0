"""Serving: fitted models converted for engines, whose answers are held to the models' own and to their gates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.engines import Artefact, Engine, NotServed
from fitgate.errors import LoggedError
from fitgate.gates import Waiver
from fitgate.latency.agreement import agreement, largest_difference
from fitgate.latency.opened import Opened
from fitgate.plugin.conversion import Conversion
from fitgate.plugin.options import Options
from fitgate.plugin.registry import Registry
from fitgate.plugin.substitution import Substitution
from fitgate.plugin.timer import Timed, Timer
from fitgate.plugin.trained import TrainedModel
from fitgate.protocols import DecisionFunction, KnowsClasses, Probabilities, offered
from fitgate.record import EngineEntry, Entry
from fitgate.runs import Evaluation, Evaluator, ModelFailed, Once, ProcessEnded, Trained, evaluate
from fitgate.runs.answers import Lacking, probabilities_of, scores_of
from fitgate.runs.training import failing
from fitgate.tasks import NUMBERS, TaskData

Array = NDArray[Any]
# What is compared besides predictions: the first that both give.
COMPARED = {"probabilities": (Probabilities, probabilities_of), "scores": (DecisionFunction, scores_of)}


class Held(NamedTuple):
    """What an engine's answers came to.

    Attributes:
        entry: for the record.
        evaluation: of the answers; None where there are none.
    """

    entry: EngineEntry
    evaluation: Evaluation | None = None


class Serving:
    """Has fitted models served by engines, each converted and held to its own answers once a session.

    Args:
        registry: the session's models and metrics.
        options: what is in force.
        once: keeps what the processes of a session compute once together.
        conversion: has models converted.
        evaluator, timer, waivers: those of the session, made on first use.
        emit: is given each `EngineEntry`, and the errors of conversions.
        progress: is given, in words, what may take long, and is a context around it.
    """

    def __init__(
        self,
        registry: Registry,
        options: Options,
        once: Once,
        conversion: Conversion,
        evaluator: Callable[[], Evaluator],
        timer: Callable[[], Timer],
        waivers: Callable[[], Sequence[Waiver]],
        emit: Callable[[Entry | LoggedError], None],
        progress: Callable[[str], AbstractContextManager[None]],
    ):
        self._registry, self._once, self._conversion, self._timer = registry, once, conversion, timer
        self._emit, self._progress = emit, progress
        self._substitution = Substitution(registry, options, evaluator, waivers)
        self._emitted: set[tuple[str, str]] = set()

    def timed(self, subject: TrainedModel, engine: Engine | None) -> Timed:
        """A model to be timed, as an engine serves it; None for its estimator as it is.

        Raises:
            NotServed: if the engine does not serve it, or answers so that it is not to be timed.
            ModelFailed: if fitting or predicting failed.
        """
        if engine is None:
            return Timed(subject)
        entry = self.held(subject, engine).entry
        if why := entry.reason or entry.fault or ", ".join(entry.lost):
            raise NotServed(why)
        return Timed(subject, self._artefact(subject, engine))

    def evaluation(self, timed: Timed) -> Evaluation:
        """What the timed answers are to be: the evaluation of the model, or of what the engine answers.

        Raises:
            ModelFailed: if fitting or predicting failed.
        """
        own = None if timed.artefact is None else self.held(timed.subject, timed.artefact.engine).evaluation
        return timed.subject.evaluation(timed.subject.model.timed_task) if own is None else own

    def held(self, subject: TrainedModel, engine: Engine) -> Held:
        """An engine's answers about the whole test split, held to the model's; the record gets it once.

        Raises:
            ModelFailed: if fitting the model, or predicting with it, failed.
        """
        subject.evaluation(subject.model.timed_task)
        about = EngineEntry(subject.model.name, subject.model.timed_task.name, engine.name)
        try:
            held = self._once(f"{self._key(subject, engine)}-held", lambda: self._hold(subject, engine, about))
        except ProcessEnded as error:
            held = Held(msgspec.structs.replace(about, fault=str(error)))
        if (subject.model.name, engine.name) not in self._emitted:
            self._emitted.add((subject.model.name, engine.name))
            self._emit(held.entry)
        return held

    def _key(self, subject: TrainedModel, engine: Engine) -> str:
        return f"{subject.model.name}-{subject.model.timed_task.name}-by-{engine.name}"

    def _artefact(self, subject: TrainedModel, engine: Engine) -> Artefact:
        """What the model is converted to: content and seconds are computed once."""
        key = f"{self._key(subject, engine)}-converted"
        return Artefact(engine, *self._once(key, lambda: self._conversion.artefact(subject, engine)[1:]))

    def _hold(self, subject: TrainedModel, engine: Engine, about: EngineEntry) -> Held:
        try:
            artefact = self._artefact(subject, engine)
        except NotServed as error:
            return Held(msgspec.structs.replace(about, reason=str(error)))
        about = msgspec.structs.replace(about, convert_seconds=artefact.seconds, size=len(artefact.content))
        timed = Timed(subject, artefact)
        with self._progress(f"predicting with {timed.named} on {about.task}"):
            try:
                with self._timer().once(timed) as opened:
                    outputs = opened.outputs()
                    if "predict" not in outputs:
                        return Held(msgspec.structs.replace(about, fault="what it loads has no predict"))
                    try:
                        return self._compared(about, subject, opened, outputs)
                    except ModelFailed as error:
                        self._emit(LoggedError(f"{timed.named}: {error.failure.error}", error.traceback))
                        return Held(msgspec.structs.replace(about, fault=error.failure.error))
            except ModelFailed as error:
                self._emit(LoggedError(str(error.failure), error.traceback))
                return Held(msgspec.structs.replace(about, reason=f"it can't be loaded: {error.failure.error}"))

    def _compared(self, about: EngineEntry, subject: TrainedModel, opened: Opened, outputs: list[str]) -> Held:
        task = subject.model.timed_task
        data, trained, native = self._registry.data_of(task), subject.on(task), subject.evaluation(task)
        kind = type(about.engine, (Answering,), {})  # messages call an estimator by its class
        answering = kind(opened.answer, outputs, trained.estimator)
        answered = evaluate(Trained(trained.fit, answering), data, self._registry.metrics)
        n, numbers = len(data.y_test), data.kind in NUMBERS
        found = agreement([(np.arange(n), answered.predictions)], native.predictions[:n], data.y_test, numbers)
        compared, difference = self._difference(subject, answering, data)
        if numbers:
            compared, difference = "numbers", largest_difference(native.predictions[:n], answered.predictions)
        judged = self._substitution.judged(subject.model, trained.fit, native, answered)
        entry = msgspec.structs.replace(
            about,
            n=n,
            metrics=answered.metrics,
            equal=1 - found.differing / n,
            compared=compared,
            difference=difference,
            verdicts=judged.verdicts,
            lost=judged.lost,
        )
        return Held(entry, answered)

    def _difference(self, subject: TrainedModel, answering: Any, data: TaskData) -> tuple[str, float | None]:
        """Which scores both the estimator and the engine give, and by how much they differ at most."""
        model, task = subject.model, subject.model.timed_task
        estimator = subject.on(task).estimator
        for name, (protocol, scores) in COMPARED.items():
            if offered(estimator, protocol) is None or offered(answering, protocol) is None:
                continue
            key = f"{model.name}-{task.name}-{name}"
            with failing(model.name, task.name, "predict"):
                try:
                    own = self._once(key, lambda give=scores: give(estimator, data))  # type: ignore[misc]
                except Lacking:
                    continue
                return name, largest_difference(own, scores(answering, data))
        return "", None


class Answering:
    """What an engine loaded, as an estimator: its answers about the test split come from where it is.

    Args:
        answer: from the name of a method to what it gives for the whole test split.
        outputs: the methods that it has.
        estimator: that it was made from, whose classes it has.
    """

    def __init__(self, answer: Callable[[str], Any], outputs: Sequence[str], estimator: Any):
        self._answer, self._outputs = answer, outputs
        if (knows := offered(estimator, KnowsClasses)) is not None:
            self.classes_ = knows.classes_

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        if name not in vars(self).get("_outputs", ()):
            raise AttributeError(name)
        return lambda X: self._answer(name)
