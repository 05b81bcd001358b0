"""Curves: throughput against batch size, a curve for each setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fitgate.report.view.measured import Measured
from fitgate.report.view.settings import Batch, Setting


@dataclass(frozen=True)
class Curve:
    """A setting's throughput.

    Attributes:
        setting: whose.
        batches: that it was timed at, from small to large.
        throughputs: examples a second, one a batch size of the comparison; None where it was not timed.
    """

    setting: Setting
    batches: tuple[Batch, ...]
    throughputs: tuple[Measured | None, ...]


@dataclass(frozen=True)
class Curves:
    """All of them, and the batch sizes that there are, as numbers and as titles."""

    sizes: tuple[int, ...]
    rows: tuple[Curve, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """As `1,024 at a time`."""
        return tuple(f"{size:,} at a time" for size in self.sizes)


def curves(settings: Sequence[Setting]) -> Curves | None:
    """The curves of settings that were timed at two batch sizes or more; None where there are none.

    One that is not believed is none.
    """
    believed = [s for s in settings if len(s.batches) > 1 and not s.doubts]
    sizes = sorted({batch.size for setting in believed for batch in setting.batches})
    rows = []
    for setting in believed:
        at = {batch.size: batch.throughput for batch in setting.batches}
        rows.append(Curve(setting, setting.batches, tuple(at.get(size) for size in sizes)))
    return Curves(tuple(sizes), tuple(rows)) if rows else None
