"""Batches: how many examples a second models answer, by how many they are asked about at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fitgate.engines import named
from fitgate.latency.timing import BATCH, MULTI, SINGLE, Timing
from fitgate.record import Record
from fitgate.report.view.words import Noun, noun

SCENARIOS = (SINGLE.name, MULTI.name, BATCH)


@dataclass(frozen=True)
class BatchRow:
    """A model as an engine serves it: examples a second, for each size of batch; None where it was not timed."""

    model: str
    engine: str
    rates: tuple[float | None, ...]

    @property
    def named(self) -> str:
        """As `fitgate.engines.named` has it."""
        return named(self.model, self.engine)


@dataclass(frozen=True)
class Batches:
    """All models; their rates are in the order of the sizes, the smallest first."""

    sizes: tuple[int, ...]
    rows: tuple[BatchRow, ...]
    noun: Noun


def batches(record: Record) -> Batches | None:
    """The rates of all models that were timed in batches of other sizes than the scenarios'; None if none was."""
    timed = [timing for timing in record.timings if timing.scenario in SCENARIOS]
    keys = dict.fromkeys((timing.model, timing.engine) for timing in timed if timing.scenario == BATCH)
    if not keys:
        return None
    own = {key: [t for t in timed if (t.model, t.engine) == key] for key in keys}
    sizes = tuple(sorted({timing.batch_size for timings in own.values() for timing in timings}))
    rows = tuple(BatchRow(*key, tuple(_rate(timings, size) for size in sizes)) for key, timings in own.items())
    return Batches(sizes, rows, noun(record.dataset(timing.task) for timing in timed))


def _rate(timings: Iterable[Timing], size: int) -> float | None:
    return next((timing.examples_per_second for timing in timings if timing.batch_size == size), None)
