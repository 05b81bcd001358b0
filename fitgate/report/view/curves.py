"""Curves: throughput against batch size, of each model as an engine serves it on a machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fitgate.latency.timing import BATCH, MULTI, OFFLINE, SERVER, SINGLE
from fitgate.record import Record
from fitgate.report.view.machine import Machine, Served
from fitgate.report.view.measured import Measured

SIZES = (OFFLINE.name, SINGLE.name, MULTI.name)  # of scenarios with one batch size, the one that counts


@dataclass(frozen=True)
class Batch:
    """A batch size, and how many examples a second are answered at it."""

    size: int
    throughput: Measured


@dataclass(frozen=True)
class Curve:
    """A throughput, by the batch sizes that were timed, from small to large."""

    model: str
    engine: str
    machine: str
    batches: tuple[Batch, ...]

    @property
    def served(self) -> str:
        """As `knn by onnx`."""
        return str(Served(self.model, self.engine))


@dataclass(frozen=True)
class CurveRow:
    """A curve in a table.

    Attributes:
        model, engine, machine: names.
        throughputs: examples a second, one a batch size of the table; None where it was not timed.
    """

    model: str
    engine: str
    machine: str
    throughputs: tuple[Measured | None, ...]


@dataclass(frozen=True)
class Curves:
    """All of them, and the batch sizes that there are, from small to large."""

    sizes: tuple[int, ...]
    curves: tuple[Curve, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """The sizes as titles of columns, such as `1,024 at a time`."""
        return tuple(f"{size:,} at a time" for size in self.sizes)

    @property
    def rows(self) -> tuple[CurveRow, ...]:
        """The same as a table."""
        found = []
        for curve in self.curves:
            at = {batch.size: batch.throughput for batch in curve.batches}
            cells = tuple(at.get(size) for size in self.sizes)
            found.append(CurveRow(curve.model, curve.engine, curve.machine, cells))
        return tuple(found)


def curves(every: Iterable[Curve]) -> Curves | None:
    """The curves of two batch sizes or more; None where there are none."""
    known = tuple(curve for curve in every if len(curve.batches) > 1)
    sizes = sorted({batch.size for curve in known for batch in curve.batches})
    return Curves(tuple(sizes), known) if known else None


def curves_of(record: Record) -> Curves | None:
    """Those of a run in which batches of other sizes than the scenarios' were timed; None where none were.

    What is not believed is none.
    """
    if not any(timing.scenario == BATCH for timing in record.timings):
        return None
    machine = Machine("", [record])
    believed = [of for of in machine.served if not machine.doubts(of)]
    return curves(Curve(*of, machine.name, batches(machine, of)) for of in believed)


def batches(machine: Machine, of: Served) -> tuple[Batch, ...]:
    """Throughput by batch size, of all scenarios whose queries wait for nothing but the model."""
    found: dict[int, Measured] = {}
    others = [name for name in machine.scenarios if name not in (*SIZES, SERVER.name)]
    for scenario in (*SIZES, *others):
        if (throughput := throughput_of(machine, of, scenario)) is not None:
            found.setdefault(machine.timings(of, scenario)[0].batch_size, throughput)
    return tuple(Batch(*item) for item in sorted(found.items()))


def throughput_of(machine: Machine, of: Served, scenario: str) -> Measured | None:
    """Examples a second in a scenario; None where it was not timed."""
    typical = machine.typical(of, scenario)
    return None if typical is None else typical.over(machine.timings(of, scenario)[0].batch_size)
