"""A comparison of machines: any number of records of the same work, against the first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from suite.harness.evaluation import Evaluation
from suite.harness.machine import changes
from suite.harness.metrics import right
from suite.harness.record import Record, RecordError
from suite.harness.reporting.speed import limit_share, percentiles
from suite.harness.reporting.tables import NONE, significant, table
from suite.harness.statistics import McNemar
from suite.harness.tasks import DIGITS
from suite.harness.timing import Timing

FIGURE = "pareto.png"
CAPTION = "Accuracy against the latency of a single image; a colour is a machine, a line is its Pareto front."
DIFFERENT = 0.01  # p-value, two-sided, below which two accuracies differ
SCENARIOS = {
    "single": "p50 of a single image, ms",
    "multi": "p50 of eight images, ms",
    "offline": "p50 of the whole test split, ms",
}
# What a library's version can touch: the models whose implementation names it, or all for None.
TOUCHED = {"jax": "models.cnn", "jaxlib": "models.cnn", "flax": "models.cnn", "optax": "models.cnn", "torch": "torch"}
NOTE = """\
A ratio is another machine's time over the first one's: below one it is faster. Its 95 % interval comes from those of
the two medians: a moving-block bootstrap of the queries, widened for what changes from run to run. A geometric mean's
interval takes the models for independent."""


class Entrant(NamedTuple):
    """A record, by the name that the comparison calls it."""

    name: str
    record: Record

    def timing(self, model: str, scenario: str) -> Timing | None:
        """A model's timing in a scenario."""
        return next((t for t in self.record.timings if (t.model, t.scenario) == (model, scenario)), None)

    def evaluation(self, model: str) -> Evaluation | None:
        """What a model made of the ten digits."""
        found = (e for e in self.record.evaluations if (e.model, e.task) == (model, DIGITS.name))
        return next(found, None)


