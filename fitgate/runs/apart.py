"""Apart: a model fitted and evaluated in a process of its own, which is ended where it takes longer than it may."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self

from msgspec.structs import replace

from fitgate.executor import ExecutorError, Process, ProcessDied, TimeLimitExceeded
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.runs.evaluation import Evaluation, SeedRun
from fitgate.runs.folds import evaluation_of
from fitgate.runs.training import (
    Failure,
    Fit,
    ModelFailed,
    Trained,
    train,
    train_at_once,
    trains_seeds_at_once,
)
from fitgate.tasks import TaskData

HANDING_OVER = 60.0  # seconds besides the limit in which a process starts and gets the data, or sends the estimator


class Limit(NamedTuple):
    """How long a model may take.

    Attributes:
        seconds: for each fit, and for each evaluation.
        source: what sets it, such as `--fit-timeout`.
    """

    seconds: float
    source: str


@dataclass(frozen=True)
class Outcome:
    """What a process of its own made of a model.

    Attributes:
        trained: with a copy of the estimator that was fitted there.
        answer: its evaluation; or why there is none.
    """

    trained: Trained
    answer: Evaluation | ModelFailed

    @property
    def evaluation(self) -> Evaluation:
        """Its evaluation.

        Raises:
            ModelFailed: if there is none.
        """
        if isinstance(self.answer, ModelFailed):
            raise self.answer.with_traceback(None)  # or each raise would lengthen it
        return self.answer


class Apart:
    """A process of a model's own, with its task, as a context manager; killed with all that it started if it is late.

    Args:
        model: which one.
        data: the task to fit it on; it travels there.
        metrics: by name.
        limit: how long each fit and each evaluation may take.

    Raises:
        ModelFailed: from each method, if the model fails, takes too long, or ends its process.
    """

    def __init__(self, model: Model, data: TaskData, metrics: Mapping[str, Metric], limit: Limit):
        self._model, self._task, self._limit = model.name, data.task.name, limit
        folds = data.dataset.folds
        self._limits = 1 if folds is None else 2 * len(folds.sizes) - 1
        own = {name: metrics[name] for name in data.task.metric_names}
        with self._failing("fit"):
            self._process = Process(partial(_Subject, model, data, own), label=f"{self._model} on {self._task}")

    def fits_seeds_at_once(self, seed: int) -> bool:
        """See `fitgate.runs.training.trains_seeds_at_once`."""
        return bool(self._ask("fit", "fits_seeds_at_once", seed))

    def fit(self, seed: int) -> Fit:
        """See `fitgate.runs.training.train`."""
        fit: Fit = self._ask("fit", "fit", seed)
        return fit

    def fit_at_once(self, seeds: Sequence[int]) -> dict[int, Fit]:
        """See `fitgate.runs.training.train_at_once`; the work of so many fits may take so many limits."""
        fits: dict[int, Fit] = self._ask("fit", "fit_at_once", tuple(seeds), limits=len(seeds))
        return fits

    def estimator(self, seed: int) -> Any:
        """A copy of what was fitted with a seed."""
        with self._failing("fit", handing_over=HANDING_OVER):
            try:
                return self._process.ask("estimator", seed, timeout=self._limit.seconds + HANDING_OVER)
            except (ProcessDied, TimeLimitExceeded):
                raise
            except ExecutorError as error:
                raise ExecutorError(
                    error.where,
                    found=f"an estimator that can't be sent from there ({error.found})",
                    expected="one that can be pickled, as timings need it",
                    next_step=f"let it be pickled, or leave {self._limit.source} out",
                ) from error

    def evaluate(self, seed: int) -> Evaluation:
        """See `fitgate.runs.folds.evaluation_of`; each further fold may take a limit to fit, and one to predict."""
        evaluation: Evaluation = self._ask("predict", "evaluate", seed, limits=self._limits)
        return evaluation

    def __enter__(self) -> Self:
        with self._failing("fit", handing_over=HANDING_OVER):
            try:
                self._process.ready(self._limit.seconds + HANDING_OVER)
            except ExecutorError:
                raise
            except Exception as error:  # of whatever the model, or a class of its data, runs when it is unpickled
                raise ModelFailed(
                    Failure(self._model, self._task, "fit", f"{type(error).__name__}: {error}")
                ) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._process.__exit__(kind, error, None)

    def _ask(self, stage: str, method: str, argument: object, limits: int = 1) -> Any:
        with self._failing(stage, limits):
            return self._process.ask(method, argument, timeout=limits * self._limit.seconds)

    @contextmanager
    def _failing(self, stage: str, limits: int = 1, handing_over: float = 0.0) -> Iterator[None]:
        """Turn what becomes of the process into the model's failure."""
        try:
            yield
        except ExecutorError as error:
            raise ModelFailed(
                failure(self._model, self._task, stage, error, self._limit, limits, handing_over)
            ) from error


