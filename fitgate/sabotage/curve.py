"""Curves: how often a regression gate fails or passes a model, by how much worse the model has become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.report.dotted import Dotted, draw_dotted
from fitgate.sabotage.defect import CONTROL
from fitgate.sabotage.trial import Trial

AT = (0.5, 1.0, 1.5, 2.0)  # margins
APART = 0.5  # margins, at most, from an effect that is told to those that were tried on either side
SHOWN = (-0.5, 3.0)  # margins, of the figure


@dataclass(frozen=True, eq=False)
class Curve:
    """What a gate of a stochastic model made of effects of different sizes.

    Attributes:
        model, task, title: names, the last of the metric.
        effects: in margins, in ascending order `(n,)`.
        failed, passed: shares of the runs `(n,)`.
    """

    model: str
    task: str
    title: str
    effects: NDArray[np.float64]
    failed: NDArray[np.float64]
    passed: NDArray[np.float64]

    def fails(self, effect: float) -> float | None:
        """The share of runs that fail an effect, by isotonic regression; None far from the effects that were tried."""
        return self._at(self.failed, effect, increasing=True)

    def passes(self, effect: float) -> float | None:
        """The share of runs that pass an effect, likewise."""
        return self._at(self.passed, effect, increasing=False)

    def _at(self, shares: NDArray[np.float64], effect: float, increasing: bool) -> float | None:
        below, above = self.effects[self.effects <= effect], self.effects[self.effects >= effect]
        if not len(below) or not len(above) or effect - below[-1] > APART or above[0] - effect > APART:
            return None
        return float(_isotonic(increasing).fit(self.effects, shares).predict([effect])[0])


def curves(trials: Sequence[Trial]) -> list[Curve]:
    """One for each regression gate, of two or more changes of its model."""
    points: dict[tuple[str, str, str], list[tuple[float, float, float]]] = {}
    for trial in (one for one in trials if one.family != CONTROL and one.runs > 1 and not one.gained):
        gates = {(gate.task, gate.gate): gate for gate in trial.gates}
        for effect in trial.effects:
            gate = gates[effect.task, effect.gate]
            point = (effect.margins, gate.failed / trial.runs, gate.passed / trial.runs)
            points.setdefault((trial.model, effect.task, effect.title), []).append(point)
    return [Curve(*about, *np.array(sorted(each)).T) for about, each in points.items() if len(each) > 1]


def draw(found: Sequence[Curve], path: Path) -> None:
    """Draw all curves, and the changes that they are made of."""
    drawn = []
    for curve in found:
        near = (curve.effects >= SHOWN[0]) & (curve.effects <= SHOWN[1])
        along = np.linspace(max(SHOWN[0], curve.effects[0]), min(SHOWN[1], curve.effects[-1]), 200)
        fitted = _isotonic(increasing=True).fit(curve.effects, 100 * curve.failed).predict(along)
        label = f"{curve.model} on {curve.task}, {curve.title}"
        drawn.append(Dotted(label, curve.effects[near], 100 * curve.failed[near], along, fitted))
    draw_dotted(drawn, "effect on held-out seeds, margins", "runs that fail, %", SHOWN, path)


def _isotonic(increasing: bool) -> Any:
    """Isotonic regression: R. E. Barlow et al., "Statistical inference under order restrictions", 1972."""
    from sklearn.isotonic import IsotonicRegression

    return IsotonicRegression(increasing=increasing, out_of_bounds="clip")
