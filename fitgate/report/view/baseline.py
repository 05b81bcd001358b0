"""A baseline: what its seeds come to, how far that is from those before, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fitgate.gates.baseline import Baseline
from fitgate.gates.blessing import Proposal
from fitgate.gates.drift import CONFIDENCE, drift
from fitgate.machine import Environment
from fitgate.metrics import Metric
from fitgate.report.view.environment import Fact
from fitgate.statistics import mean_interval
from fitgate.text import counted, listed


@dataclass(frozen=True)
class ValueRow:
    """A metric of the seeds, in words; `spread` and `interval` are empty for one seed.

    `worst` is the value of the seed that did worst, which it names.
    """

    metric: str
    mean: str
    spread: str
    interval: str
    worst: str


@dataclass(frozen=True)
class DriftRow:
    """How far a metric has moved since another baseline, in words."""

    since: str
    metric: str
    moved: str


@dataclass(frozen=True)
class BaselinePage:
    """What stands beside a baseline for its readers."""

    model: str
    task: str
    profile: str
    confidence: float
    values: tuple[ValueRow, ...]
    drifts: tuple[DriftRow, ...]
    facts: tuple[Fact, ...]


def baseline_page(proposal: Proposal) -> BaselinePage:
    """What a baseline that has been blessed is, and what has changed by it."""
    about, candidate = proposal.baseline.about, proposal.candidate
    metrics = list({metric.name: metric for metric in candidate.metrics}.values())
    since = {"the former": proposal.before, "the anchor": proposal.anchor}
    return BaselinePage(
        about.model,
        about.task,
        about.profile,
        CONFIDENCE,
        tuple(_values(proposal, metric) for metric in metrics),
        tuple(row for name, other in since.items() if other is not None for row in _drifts(name, other, proposal)),
        tuple(_facts(proposal.baseline)),
    )


def _values(proposal: Proposal, metric: Metric) -> ValueRow:
    values = np.array(proposal.baseline.values(metric, proposal.candidate.truth.target))
    worst = int(values.argmin() if metric.higher_is_better else values.argmax())
    several = len(values) > 1
    factor, unit = (100, "points") if metric.unit == "share" else (1, metric.unit)
    return ValueRow(
        metric.title,
        metric.shown(float(values.mean())),
        f"{factor * values.std(ddof=1):.3g} {unit}".strip() if several else "",
        " to ".join(map(metric.shown, mean_interval(values, CONFIDENCE))) if several else "",
        f"{metric.shown(float(values[worst]))}, seed {proposal.baseline.about.seeds[worst]}",
    )


def _drifts(name: str, other: Baseline, proposal: Proposal) -> Iterator[DriftRow]:
    about, candidate = other.about, proposal.candidate
    if about.content == proposal.baseline.about.content:
        return
    day = f" of {about.blessed.when:%Y-%m-%d}" if about.blessed else ""
    since = f"{name}{day}, {len(about.seeds)} seed{'s' * (len(about.seeds) > 1)}"
    for metric in {metric.name: metric for metric in candidate.metrics}.values():
        moved = drift(other, proposal.baseline, metric, candidate.truth.target)
        yield DriftRow(since, metric.title, "not known: it has no value" if moved is None else moved.words(metric))


def _facts(baseline: Baseline) -> Iterator[Fact]:
    about = baseline.about
    yield Fact("seeds", f"{listed(about.seeds)} ({len(about.seeds)})")
    made = about.implementation or "predictions made elsewhere"
    yield Fact("model", f"{made}{', ' * bool(about.execution)}{about.execution}")
    yield Fact("machine", _machine(about.environment))
    libraries = about.environment.libraries.items()
    yield Fact("software", ", ".join([f"Python {about.environment.python}", *(f"{k} {v}" for k, v in libraries)]))
    yield Fact("commit", "" if about.commit else "none", about.commit or "")
    if about.blessed is not None:
        yield Fact("blessed", f"{about.blessed.when:%Y-%m-%d}")
    yield Fact("data", "SHA-256", about.data_digest)
    yield Fact("outputs", "SHA-256", about.content)
    for origin in about.others:
        changed = "; ".join(about.origins[0].changes(origin.environment, origin.execution))
        day = f" of {origin.added:%Y-%m-%d}" if origin.added else ""
        yield Fact(f"another environment{day}", f"seeds {listed(origin.seeds)}; {changed}; SHA-256", origin.content)


def _machine(where: Environment) -> str:
    words = [where.cpu, counted(where.cores, "core"), f"{where.memory_gib:g} GiB", where.system, where.blas]
    return ", ".join(filter(None, [*words, where.accelerator]))
