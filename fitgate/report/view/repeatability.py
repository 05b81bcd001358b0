"""Repeatability: how well runs repeated on one machine agree on how long queries take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from fitgate.latency.timing import MULTI, OFFLINE, SINGLE
from fitgate.record import Record
from fitgate.report.view.environment import size

SCENARIOS = (SINGLE.name, MULTI.name, OFFLINE.name)
ENOUGH = 0.9


@dataclass(frozen=True)
class RepeatRow:
    """A model in a scenario, over all runs; times in seconds.

    Attributes:
        model, scenario: names.
        held: how often one run's typical query lies in the interval that another stated, from 0 to 1; None where a run
            stated none, as of one process.
        typical, lowest, highest: the median and the range of the runs' typical queries.
        factor: by which those of two runs differ at most, nine times in ten.
    """

    model: str
    scenario: str
    held: float | None
    typical: float
    lowest: float
    highest: float
    factor: float

    @property
    def enough(self) -> bool:
        """Whether the intervals hold as often as they say."""
        return self.held is not None and self.held >= ENOUGH


@dataclass(frozen=True)
class Repeatability:
    """How well repeated runs agree."""

    runs: int
    rows: tuple[RepeatRow, ...]
    processes: int
    enough: float
    datasets: tuple[str, ...]
    cpu: str
    cores: int
    started: tuple[str, str]
    commit: str

    @property
    def stated(self) -> int:
        """How many of the rows have intervals."""
        return sum(row.held is not None for row in self.rows)

    @property
    def kept(self) -> int:
        """How many of the rows hold."""
        return sum(row.enough for row in self.rows)

    @property
    def held(self) -> float:
        """How often intervals hold over all rows that have some."""
        return float(np.mean([row.held for row in self.rows if row.held is not None])) if self.stated else math.nan

    @property
    def worst_first(self) -> list[RepeatRow]:
        """Those whose intervals don't hold, then the others, each from the least repeatable on."""
        return sorted(self.rows, key=lambda row: (row.held is None or row.enough, -row.factor))

    @property
    def usual(self) -> float:
        """By which the typical queries of two runs differ at most, nine times in ten, in half of the rows."""
        return float(np.median([row.factor for row in self.rows])) if self.rows else math.nan

    @property
    def factor(self) -> float:
        """By which the typical queries of two runs differ at most, nine times in ten, in the row where most."""
        return max((row.factor for row in self.rows), default=math.nan)


def repeatability_view(records: Sequence[Record]) -> Repeatability:
    """How well repeated runs agree on the typical query of each model in each scenario that all of them have."""
    first, where = records[0], records[0].environment
    models = dict.fromkeys(timing.model for timing in first.native_timings)
    rows = (_row(records, model, scenario) for model in models for scenario in SCENARIOS)
    return Repeatability(
        runs=len(records),
        rows=tuple(row for row in rows if row is not None),
        processes=first.settings.processes,
        enough=ENOUGH,
        datasets=tuple(map(size, first.datasets)),
        cpu=where.cpu,
        cores=where.cores,
        started=(first.started, records[-1].started),
        commit=first.commit or "",
    )


def _row(records: Sequence[Record], model: str, scenario: str) -> RepeatRow | None:
    runs = [t for r in records for t in r.native_timings if (t.model, t.scenario) == (model, scenario)]
    if len(runs) < len(records):
        return None
    pairs = list(permutations([(timing.interval, timing.typical) for timing in runs], 2))
    factors = [math.exp(abs(math.log(a / b))) for (_, a), (_, b) in pairs]
    held = [of[0] <= typical <= of[1] for (of, _), (_, typical) in pairs if of is not None]
    typicals = sorted(timing.typical for timing in runs)
    return RepeatRow(
        model=model,
        scenario=scenario,
        held=float(np.mean(held)) if len(held) == len(pairs) else None,
        typical=typicals[len(typicals) // 2],
        lowest=typicals[0],
        highest=typicals[-1],
        factor=float(np.quantile(factors, ENOUGH)),
    )
