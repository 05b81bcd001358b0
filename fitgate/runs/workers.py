"""Workers: a model trained with one of several seeds by whichever process a backend has, on whichever machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from fitgate.machine import Environment, changes, environment
from fitgate.metrics import Metric
from fitgate.model import Model
from fitgate.runs.apart import Limit, run_seed_apart
from fitgate.runs.evaluation import SeedRun
from fitgate.runs.folds import evaluation_of
from fitgate.runs.training import ModelFailed, train
from fitgate.tasks import TaskData

Outcome = SeedRun | ModelFailed


def run_seed(model: Model, data: TaskData, metrics: Mapping[str, Metric], limit: Limit | None, seed: int) -> SeedRun:
    """Train a model with a seed, and evaluate it; with a limit, in a process of its own.

    Raises:
        ModelFailed: if that fails.
    """
    if limit is not None:
        return run_seed_apart(model, data, seed, metrics, limit)
    trained = train(model, data, seed)
    return SeedRun(trained.fit, evaluation_of(model, trained, data, metrics))


def outcome_of(model: Model, data: TaskData, metrics: Mapping[str, Metric], limit: Limit | None, seed: int) -> Outcome:
    """The same, and a failure in its place rather than raised: it is of this seed alone."""
    try:
        return run_seed(model, data, metrics, limit, seed)
    except ModelFailed as failed:
        return failed.with_traceback(None)


def compared(work: Callable[[int], Outcome], session: Environment, seed: int) -> Outcome:
    """What work gives for a seed, with what differs in the environment of the process that does it.

    Args:
        work: trains with a seed.
        session: the environment of the session that asks for it.
        seed: which one.
    """
    outcome = work(seed)
    if isinstance(outcome, ModelFailed):
        return outcome
    differs = changes(session, environment(session.libraries))
    return replace(outcome, fit=replace(outcome.fit, elsewhere=differs)) if differs else outcome
