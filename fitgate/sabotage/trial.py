"""A trial: what a model's gates concluded of it, with a defect or without one."""

from __future__ import annotations

import msgspec


class Trial(msgspec.Struct, frozen=True):
    """What a model's gates concluded.

    Attributes:
        family, defect, severity: what was planted; `control` for what should change nothing that matters.
        model: its name.
        seeds: it was trained with.
        effect: by how much its metric became worse, in the metric's unit, as 0.01: the mean over these seeds against
            the baseline's; None if it has no value, because the model failed outright.
        margin: the fall that the regression gate answers for.
        caught_by: the gates that failed it.
        inconclusive: the gates that could not decide.
        suspected: the gates that called it better than chance explains.
        error: what the model raised; None if it raised nothing.
        metric: which the regression gate judges, as reports call it; empty in campaigns of older versions.
        unit: of effect and margin; `share` for differences that are shown in points.
    """

    family: str
    defect: str
    severity: str
    model: str
    seeds: list[int]
    effect: float | None
    margin: float
    caught_by: list[str]
    inconclusive: list[str]
    suspected: list[str] = []
    error: str | None = None
    metric: str = ""
    unit: str = "share"

    @property
    def due(self) -> bool:
        """Whether the gates answer for such an effect: of a fall as large as the margin, or of failing outright."""
        return self.effect is None or self.effect >= self.margin

    @property
    def unit_shown(self) -> str:
        """The unit in which reports show effect and margin."""
        return "points" if self.unit == "share" else self.unit

    def in_unit(self, size: float) -> float:
        """An effect or a margin in that unit: a point is a hundredth."""
        return 100 * size if self.unit == "share" else size