def run_apart(model: Model, data: TaskData, seed: int, metrics: Mapping[str, Metric], limit: Limit) -> Outcome:
    """Fit a model and evaluate it, in a process of its own.

    Raises:
        ModelFailed: if fitting fails or takes too long, or the estimator can't be sent here.
    """
    answer: Evaluation | ModelFailed
    with Apart(model, data, metrics, limit) as process:
        trained = Trained(process.fit(seed), process.estimator(seed))
        try:
            answer = process.evaluate(seed)
        except ModelFailed as error:
            answer = error
    return Outcome(trained, answer)


def run_seed_apart(model: Model, data: TaskData, seed: int, metrics: Mapping[str, Metric], limit: Limit) -> SeedRun:
    """Fit a model with one of several seeds and evaluate it, in a process of its own.

    Raises:
        ModelFailed: if that fails or takes too long.
    """
    with Apart(model, data, metrics, limit) as process:
        return SeedRun(process.fit(seed), process.evaluate(seed))


def run_seeds_apart(
    model: Model, data: TaskData, seeds: Sequence[int], metrics: Mapping[str, Metric], limit: Limit
) -> dict[int, SeedRun]:
    """Train several seeds as one program and evaluate each, in a process of their own; by seed.

    Raises:
        ModelFailed: if that fails or takes too long.
    """
    with Apart(model, data, metrics, limit) as process:
        return {seed: SeedRun(fit, process.evaluate(seed)) for seed, fit in process.fit_at_once(seeds).items()}


def fits_seeds_at_once_apart(
    model: Model, data: TaskData, seed: int, metrics: Mapping[str, Metric], limit: Limit
) -> bool:
    """Whether a model trains several seeds as one program, found out in a process of its own.

    Raises:
        ModelFailed: if building it fails or takes too long.
    """
    with Apart(model, data, metrics, limit) as process:
        return process.fits_seeds_at_once(seed)


def failure(
    model: str,
    task: str,
    stage: str,
    error: ExecutorError,
    limit: Limit | None,
    limits: int = 1,
    handing_over: float = 0.0,
) -> Failure:
    """What became of a model's process, as the model's failure.

    Args:
        model, task, stage: as for `Failure`.
        error: of the process.
        limit: what it was held to; None for nothing.
        limits: how many times.
        handing_over: seconds that it had besides, to start or to send what was fitted.
    """
    if isinstance(error, TimeLimitExceeded) and limit is not None:
        more = f", and {handing_over:g} s to hand over" if handing_over else ""
        waited = f"{limits * limit.seconds + handing_over:g} s ({limit.source}{more})"
        reason = f"no answer after {waited}, so its process was ended; give it more time, or less work"
    else:
        reason = f"in a process of its own: found {error.found}, expected {error.expected}; {error.next_step}"
    return Failure(model, task, stage, reason)


class _Subject:
    """What the process keeps: a model, its task, and what was fitted there."""

    def __init__(self, model: Model, data: TaskData, metrics: Mapping[str, Metric]):
        import sklearn.metrics  # noqa: F401 # what is ours to import is not the model's time

        self._model, self._data, self._metrics = model, data, metrics
        _ = data.classes
        self._trained: dict[int, Trained] = {}

    def fits_seeds_at_once(self, seed: int) -> bool:
        return trains_seeds_at_once(self._model, self._data.task.name, seed)

    def fit(self, seed: int) -> Fit:
        return self._kept(seed, train(self._model, self._data, seed))

    def fit_at_once(self, seeds: Sequence[int]) -> dict[int, Fit]:
        fitted = train_at_once(self._model, self._data, seeds)
        return {seed: self._kept(seed, trained) for seed, trained in fitted.items()}

    def estimator(self, seed: int) -> Any:
        return self._trained[seed].estimator

    def evaluate(self, seed: int) -> Evaluation:
        return evaluation_of(self._model, self._trained[seed], self._data, self._metrics)

    def _kept(self, seed: int, trained: Trained) -> Fit:
        self._trained[seed] = Trained(replace(trained.fit, isolated=True), trained.estimator)
        return self._trained[seed].fit
