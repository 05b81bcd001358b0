"""Runs: models fitted and evaluated once a session, with one seed or several, with their provenance."""

from fitgate.runs.apart import Limit
from fitgate.runs.disturbing import Disturbed
from fitgate.runs.evaluation import Evaluation, SeedRun, evaluate, same_output
from fitgate.runs.evaluator import Evaluator
from fitgate.runs.once import Once, ProcessEnded
from fitgate.runs.side_effects import changed_data
from fitgate.runs.training import Failure, Fit, ModelFailed, Trained, train

__all__ = [
    "Disturbed",
    "Evaluation",
    "Evaluator",
    "Failure",
    "Fit",
    "Limit",
    "ModelFailed",
    "Once",
    "ProcessEnded",
    "SeedRun",
    "Trained",
    "changed_data",
    "evaluate",
    "same_output",
    "train",
]
