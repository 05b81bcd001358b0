"""Memory: what models take of it."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.record import Record


@dataclass(frozen=True)
class MemoryRow:
    """A model's memory, in bytes.

    Attributes:
        model: its name.
        fit, predict: peak of a process that fits it, and of one that loads it and predicts the test split.
        fitting, predicting: the part of these that came with fitting, and with the model and predicting.
        device: peak of the accelerator's memory; None where there is none, or it does not say.
        disk: the pickled estimator.
    """

    model: str
    fit: int
    fitting: int
    predict: int
    predicting: int
    device: int | None
    disk: int


def memory(record: Record) -> tuple[MemoryRow, ...]:
    """A row for each model that was measured."""
    return tuple(
        MemoryRow(m.model, m.fit, m.fit - m.fit_before, m.predict, m.predict - m.predict_before, m.device, m.disk)
        for m in record.memory
    )
