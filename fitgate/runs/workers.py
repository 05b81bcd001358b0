"""Workers: a model trained with a seed, for a fold, by whichever process a backend has, on whichever machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from fitgate.machine import Environment, changes, environment
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.runs.apart import Limit, run_seed_apart
from fitgate.runs.evaluation import Evaluation, SeedRun, evaluate
from fitgate.runs.folds import evaluation_of, folds_of, joined
from fitgate.runs.training import ModelFailed, Trained, train
from fitgate.tasks import TaskData

JobOutcome = SeedRun | ModelFailed


class Job(NamedTuple):
    """One fit, and the prediction of what it is judged by.

    Attributes:
        seed: of the model.
        fold: which one is tested; None for the test split, where there is no cross-validation.
    """

    seed: int
    fold: int | None = None


Spread = Callable[[str, Callable[[Job], JobOutcome], Sequence[Job]], Sequence[JobOutcome]]


def run_seed(model: Model, data: TaskData, metrics: Mapping[str, Metric], limit: Limit | None, seed: int) -> SeedRun:
    """Train a model with a seed, and evaluate it; with a limit, in a process of its own.

    Raises:
        ModelFailed: if that fails.
    """
    if limit is not None:
        return run_seed_apart(model, data, seed, metrics, limit)
    trained = train(model, data, seed)
    return SeedRun(trained.fit, evaluation_of(model, trained, data, metrics))


def outcome_of(
    model: Model, data: TaskData, metrics: Mapping[str, Metric], limit: Limit | None, job: Job
) -> JobOutcome:
    """What comes of a job, and a failure in its place rather than raised: it is of this job alone."""
    try:
        return run_seed(model, data if job.fold is None else data.of_fold(job.fold), metrics, limit, job.seed)
    except ModelFailed as failed:
        return failed.with_traceback(None)


def compared(work: Callable[[Job], JobOutcome], session: Environment, job: Job) -> JobOutcome:
    """What work gives for a job, with what differs in the environment of the process that does it.

    Args:
        work: does one.
        session: the environment of the session that asks for it.
        job: which one.
    """
    outcome = work(job)
    if isinstance(outcome, ModelFailed):
        return outcome
    differs = changes(session, environment(session.libraries))
    return replace(outcome, fit=replace(outcome.fit, elsewhere=differs)) if differs else outcome


def outcomes_of(
    spread: Spread,
    what: str,
    model: Model,
    data: TaskData,
    metrics: Mapping[str, Metric],
    limit: Limit | None,
    seeds: Sequence[int],
) -> list[JobOutcome]:
    """What comes of a model's seeds, in their order, where workers do the jobs: one a seed and a fold.

    Args:
        spread: gives what comes of several jobs, in their order.
        what: their name.
        model, data, metrics, limit: as for `run_seed`.
        seeds: which ones.
    """
    folds: Sequence[int | None] = folds_of(data) or [None]
    found = spread(
        what, partial(outcome_of, model, data, metrics, limit), [Job(seed, fold) for seed in seeds for fold in folds]
    )
    parts = [found[start : start + len(folds)] for start in range(0, len(found), len(folds))]
    return [_of_folds(part, data, metrics) for part in parts]


def evaluated(
    spread: Spread, what: str, model: Model, data: TaskData, metrics: Mapping[str, Metric], trained: Trained
) -> Evaluation:
    """What a trained model is judged by, as `evaluation_of`, where workers do the jobs of all folds but the first.

    Args:
        spread, what, model, data, metrics: as for `outcomes_of`.
        trained: fitted here, on the training split.

    Raises:
        ModelFailed: as `evaluate`, and if another fit fails.
    """
    first = SeedRun(trained.fit, evaluate(trained, data, metrics))
    jobs = [Job(trained.fit.seed, fold) for fold in folds_of(data)[1:]]
    outcome = _of_folds([first, *spread(what, partial(outcome_of, model, data, metrics, None), jobs)], data, metrics)
    if isinstance(outcome, ModelFailed):
        raise outcome.with_traceback(None)
    return outcome.evaluation


def _of_folds(outcomes: Sequence[JobOutcome], data: TaskData, metrics: Mapping[str, Metric]) -> JobOutcome:
    """The runs of all folds as one, or the first failure."""
    runs = []
    for outcome in outcomes:
        if isinstance(outcome, ModelFailed):
            return outcome
        runs.append(outcome)
    try:
        fit = replace(runs[0].fit, data_digest=data.dataset.digest)  # of all folds together
        return SeedRun(fit, joined(runs, data, metrics))
    except ModelFailed as failed:
        return failed.with_traceback(None)
