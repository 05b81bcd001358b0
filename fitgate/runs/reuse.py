"""Reuse: what earlier sessions fitted and evaluated, as an evaluator asks for it."""

from __future__ import annotations

from typing import Any, Protocol

from fitgate.model import Model
from fitgate.runs.evaluation import SeedRun
from fitgate.tasks import TaskData


class Reuse(Protocol):
    """What earlier sessions fitted and evaluated, each under all that it depends on."""

    def found(self, model: Model, data: TaskData, seed: int) -> SeedRun | None:
        """What was kept; None where nothing was, or it does not serve."""

    def refusal(self, model: Model, data: TaskData, seed: int) -> str:
        """Why what was kept did not serve, as a clause; empty where nothing was kept, or it did."""

    def estimator(self, model: Model, data: TaskData, seed: int) -> Any:
        """The fitted estimator of what was found; None where it could not be kept."""

    def keep(self, model: Model, data: TaskData, run: SeedRun, estimator: Any = None) -> None:
        """Keep what was fitted now; None for an estimator that is not at hand."""


class NoReuse:
    """Nothing is kept."""

    def found(self, model: Model, data: TaskData, seed: int) -> None:
        """Nothing."""

    def refusal(self, model: Model, data: TaskData, seed: int) -> str:
        """None."""
        return ""

    def estimator(self, model: Model, data: TaskData, seed: int) -> None:
        """None."""

    def keep(self, model: Model, data: TaskData, run: SeedRun, estimator: Any = None) -> None:
        """Not at all."""