class Ratio(NamedTuple):
    """A ratio of times with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def write_comparison(records: Mapping[str, Record], path: Path, prices: Mapping[str, float] | None = None) -> Path:
    """Write a comparison in markdown, and its figure into the directory named after it beside it; the path.

    Args:
        records: by the name of the machine, the one to compare with first.
        path: of the report.
        prices: of a machine's hour, in US dollars, by its name.

    Raises:
        RecordError: if there are fewer than two records, their data differs, one has no timings, or a price names none.
    """
    from suite.harness.reporting.figures import draw_pareto

    entrants = [Entrant(name, record) for name, record in records.items()]
    _check(entrants, prices or {})
    directory = path.with_suffix("")
    directory.mkdir(parents=True, exist_ok=True)
    draw_pareto(_points(entrants), directory / FIGURE)
    path.write_text(render(entrants, prices or {}, f"{directory.name}/{FIGURE}"), encoding="utf-8")
    return path


def render(entrants: Sequence[Entrant], prices: Mapping[str, float], figure: str) -> str:
    """The comparison in markdown."""
    first, *others = entrants
    data = first.record.data
    assert data is not None, "records without data are refused"
    models = _models(entrants)
    sections = [
        f"# Comparison: {', '.join(entrant.name for entrant in entrants)}",
        "\n".join(f"- {_headline(first, other, models)}" for other in others),
        f"{data.name}, profile {first.record.profile}: {data.n_train:,} training and {data.n_test:,} test images.",
        _warnings(first, others, models),
    ]
    for scenario, title in SCENARIOS.items():
        if rows := _ratios(entrants, models, scenario):
            headers = ["model", first.name, *(f"{e.name}: {what}" for e in others for what in ("ms", "ratio"))]
            sections.append(f"## {title}\n\n{table(headers, rows, right=1)}")
    sections += [
        NOTE,
        f"## Tail, server and fit\n\n{_details(entrants, models)}",
        f"## Accuracy on the ten digits\n\n{_accuracy(first, others, models)}",
        f"![{CAPTION}]({figure})\n\n{CAPTION}",
    ]
    if prices:
        sections.append(f"## Cost\n\n{_cost(entrants, models, prices)}")
    sections += [f"## Machines\n\n{_machines(entrants)}", f"## Limits\n\n{_limits(entrants, models)}"]
    return "\n\n".join(filter(None, sections)) + "\n"


def ratio(first: Timing, other: Timing) -> Ratio:
    """The other's p50 over the first's."""
    value = float(np.median(other.seconds) / np.median(first.seconds))
    reach = math.hypot(_reach(first), _reach(other))
    return Ratio(value, value * math.exp(-reach), value * math.exp(reach))


def geometric_mean(ratios: Sequence[Ratio]) -> Ratio:
    """The geometric mean of independent ratios."""
    centre = sum(math.log(r.value) for r in ratios) / len(ratios)
    reach = math.sqrt(sum((math.log(r.high / r.low) / 2) ** 2 for r in ratios)) / len(ratios)
    return Ratio(*(math.exp(centre + x) for x in (0, -reach, reach)))


def _reach(timing: Timing) -> float:
    low, high = timing.p50_interval
    return math.log(high / low) / 2


def _check(entrants: Sequence[Entrant], prices: Mapping[str, float]) -> None:
    if len(entrants) < 2:
        raise RecordError(f"found {len(entrants)} record, expected two or more to compare.")
    for name, record in entrants:
        if record.data is None or not record.timings:
            raise RecordError(f"{name}: a record without timings; expected one of a run of suite/latency.")
        for what, mine, theirs in (
            ("data", record.data.digest, entrants[0].record.data and entrants[0].record.data.digest),
            ("profile", record.profile, entrants[0].record.profile),
        ):
            if mine != theirs:
                raise RecordError(
                    f"{name}: its {what} is {mine}, that of {entrants[0].name} {theirs}; expected the same. Times of "
                    "different work can't be compared: repeat one run on the other's data."
                )
    for name in prices:
        if name not in [entrant.name for entrant in entrants]:
            raise RecordError(f"--price {name}: no such machine; they are {', '.join(e.name for e in entrants)}.")


def _models(entrants: Sequence[Entrant]) -> list[str]:
    """The models that all records have timings of."""
    names = [list(dict.fromkeys(t.model for t in entrant.record.timings)) for entrant in entrants]
    return [name for name in names[0] if all(name in other for other in names[1:])]


def _headline(first: Entrant, other: Entrant, models: Sequence[str]) -> str:
    told = []
    for scenario in SCENARIOS:
        pairs = [(first.timing(m, scenario), other.timing(m, scenario)) for m in models]
        ratios = [ratio(a, b) for a, b in pairs if a and b]
        if ratios:
            told.append(f"{scenario} {geometric_mean(ratios)}")
    return f"**{other.name}** takes, times {first.name}'s, as a geometric mean of {len(models)} models: " + "; ".join(
        told
    )


def _ratios(entrants: Sequence[Entrant], models: Sequence[str], scenario: str) -> list[list[str]]:
    first, *others = entrants
    rows = []
    for model in models:
        mine = first.timing(model, scenario)
        if mine is None:
            continue
        cells = []
        for other in others:
            theirs = other.timing(model, scenario)
            computes = "" if _difference(first, other, model) is None else " ⚠️"
            cells += [_milliseconds(theirs), f"{ratio(mine, theirs)}{computes}" if theirs else NONE]
        rows.append([model, _milliseconds(mine), *cells])
    return rows


def _details(entrants: Sequence[Entrant], models: Sequence[str]) -> str:
    rows = []
    for model in models:
        for entrant in entrants:
            server = entrant.timing(model, "server")
            fit = next((f.seconds for f in entrant.record.fits if (f.model, f.task) == _timed(entrant, model)), None)
            rows.append(
                [
                    *(model, entrant.name, percentiles(entrant.timing(model, "single"))),
                    percentiles(entrant.timing(model, "multi")),
                    f"{server.rate:,.0f}" if server and server.rate else NONE,
                    significant(fit),
                ]
            )
    headers = ["model", "machine", "single: p50 / p90 / p99, ms", "multi: p50 / p90 / p99, ms"]
    return table([*headers, "server, queries/s", "fit, s (once)"], rows, right=2)


def _timed(entrant: Entrant, model: str) -> tuple[str, str]:
    return model, next(t.task for t in entrant.record.timings if t.model == model)


def _accuracy(first: Entrant, others: Sequence[Entrant], models: Sequence[str]) -> str:
    rows = []
    for model in models:
        mine = first.evaluation(model)
        if mine is None:
            continue
        cells = []
        for other in others:
            theirs = other.evaluation(model)
            if theirs is None:
                cells += [NONE, NONE]
                continue
            differing = int((mine.predictions != theirs.predictions).sum())
            same = "identical predictions" if not differing else f"{differing:,} predictions differ"
            cells += [_percent(theirs), f"⚠️ {told}" if (told := _difference(first, other, model)) else same]
        rows.append([model, _percent(mine), *cells])
    if not rows:
        return "No record has evaluations."
    headers = ["model", first.name, *(cell for e in others for cell in (e.name, f"{e.name} against {first.name}"))]
    return table(headers, rows, right=1)


def _difference(first: Entrant, other: Entrant, model: str) -> str | None:
    """What tells that a machine computes something else; None if nothing does."""
    mine, theirs = first.evaluation(model), other.evaluation(model)
    if mine is None or theirs is None or first.record.data is None:
        return None
    truth = first.record.data.test_labels
    was, is_now = right(truth, mine.predictions), right(truth, theirs.predictions)
    test = McNemar(int((was & ~is_now).sum()), int((is_now & ~was).sum()), len(truth))
    p_value = min(1.0, 2 * min(test.p_value, 1 - test.p_value))
    if p_value >= DIFFERENT:
        return None
    return f"computes something else: {-100 * test.size:+.2f} points, McNemar's p = {p_value:.1g}"


def _warnings(first: Entrant, others: Sequence[Entrant], models: Sequence[str]) -> str:
    """What differs besides the machine, and which models that touches."""
    told = []
    for other in others:
        a, b = first.record, other.record
        for change in changes(a.environment, b.environment):
            library = change.split()[0]
            if library in ("processor", "cores", "system", "accelerator", "BLAS", "pytest", "pytest-benchmark"):
                continue  # that is the machine, or touches no model
            told.append(f"{other.name}: {change}; touches {_touched(first, models, library)}")
        if a.threads != b.threads:
            told.append(
                f"{other.name}: threads {_threads(a)} -> {_threads(b)}; touches every model that works in parallel"
            )
        for model in models:
            dtypes = [_dtype(entrant.evaluation(model)) for entrant in (first, other)]
            if dtypes[0] != dtypes[1]:
                told.append(f"{other.name}: scores are {dtypes[0]} -> {dtypes[1]}; touches {model}")
        if a.commit != b.commit:
            told.append(f"{other.name}: commit {(a.commit or 'none')[:12]} -> {(b.commit or 'none')[:12]}; touches all")
    for entrant in (first, *others):
        if entrant.record.workers > 1:
            told.append(f"{entrant.name}: {entrant.record.workers} processes timed at once; touches all of its times")
    return "## Warnings\n\n" + "\n".join(f"- {words}." for words in told) if told else ""


def _touched(first: Entrant, models: Sequence[str], library: str) -> str:
    if library not in TOUCHED:
        return "all models"
    of = {f.model: f.implementation for f in first.record.fits}
    return ", ".join(m for m in models if TOUCHED[library] in of.get(m, "")) or "no model here"


def _threads(record: Record) -> str:
    return ", ".join(f"{name} {count}" for name, count in record.threads.items()) or "not recorded"


def _dtype(evaluation: Evaluation | None) -> str:
    return str(evaluation.scores.dtype) if evaluation is not None and evaluation.scores is not None else "none"


def _cost(entrants: Sequence[Entrant], models: Sequence[str], prices: Mapping[str, float]) -> str:
    priced = [entrant for entrant in entrants if entrant.name in prices]
    rows = []
    for model in models:
        cells = []
        for entrant in priced:
            offline = entrant.timing(model, "offline")
            worth = offline.images_per_second * 3600 / prices[entrant.name] / 1e6 if offline else None
            cells.append(significant(worth))
        rows.append([model, *cells])
    headers = ["million images per US dollar, offline", *(f"{e.name}, {prices[e.name]:g} $/h" for e in priced)]
    return table(headers, rows, right=1)


def _machines(entrants: Sequence[Entrant]) -> str:
    def load(record: Record) -> str:
        return ", ".join(f"{c.load:g} ({c.when})" for c in record.conditions if c.load is not None) or "not recorded"

    facts = {
        "processor": [e.record.environment.cpu for e in entrants],
        "cores, memory": [f"{e.record.environment.cores}, {e.record.environment.memory_gib:g} GiB" for e in entrants],
        "accelerator": [e.record.environment.accelerator or "none" for e in entrants],
        "BLAS": [e.record.environment.blas or "not recorded" for e in entrants],
        "threads": [_threads(e.record) for e in entrants],
        "load": [load(e.record) for e in entrants],
        "started": [e.record.started for e in entrants],
        "commit": [(e.record.commit or "not in git") for e in entrants],
    }
    return table(["", *(e.name for e in entrants)], [[name, *values] for name, values in facts.items()])


def _limits(entrants: Sequence[Entrant], models: Sequence[str]) -> str:
    """Speeds of the calibration kernels, and the share of them that models reach."""
    kernels = dict.fromkeys((c.kernel, c.unit) for entrant in entrants for c in entrant.record.calibrations)
    rows = []
    for kernel, unit in kernels:
        speeds = [[np.median(c.speeds) for c in e.record.calibrations if c.kernel == kernel] for e in entrants]
        rows.append([f"{kernel}, {unit}", *(significant(float(np.median(s))) if s else NONE for s in speeds)])
    for model in models:
        timings = [entrant.timing(model, "offline") for entrant in entrants]
        shares = [limit_share(e.record, t) if t else None for e, t in zip(entrants, timings, strict=True)]
        if any(share is not None for share in shares):
            kernel = next(t.kernel for t in timings if t and t.kernel)
            rows.append([f"{model}, of {kernel}", *(NONE if s is None else f"{100 * s:.2g} %" for s in shares)])
    return table(["", *(e.name for e in entrants)], rows, right=1) if rows else "No record has calibrations."


def _points(entrants: Sequence[Entrant]) -> dict[str, list[tuple[float, float, str]]]:
    """For each machine: milliseconds, accuracy in percent, and the model's name."""
    return {
        entrant.name: [
            (1e3 * float(np.median(t.seconds)), 100 * accuracy, t.model)
            for t in entrant.record.timings
            if t.scenario == "single" and (e := entrant.evaluation(t.model)) is not None
            if (accuracy := e.metrics.get("accuracy")) is not None
        ]
        for entrant in entrants
    }


def _milliseconds(timing: Timing | None) -> str:
    return NONE if timing is None else significant(1e3 * float(np.median(timing.seconds)))


def _percent(evaluation: Evaluation) -> str:
    accuracy = evaluation.metrics.get("accuracy")
    return NONE if accuracy is None else f"{100 * accuracy:.2f} %"
