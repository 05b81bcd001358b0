"""The machines of a comparison: what they are, how fast their kernels ran, and how near models come to that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from fitgate.latency.timing import OFFLINE
from fitgate.record import Record
from fitgate.report.view.limits import limit_share
from fitgate.report.view.machine import Machine, Served
from fitgate.report.view.words import gpus, threads


@dataclass(frozen=True)
class Row:
    """A named row of values, one a machine."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class NumberRow:
    """A named row of numbers, one a machine."""

    name: str
    values: tuple[float | None, ...]


def facts(machines: Sequence[Machine]) -> tuple[Row, ...]:
    def row(name: str, values: Sequence[str]) -> Row:
        return Row(name, tuple(values))

    where = [machine.record.environment for machine in machines]
    return (
        row("processor", [e.cpu for e in where]),
        row("cores, memory", [f"{e.cores}, {e.memory_gib:g} GiB" for e in where]),
        row("accelerator", [gpus(e) or "none" for e in where]),
        row("energy", [_energy(machine) for machine in machines]),
        row("BLAS", [e.blas or "not recorded" for e in where]),
        row("threads", [threads(machine.record) for machine in machines]),
        row("load", [_load(machine.records) for machine in machines]),
        row("started", [" to ".join(dict.fromkeys((m.records[0].started, m.records[-1].started))) for m in machines]),
        row("commit", [machine.record.commit or "none" for machine in machines]),
    )


def _energy(machine: Machine) -> str:
    if any(timing.joules for record in machine.records for timing in record.timings):
        return "counted"
    why = machine.record.environment.unmetered.values()
    return f"not counted: {', '.join(why)}" if why else "not recorded"


def _load(records: Sequence[Record]) -> str:
    loads = sorted(c.load for record in records for c in record.conditions if c.load is not None)
    return f"{loads[0]:g} to {loads[-1]:g}" if loads else "not recorded"


def kernels(machines: Sequence[Machine]) -> tuple[NumberRow, ...]:
    """Median speeds of the calibration kernels."""
    found = [[record.kernel_speeds for record in machine.records] for machine in machines]
    rows = []
    for kernel, unit in dict.fromkeys(chain(*chain(*found))):
        speeds = [list(chain(*(run.get((kernel, unit), []) for run in runs))) for runs in found]
        rows.append(NumberRow(f"{kernel}, {unit}", tuple(float(np.median(s)) if s else None for s in speeds)))
    return tuple(rows)


def shares(machines: Sequence[Machine], models: Sequence[str]) -> tuple[NumberRow, ...]:
    """The shares of the kernels' speeds that models reach."""
    rows = []
    for model in models:
        shares = [_share(machine, model) for machine in machines]
        if any(share is not None for share in shares):
            kernel = next(t.kernel for m in machines for t in m.timings(Served(model), OFFLINE.name) if t.kernel)
            rows.append(NumberRow(f"{model}, of {kernel}", tuple(shares)))
    return tuple(rows)


def _share(machine: Machine, model: str) -> float | None:
    pairs = zip(
        machine.records, machine.timings(Served(model), OFFLINE.name), strict=False
    )  # no timings, or one a record
    shares = [share for record, timing in pairs if (share := limit_share(record, timing)) is not None]
    return float(np.median(shares)) if shares else None
