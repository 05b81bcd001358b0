"""A/B: how fast models are against another revision, as `fitgate ab` found it, for a comment."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.gates import Outcome


@dataclass(frozen=True)
class AbRow:
    """A model's latency in both revisions.

    Attributes:
        model: its name.
        outcome: of its test.
        before, now: seconds of a query in the base and here.
        ratio: now to before, as blocks that were timed in turns have it; with its 95 % interval.
    """

    model: str
    outcome: Outcome
    before: float
    now: float
    ratio: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class AbView:
    """What a comparison came to.

    Attributes:
        outcome, reason: of all models, the latter in words.
        rows: of each model.
        about: what was timed, where and how, and when a model fails, in sentences.
    """

    outcome: Outcome
    reason: str
    rows: tuple[AbRow, ...]
    about: str

    @property
    def failed(self) -> bool:
        """Whether a model is slower."""
        return self.outcome is Outcome.FAIL
