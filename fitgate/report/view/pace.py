"""Pace: how long queries take, set against an earlier run's where the machines are of one kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fitgate.latency.timing import SINGLE
from fitgate.machine import machine_changes
from fitgate.record import Record


@dataclass(frozen=True)
class TimeChange:
    """A model's typical single query before and now, in seconds, and where that of another run as before would lie."""

    model: str
    task: str
    before: float
    now: float
    interval: tuple[float, float] | None

    @property
    def ratio(self) -> float:
        """Now to before."""
        return self.now / self.before

    @property
    def beyond(self) -> bool | None:
        """Whether it now lies where nine runs of ten as before would not; None where that is not known."""
        return None if self.interval is None else not self.interval[0] <= self.now <= self.interval[1]


def times(record: Record, base: Record) -> Iterator[TimeChange]:
    """The typical single queries of models that both runs timed, less those that audits don't believe."""
    doubted = {(a.model, a.engine) for of in (record, base) for a in of.doubted}
    before = {(t.model, t.task): t for t in base.native_timings if t.scenario == SINGLE.name}
    for now in record.native_timings:
        other = before.get((now.model, now.task))
        if other and now.scenario == SINGLE.name and (now.model, now.engine) not in doubted:
            yield TimeChange(now.model, now.task, other.typical, now.typical, other.interval)


def no_times(record: Record, base: Record) -> str:
    """Why times can't be compared, as a clause; empty where they can, or there are none."""
    if not record.native_timings or not base.native_timings:
        return ""
    if moved := machine_changes(base.environment, record.environment):
        return f"the machine is another ({', '.join(moved)})"
    for of, which in ((record, "this run"), (base, "the base")):
        if of.workers > 1:
            return f"{of.workers} processes of {which} were timed at once"
    return ""


def pace(record: Record, base: Record) -> tuple[float, float] | None:
    """How fast the calibration kernels ran, to the base's: the slowest and the fastest; None without any."""
    speeds = base.kernel_speeds
    ratios = [
        float(np.median(now) / np.median(speeds[kernel]))
        for kernel, now in record.kernel_speeds.items()
        if kernel in speeds
    ]
    return (min(ratios), max(ratios)) if ratios else None
