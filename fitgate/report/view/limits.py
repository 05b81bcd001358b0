"""The machine's limits: how fast kernels ran, and how near models come to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitgate.latency.timing import OFFLINE, Timing
from fitgate.record import Record

# How much of a kernel's unit is one of what models count their work in: operations, bytes, nodes, calls.
UNITS = {"GFLOP/s": 1e9, "GB/s": 1e9, "M nodes/s": 1e6, "k calls/s": 1e3}
DESCRIPTIONS = {
    "gemm": "the product of two float32 matrices, 1,024 by 1,024",
    "copy": "a copy of 64 MiB in memory",
    "tree": "rows that fall through a decision tree of depth 12, by scikit-learn",
    "dispatch": "calls of NumPy that do next to nothing",
}


@dataclass(frozen=True)
class Share:
    """The share of a kernel's speed that a model reaches, from 0 to 1."""

    model: str
    share: float


@dataclass(frozen=True)
class LimitRow:
    """A kernel's speeds, in its unit, and the models whose work it measures.

    Attributes:
        kernel, unit: names.
        median, lowest, highest: of its speeds between the models' timings.
        shares: of its median speed that models reach.
        description: what it does; empty for a plugin's.
    """

    kernel: str
    unit: str
    median: float
    lowest: float
    highest: float
    shares: tuple[Share, ...]
    description: str


def limits(record: Record) -> tuple[LimitRow, ...]:
    """A row for each kernel that ran."""
    rows = []
    for (kernel, unit), speeds in record.kernel_speeds.items():
        offline = [t for t in record.native_timings if (t.scenario, t.kernel) == (OFFLINE.name, kernel)]
        shares = ((t.model, limit_share(record, t)) for t in offline)
        reached = tuple(Share(model, share) for model, share in shares if share is not None)
        median, lowest, highest = float(np.median(speeds)), min(speeds), max(speeds)
        rows.append(LimitRow(kernel, unit, median, lowest, highest, reached, DESCRIPTIONS.get(kernel, "")))
    return tuple(rows)


def limit_share(record: Record, timing: Timing) -> float | None:
    """The share that a timing reaches of the speed of the kernel that measures its work; None where undefined."""
    for (kernel, unit), speeds in record.kernel_speeds.items():
        if kernel == timing.kernel and unit in UNITS and timing.work_per_example is not None:
            return timing.examples_per_second * timing.work_per_example / (UNITS[unit] * float(np.median(speeds)))
    return None
