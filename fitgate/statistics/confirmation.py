"""Confirmation: how often fresh seeds see a fall that a group-sequential test has found."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fitgate.statistics.sequential import REMEMBERED, Looks, height_of

SIMULATED = 20_000  # runs


@lru_cache(REMEMBERED)
def power_confirmed(looks: Looks, level: float, missed: float, margin: float, fresh: int, at: float) -> float:
    """How often a fall of just the margin fails at a look, and then with fresh seeds alone, by Student's t at a level.

    By simulation, of a fixed seed: the two tests share the baseline.

    Args:
        looks, level, missed: as for `operation`.
        margin: in SDs of a seed.
        fresh: seeds that confirm.
        at: level at which they do.
    """
    fails, confirmed = simulated(looks, level, missed, margin, margin, fresh, at)
    return float((fails & confirmed).mean())


def simulated(
    looks: Looks, level: float, missed: float, margin: float, fall: float, fresh: int, at: float, seed: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Of many runs of a plan, which end in FAIL, and in which fresh seeds see a fall, too; bool `(runs,)` each.

    Args:
        looks, level, missed, margin, fall: as for `operation`.
        fresh, at: as for `power_confirmed`.
        seed: of the runs.
    """
    from scipy.stats import t

    rng, plan = np.random.default_rng(seed), looks._replace(most=max(looks.first, looks.most))
    freedom, k = plan.baseline - 1, plan.seeds.astype(int)
    mean = rng.standard_normal(SIMULATED)[:, None] / math.sqrt(plan.baseline)
    spread = np.sqrt(rng.chisquare(freedom, SIMULATED)[:, None] / freedom)
    seen = mean - (rng.standard_normal((SIMULATED, plan.most)) - fall).cumsum(axis=1)[:, k - 1] / k
    error = spread * plan.errors
    fails = (seen / error > height_of(plan, level)) & (seen >= margin / 2)
    ends = fails | ((margin - seen) / error > height_of(plan, missed))
    failed = fails[np.arange(SIMULATED), ends.argmax(axis=1)]
    again = mean[:, 0] - rng.standard_normal(SIMULATED) / math.sqrt(fresh) + fall
    height = float(t.isf(at, freedom)) * math.sqrt(1 / plan.baseline + 1 / fresh)
    return failed, again > height * spread[:, 0]
