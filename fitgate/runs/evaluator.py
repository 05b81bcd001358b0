"""The evaluator: trains and evaluates models once a session, whoever asks, with one seed or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

from msgspec import structs

from fitgate.disturbances import Disturbance
from fitgate.errors import LoggedError, in_one_line
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.runs import apart
from fitgate.runs.apart import Limit, fits_seeds_at_once_apart, run_apart, run_seeds_apart
from fitgate.runs.disturbing import Disturbed, evaluate_disturbed, evaluate_disturbed_apart
from fitgate.runs.evaluation import Evaluation, SeedRun, same_output
from fitgate.runs.folds import evaluation_of, folds_of
from fitgate.runs.once import Once, ProcessEnded
from fitgate.runs.reuse import NoReuse, Reuse
from fitgate.runs.training import (
    Failure,
    Fit,
    ModelFailed,
    Reused,
    Trained,
    failing,
    train,
    train_at_once,
    trains_seeds_at_once,
)
from fitgate.runs.workers import JobOutcome, Spread, evaluated, outcomes_of, run_seed
from fitgate.tasks import Task, TaskData
from fitgate.text import listed

Emitted = Fit | Evaluation | Disturbed | Failure | SeedRun | LoggedError


class Evaluator:
    """Trains and evaluates models, each once per task and seed.

    Args:
        data_of: a task on its data.
        metrics: by name.
        seed: what models are built with; or what gives it, for a model on a task.
        once: where results are kept.
        emit: is given each `Fit`, `Evaluation`, `Disturbed` and `SeedRun`, by the process in which it happened, and
            each `Failure` with its `LoggedError`, by each process that meets it.
        progress: is given, in words, what may take long, and is a context around it.
        spread: does the jobs of several seeds and folds elsewhere, side by side; None for one after the other, here.
        limit_of: how long a model may take, which is then fitted and evaluated in a process of its own; None for ever.
        reuse: what earlier sessions did, and this one leaves.
    """

    def __init__(
        self,
        data_of: Callable[[Task], TaskData],
        metrics: Mapping[str, Metric],
        seed: int | Callable[[Model, Task], int],
        once: Once,
        emit: Callable[[Emitted], None] = lambda entry: None,
        progress: Callable[[str], AbstractContextManager[None]] = lambda words: nullcontext(),
        spread: Spread | None = None,
        limit_of: Callable[[Model], Limit | None] = lambda model: None,
        reuse: Reuse | None = None,
    ):
        self._data_of = data_of
        self._metrics = metrics
        self._seed = seed
        self._once = once
        self._emit = emit
        self._progress = progress
        self._spread = spread
        self._limit_of = limit_of
        self._reuse = NoReuse() if reuse is None else reuse
        self._reported: set[Failure] = set()

    def trained(self, model: Model, task: Task) -> Trained:
        """The model fitted on a task, on first use.

        Raises:
            ModelFailed: if that failed, now or before.
        """
        with self._reporting(model, task, "fit"):
            if limit := self._limit_of(model):
                found = self._apart(model, task, limit).trained
            else:
                found = self._once(f"{model.name}-{task.name}-fit", lambda: self._train(model, task))
            return found.made_by(lambda: self._estimator(model, task)) if isinstance(found, Reused) else found

    def evaluation(self, model: Model, task: Task) -> Evaluation:
        """The trained model's outputs and metrics, on first use.

        Raises:
            ModelFailed: if training or predicting failed, now or before.
        """
        with self._reporting(model, task, "predict"):
            if limit := self._limit_of(model):
                return self._apart(model, task, limit).evaluation
            try:
                key = f"{model.name}-{task.name}-predict"
                return self._once(key, lambda: self._evaluate(model, self.trained(model, task), task))
            except ProcessEnded:
                self.trained(model, task)  # says so if it was the fit that did not end
                raise

    def disturbed(self, model: Model, task: Task, disturbance: Disturbance) -> Disturbed:
        """What the trained model makes of a disturbed test split, on first use; or why it makes nothing of it.

        Raises:
            ModelFailed: if training failed, now or before.
        """
        trained = self.trained(model, task)
        with self._reporting(model, task, "predict"):
            key = f"{model.name}-{task.name}-under-{disturbance.digest}"
            return self._once(key, lambda: self._disturb(model, trained, task, disturbance))

    def seed_run(self, model: Model, task: Task, seed: int, among: Sequence[int], known: int = 0) -> SeedRun:
        """The model trained with a seed, and evaluated, on first use.

        Args:
            model, task: what to train on what.
            seed: which one.
            among: the seeds that are wanted; a model that trains several at once trains these.
            known: how many of them were wanted before, and are not trained again.

        Raises:
            ModelFailed: if training or predicting failed, now or before.
        """
        batch = among[known:] if seed in among[known:] else [seed]
        with self._reporting(model, task, "fit"):
            return self._once(f"{model.name}-{task.name}-seed-{seed}", lambda: self._run_seed(model, task, seed, batch))

    def is_wanted(self, model: Model, task: Task, seed: int, among: Sequence[int]) -> bool:
        """Whether a model is to be trained with a seed: always where it is stochastic, never where it is not.

        Where its author does not say, it is trained with the first two seeds of those that are wanted, `among`; with
        further ones only if these two gave different output.

        Raises:
            ModelFailed: if training with one of the two, or predicting, failed, now or before.
        """
        if model.stochastic is not None:
            return model.stochastic
        pair = among[:2]
        return seed in pair or not same_output([self.seed_run(model, task, s, among).evaluation for s in pair])

    def seed_runs(self, model: Model, task: Task, seeds: Sequence[int], known: int = 0) -> list[SeedRun]:
        """The model's runs with those of several seeds that are wanted; `known` as for `seed_run`.

        Raises:
            ModelFailed: if training or predicting failed, now or before.
        """
        wanted = (seed for seed in seeds if self.is_wanted(model, task, seed, seeds))
        return [self.seed_run(model, task, seed, seeds, known) for seed in wanted]

    def runs(self, model: Model, task: Task, seeds: Sequence[int]) -> list[Evaluation]:
        """The model's evaluations with several seeds; the session's alone if there are none or it heeds none.

        Raises:
            ModelFailed: if training or predicting failed, now or before.
        """
        runs = self.seed_runs(model, task, seeds)
        return [run.evaluation for run in runs] or [self.evaluation(model, task)]

    def fitting(self, model: Model, task: Task, seed: int | None = None) -> str:
        """What a fit is called while it takes its time.

        Args:
            model, task: of which model to which task.
            seed: with which seed; None for the session's own.
        """
        if not model.is_trained:
            return f"loading {model.name} on {task.name}"
        fit = f"fitting {model.name} on {task.name}"
        if seed is not None and seed != self._seed_of(model, task):
            return f"{fit} with seed {seed}"
        data = self._data_of(task)
        examples = f"{len(data.dataset.train):,} examples"
        if self._limit_of(model):
            return f"{fit} and predicting, in a process of its own: {examples} and {_asked(data)}"
        return f"{fit}: {examples}"

    def _run_seed(self, model: Model, task: Task, seed: int, among: Sequence[int]) -> SeedRun:
        data, subject, limit = self._data_of(task), f"{model.name} on {task.name}", self._limit_of(model)
        own = self._seed_of(model, task)
        if seed != own and (kept := self._reuse.found(model, data, seed)):
            self._emit(kept)
            return kept
        if len(among) > 1 and self._fits_seeds_at_once(model, task, seed):
            with self._progress(f"fitting {subject} with seeds {listed(among)}"):
                run = self._run_at_once(model, task, seed, among)
        elif seed == own:  # the session trains it anyway
            run = SeedRun(self.trained(model, task).fit, self.evaluation(model, task))
        elif self._spread is not None:
            if model.stochastic is None:  # the others wait for what the first two show
                among = among[:2] if seed in among[:2] else among[2:]
            seeds = [s for s in among if s != own]
            what = f"fitting {subject} with seeds {listed(seeds)}"
            together = partial(outcomes_of, self._spread, what, model, data, self._metrics, limit, seeds)
            outcomes: Sequence[JobOutcome] = self._once(_key(model, task, among), together)
            outcome = outcomes[seeds.index(seed)]
            if isinstance(outcome, ModelFailed):
                raise outcome.with_traceback(None)
            run = outcome
        else:
            with self._progress(self.fitting(model, task, seed)):
                run = run_seed(model, data, self._metrics, limit, seed)
        if seed != own:
            self._reuse.keep(model, data, run)
        self._emit(run)
        return run

    def _seed_of(self, model: Model, task: Task) -> int:
        return self._seed if isinstance(self._seed, int) else self._seed(model, task)

    def _fits_seeds_at_once(self, model: Model, task: Task, seed: int) -> bool:
        if limit := self._limit_of(model):
            work = partial(fits_seeds_at_once_apart, model, self._data_of(task), seed, self._metrics, limit)
            return self._once(f"{model.name}-{task.name}-at-once", work)
        return trains_seeds_at_once(model, task.name, seed)

    def _run_at_once(self, model: Model, task: Task, seed: int, among: Sequence[int]) -> SeedRun:
        data, key = self._data_of(task), _key(model, task, among)
        if limit := self._limit_of(model):
            return self._once(key, partial(run_seeds_apart, model, data, among, self._metrics, limit))[seed]
        fitted: Trained = self._once(key, partial(train_at_once, model, data, among))[seed]
        return SeedRun(fitted.fit, evaluation_of(model, fitted, data, self._metrics))

    def _apart(self, model: Model, task: Task, limit: Limit) -> apart.Outcome:
        return self._once(f"{model.name}-{task.name}-apart", lambda: self._run_apart(model, task, limit))

    def _run_apart(self, model: Model, task: Task, limit: Limit) -> apart.Outcome:
        data, seed = self._data_of(task), self._seed_of(model, task)
        if kept := self._reuse.found(model, data, seed):
            outcome = apart.Outcome(Reused(kept.fit), kept.evaluation)
        else:
            with self._progress(self.fitting(model, task)):
                outcome = run_apart(model, data, seed, self._metrics, limit)
            outcome = replace(outcome, trained=self._renewed(model, data, outcome.trained))
        self._emit(outcome.trained.fit)
        if isinstance(outcome.answer, Evaluation):
            self._emit(outcome.answer)
            self._keep(model, data, outcome.trained, outcome.answer)
        return outcome

    def _train(self, model: Model, task: Task) -> Trained:
        data, seed = self._data_of(task), self._seed_of(model, task)
        if kept := self._reuse.found(model, data, seed):
            trained: Trained = Reused(kept.fit)
        else:
            with self._progress(self.fitting(model, task)):
                trained = self._renewed(model, data, train(model, data, seed))
        self._emit(trained.fit)
        return trained

    def _renewed(self, model: Model, data: TaskData, trained: Trained) -> Trained:
        """What was fitted now, with why what was kept did not serve."""
        why = self._reuse.refusal(model, data, trained.fit.seed)
        return Trained(structs.replace(trained.fit, renewed=why), trained.estimator) if why else trained

    def _keep(self, model: Model, data: TaskData, trained: Trained, evaluation: Evaluation) -> None:
        if not trained.fit.cached:
            self._reuse.keep(model, data, SeedRun(trained.fit, evaluation), trained.estimator)

    def _estimator(self, model: Model, task: Task) -> Any:
        """That of what an earlier session fitted: as it was kept, or else fitted now."""
        return self._once(f"{model.name}-{task.name}-again", lambda: self._made_again(model, task))

    def _made_again(self, model: Model, task: Task) -> Any:
        data, seed = self._data_of(task), self._seed_of(model, task)
        if (estimator := self._reuse.estimator(model, data, seed)) is not None:
            return estimator
        with self._progress(self.fitting(model, task)):
            if limit := self._limit_of(model):
                trained = run_apart(model, data, seed, self._metrics, limit).trained
            else:
                trained = train(model, data, seed)
        self._emit(trained.fit)
        return trained.estimator

    def _evaluate(self, model: Model, trained: Trained, task: Task) -> Evaluation:
        data = self._data_of(task)
        kept = self._reuse.found(model, data, trained.fit.seed) if trained.fit.cached else None
        if kept is not None:
            evaluation = kept.evaluation
        else:
            evaluation = self._evaluated(model, trained, data)
            self._keep(model, data, trained, evaluation)
        self._emit(evaluation)
        return evaluation

    def _evaluated(self, model: Model, trained: Trained, data: TaskData) -> Evaluation:
        name, further = data.task.name, len(folds_of(data)[1:])
        if self._spread is not None and further:
            what = f"fitting {model.name} on {name} with seed {trained.fit.seed} in {further} further folds"
            return evaluated(self._spread, what, model, data, self._metrics, trained)
        with self._progress(f"predicting with {model.name} on {name}: {_asked(data)}"):
            return evaluation_of(model, trained, data, self._metrics)

    def _disturb(self, model: Model, trained: Trained, task: Task, disturbance: Disturbance) -> Disturbed:
        data, limit = self._data_of(task), self._limit_of(model)
        with self._progress(f"predicting with {model.name} on {task.name} under {disturbance}: {_asked(data)}"):
            if limit:
                found = evaluate_disturbed_apart(trained, data, self._metrics, disturbance, limit)
            else:
                found = evaluate_disturbed(trained, data, self._metrics, disturbance)
        self._emit(found)
        return found

    @contextmanager
    def _reporting(self, model: Model, task: Task, stage: str) -> Iterator[None]:
        """Turn whatever is raised into `ModelFailed`, be it the model's, its data's or its process's, and emit it."""
        try:
            with failing(model.name, task.name, stage):
                try:
                    yield
                except ProcessEnded as error:  # of which there is no more to say
                    raise ModelFailed(Failure(model.name, task.name, stage, in_one_line(error))) from None
        except ModelFailed as error:
            if error.failure not in self._reported:
                self._reported.add(error.failure)
                self._emit(error.failure)
                if error.traceback:
                    self._emit(LoggedError(str(error.failure), error.traceback))
            raise


def _key(model: Model, task: Task, seeds: Sequence[int]) -> str:
    return f"{model.name}-{task.name}-seeds-{min(seeds)}-{max(seeds)}"


def _asked(data: TaskData) -> str:
    """What is to be predicted, in words."""
    folds = data.dataset.folds
    if folds is None:
        return f"{len(data.dataset.test):,} examples"
    return f"{folds.n:,} examples in {len(folds.sizes)} folds, with a fit for each"
