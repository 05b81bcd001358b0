"""A trial: a planted change, what it costs, and how often a model's gates see it."""

from __future__ import annotations

import msgspec


class Effect(msgspec.Struct, frozen=True):
    """What a change costs on held-out seeds, which no gate judges.

    Attributes:
        task, gate: the task's name, and the rule of the regression gate.
        title: of the metric, as reports call it.
        unit: of the numbers; `share` for differences that are shown in points.
        margin: the fall that the regression gate answers for.
        mean: by how much the metric became worse, over pairs of a sound and a changed fit with one seed; negative where
            it became better.
        low, high: its 95 % interval, Student's; None of a single pair.
        seeds: how many pairs.
    """

    task: str
    gate: str
    title: str
    unit: str
    margin: float
    mean: float
    low: float | None
    high: float | None
    seeds: int

    @property
    def margins(self) -> float:
        """The effect in margins."""
        return self.mean / self.margin

    @property
    def unit_shown(self) -> str:
        """The unit in which reports show it."""
        return "points" if self.unit == "share" else self.unit

    def shown(self, size: float) -> float:
        """A size in that unit: a point is a hundredth."""
        return 100 * size if self.unit == "share" else size


class Outcomes(msgspec.Struct, frozen=True):
    """What a gate concluded, in so many runs.

    Attributes:
        task, gate: the task's name, and the gate's rule.
    """

    task: str
    gate: str
    failed: int
    passed: int
    inconclusive: int
    suspected: int


class Trial(msgspec.Struct, frozen=True):
    """A change in a model, judged in replayed runs.

    Attributes:
        family, defect, severity: what was planted; `control` for what should change nothing that matters.
        model: its name.
        effects: on each regression gate of a task that the change applies to; empty if the model failed with each seed.
        gates: the model's own.
        runs: how many were replayed.
        caught: of these, in which a gate failed.
        noticed: in which a gate failed, or called it better than chance explains.
        inconclusive: in which none failed, and one could not decide.
        seeds: that a run took, on average, on the task where it took most.
        broken: of the seeds that were fitted, those that failed.
        error: why the first of them did; None if none did.
    """

    family: str
    defect: str
    severity: str
    model: str
    effects: list[Effect] = []
    gates: list[Outcomes] = []
    runs: int = 0
    caught: int = 0
    noticed: int = 0
    inconclusive: int = 0
    seeds: float = 0.0
    broken: int = 0
    error: str | None = None

    @property
    def worst(self) -> Effect | None:
        """The largest effect, in margins; None if the model failed with each seed."""
        return max(self.effects, key=lambda effect: effect.margins, default=None)

    @property
    def due(self) -> bool:
        """Whether the gates answer for it: for a fall as large as the margin, or for a model that fails."""
        return self.worst is None or self.worst.margins >= 1

    @property
    def gained(self) -> bool:
        """Whether it is better by a margin, as a leak makes it, and worse nowhere by as much."""
        return not self.due and any(effect.margins <= -1 for effect in self.effects)

    @property
    def share(self) -> float:
        """Of the runs, those that caught it."""
        return self.caught / self.runs
