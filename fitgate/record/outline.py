"""An outline of a record: what a history of many needs, read without arrays, words or examples.

Its entries are the record's own, less their arrays: `tests/test_history.py` holds names, types and values to `Record`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from fitgate.disturbances import Disturbance
from fitgate.gates import Outcome, Reason
from fitgate.gates.verdict import SliceVerdict
from fitgate.latency.audit import Audit
from fitgate.latency.timing import Timing
from fitgate.machine import Environment
from fitgate.record.entries import MetricEntry, Settings
from fitgate.record.record import Record
from fitgate.runs import Fit


class Shape(msgspec.Struct, frozen=True):
    """The shape of an array, whose content is not read."""

    shape: tuple[int, ...]


class DataOutline(msgspec.Struct, frozen=True, tag="DataEntry"):
    """A dataset's identity; attributes as `DataEntry` has them."""

    name: str
    profile: str
    digest: str


class TaskOutline(msgspec.Struct, frozen=True, tag="TaskEntry"):
    """A task and its dataset; attributes as `TaskEntry` has them."""

    name: str
    dataset: str
    metrics: list[str]
    target: Shape


class EvaluationOutline(msgspec.Struct, frozen=True, tag="Evaluation"):
    """The values of an evaluation; attributes as `Evaluation` has them."""

    model: str
    task: str
    n: int
    metrics: dict[str, float | None]
    predictions: Shape
    missing: dict[str, str] = {}


class FitOutline(msgspec.Struct, frozen=True, tag="Fit"):
    """Which fit it was, and how long it took; attributes as `Fit` has them."""

    model: str
    task: str
    seed: int
    data_digest: str
    seconds: float | None
    compile_seconds: float | None


class SeedOutline(msgspec.Struct, frozen=True, tag="SeedRun"):
    """A run with one of several seeds; attributes as `SeedRun` has them."""

    fit: FitOutline
    evaluation: EvaluationOutline


class DisturbedOutline(msgspec.Struct, frozen=True, tag="Disturbed"):
    """The values of a disturbed test split; attributes as `Disturbed` has them."""

    model: str
    task: str
    disturbance: Disturbance
    evaluation: EvaluationOutline | None = None


class GateOutline(msgspec.Struct, frozen=True, tag="Declaration"):
    """A gate that was selected; attributes as `Declaration` has them."""

    model: str
    task: str
    gate: str
    kind: str


class VerdictOutline(msgspec.Struct, frozen=True, tag="Verdict"):
    """A verdict without its words; attributes as `Verdict` has them."""

    model: str
    task: str
    gate: str
    outcome: Outcome
    kind: str = ""
    metric: str = ""
    reason: Reason = Reason.OTHER
    value: float | None = None
    threshold: float | None = None
    bound: float | None = None
    bound_of: Literal["value", "lead", "most", "least", ""] = ""
    p_value: float | None = None
    power: float | None = None
    level: float | None = None
    slices: list[SliceVerdict] = []
    under: str = ""


class AboutOutline(msgspec.Struct, frozen=True):
    """What a baseline is of; attributes as `About` has them."""

    model: str
    task: str


class BaselineOutline(msgspec.Struct, frozen=True, tag="Baseline"):
    """A baseline that there is; attributes as `Baseline` has them."""

    about: AboutOutline


class Outline(msgspec.Struct, frozen=True):
    """What was measured in a run, where, of which commit, and how it was judged; attributes as `Record` has them."""

    schema: int
    started: str
    status: Literal["running", "finished", "interrupted"]
    settings: Settings
    commit: str | None
    workers: int
    environment: Environment
    datasets: list[DataOutline] = []
    tasks: list[TaskOutline] = []
    metrics: list[MetricEntry] = []
    gates: list[GateOutline] = []
    baselines: list[BaselineOutline] = []
    fits: list[Fit] = []
    evaluations: list[EvaluationOutline] = []
    verdicts: list[VerdictOutline] = []
    timings: list[Timing] = []
    audits: list[Audit] = []
    seed_runs: list[SeedOutline] = []
    disturbed: list[DisturbedOutline] = []
    threads: dict[str, int] = {}


def outline_of(record: Record) -> Outline:
    """The outline of a record that was read whole."""
    return msgspec.convert(record, Outline, from_attributes=True)
