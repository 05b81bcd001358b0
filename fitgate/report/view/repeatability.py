"""Repeatability: whether runs repeated on one machine report p50s within each other's intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from fitgate.latency.timing import MULTI, OFFLINE, SINGLE, SPARE
from fitgate.record import Record
from fitgate.report.view.environment import size

SCENARIOS = (SINGLE.name, MULTI.name, OFFLINE.name)
ENOUGH = 0.9


@dataclass(frozen=True)
class RepeatRow:
    """A model in a scenario, over all runs; times in seconds.

    Attributes:
        model, scenario: names.
        held: how often one run's p50 lies in the interval that another stated, from 0 to 1.
        p50, lowest, highest: of the runs' p50s, the median and the range.
        factor: by which p50s of two runs differ at most, nine times in ten.
    """

    model: str
    scenario: str
    held: float
    p50: float
    lowest: float
    highest: float
    factor: float

    @property
    def enough(self) -> bool:
        """Whether the intervals hold as often as they say."""
        return self.held >= ENOUGH


@dataclass(frozen=True)
class Repeatability:
    """How well repeated runs agree."""

    runs: int
    rows: tuple[RepeatRow, ...]
    paces: tuple[float, ...]
    enough: float
    spare: float
    datasets: tuple[str, ...]
    cpu: str
    cores: int
    started: tuple[str, str]
    commit: str

    @property
    def kept(self) -> int:
        """How many of the rows hold."""
        return sum(row.enough for row in self.rows)

    @property
    def held(self) -> float:
        """How often intervals hold over all rows."""
        return float(np.mean([row.held for row in self.rows])) if self.rows else math.nan


def repeatability_view(records: Sequence[Record]) -> Repeatability:
    """How well repeated runs agree on the p50s of each model in each scenario that all of them have."""
    first, where = records[0], records[0].environment
    models = dict.fromkeys(timing.model for timing in first.timings)
    rows = (_row(records, model, scenario) for model in models for scenario in SCENARIOS)
    return Repeatability(
        runs=len(records),
        rows=tuple(row for row in rows if row is not None),
        paces=tuple(record.pace for record in records),
        enough=ENOUGH,
        spare=SPARE - 1,
        datasets=tuple(map(size, first.datasets)),
        cpu=where.cpu,
        cores=where.cores,
        started=(first.started, records[-1].started),
        commit=first.commit or "",
    )


def _row(records: Sequence[Record], model: str, scenario: str) -> RepeatRow | None:
    runs = [(t, r) for r in records for t in r.timings if (t.model, t.scenario) == (model, scenario)]
    if len(runs) < len(records):
        return None
    stated = [(timing.p50_interval(record.pace), timing.p50) for timing, record in runs]
    pairs = list(permutations(stated, 2))
    factors = [math.exp(abs(math.log(a / b))) for (_, a), (_, b) in pairs]
    p50s = sorted(p50 for _, p50 in stated)
    return RepeatRow(
        model=model,
        scenario=scenario,
        held=float(np.mean([low <= p50 <= high for ((low, high), _), (_, p50) in pairs])),
        p50=p50s[len(p50s) // 2],
        lowest=p50s[0],
        highest=p50s[-1],
        factor=float(np.quantile(factors, ENOUGH)),
    )
