"""Runs: models fitted and evaluated once a session, with one seed or several, with their provenance."""

from fitgate.runs.apart import Limit
from fitgate.runs.evaluation import Evaluation, SeedRun, evaluate, same_output
from fitgate.runs.evaluator import Evaluator, run_seed
from fitgate.runs.once import Once
from fitgate.runs.training import Failure, Fit, ModelFailed, Trained, compile_seconds, train

__all__ = [
    "Evaluation",
    "Evaluator",
    "Failure",
    "Fit",
    "Limit",
    "ModelFailed",
    "Once",
    "SeedRun",
    "Trained",
    "compile_seconds",
    "evaluate",
    "run_seed",
    "same_output",
    "train",
]
