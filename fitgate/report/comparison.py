"""A comparison of machines by records of the same work on each, one or several, against the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from fitgate.record import Record, RecordError
from fitgate.report.differences import difference, warnings
from fitgate.report.entrant import Entrant, ratio
from fitgate.report.repeatability import check_repeats
from fitgate.report.speed import limit_share, percentiles
from fitgate.report.tables import NONE, significant, table, threads
from fitgate.runs.evaluation import Evaluation

FIGURE = "pareto.png"
CAPTION = "Accuracy against the latency of a single image; a colour is a machine, a line is its Pareto front."
SCENARIOS = {
    "single": "p50 of a single image, ms",
    "multi": "p50 of eight images, ms",
    "offline": "p50 of the whole test split, ms",
}
NOTE = """\
A ratio is another machine's time over the first one's: below one it is faster. Its 95 % interval comes from those of
the two p50s. Of a machine with several runs that is Student's, of the logarithms of their p50s; of one with one run it
is a moving-block bootstrap of the queries, widened by the factor by which the machine's own pace changed during the
run. A geometric mean over the models of a single run takes them for independent."""


def write_comparison(
    records: Mapping[str, Sequence[Record]], path: Path, prices: Mapping[str, float] | None = None
) -> Path:
    """Write a comparison in markdown, and its figure into the directory named after it beside it; the path.

    Args:
        records: of a run, or of its repeats, by the name of the machine, the one to compare with first.
        path: of the report.
        prices: of a machine's hour, in US dollars, by its name.

    Raises:
        RecordError: if there are fewer than two machines, their data differs, a record has no timings, those of one
            machine are no repeats, or a price names none.
    """
    from fitgate.report.figures import draw_pareto

    entrants = [Entrant(*item) for item in records.items()]
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
        f"{data.name}, profile {first.record.profile}: {data.n_train:,} training and {data.n_test:,} test images. "
        f"Runs: {', '.join(f'{len(entrant.records)} of {entrant.name}' for entrant in entrants)}.",
        warnings(first, others, models),
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


def _check(entrants: Sequence[Entrant], prices: Mapping[str, float]) -> None:
    if len(entrants) < 2:
        raise RecordError(f"found {len(entrants)} machine, expected two or more to compare.")
    for name, record in ((entrant.name, record) for entrant in entrants for record in entrant.records):
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
    for entrant in entrants:
        try:
            check_repeats(entrant.records)
        except RecordError as error:
            raise RecordError(f"{entrant.name}: {error} Give what is no repeat another NAME.") from error
    for name in prices:
        if name not in [entrant.name for entrant in entrants]:
            raise RecordError(f"--price {name}: no such machine; they are {', '.join(e.name for e in entrants)}.")


def _models(entrants: Sequence[Entrant]) -> list[str]:
    """The models that all records have timings of."""
    names = [list(dict.fromkeys(t.model for t in r.timings)) for entrant in entrants for r in entrant.records]
    return [name for name in names[0] if all(name in other for other in names[1:])]


def _headline(first: Entrant, other: Entrant, models: Sequence[str]) -> str:
    told = []
    for scenario in SCENARIOS:
        timed = [model for model in models if first.timings(model, scenario) and other.timings(model, scenario)]
        if timed:
            told.append(f"{scenario} {ratio(first, other, timed, scenario)}")
    return f"**{other.name}** takes, times {first.name}'s, as a geometric mean of {len(models)} models: " + "; ".join(
        told
    )


def _ratios(entrants: Sequence[Entrant], models: Sequence[str], scenario: str) -> list[list[str]]:
    first, *others = entrants
    rows = []
    for model in models:
        if not first.timings(model, scenario):
            continue
        cells = []
        for other in others:
            computes = "" if difference(first, other, model) is None else " ⚠️"
            found = ratio(first, other, [model], scenario)
            cells += [_milliseconds(other.p50(model, scenario)), f"{found}{computes}" if found else NONE]
        rows.append([model, _milliseconds(first.p50(model, scenario)), *cells])
    return rows


def _details(entrants: Sequence[Entrant], models: Sequence[str]) -> str:
    rows = []
    for model in models:
        for entrant in entrants:
            server = entrant.pooled(model, "server")
            timed = _timed(entrant, model)
            fits = [f.seconds for r in entrant.records for f in r.fits if (f.model, f.task) == timed]
            rows.append(
                [
                    *(model, entrant.name, percentiles(entrant.pooled(model, "single"))),
                    percentiles(entrant.pooled(model, "multi")),
                    f"{server.rate:,.0f}" if server and server.rate else NONE,
                    significant(float(np.median(fits)) if fits else None),
                ]
            )
    headers = ["model", "machine", "single: p50 / p90 / p99, ms", "multi: p50 / p90 / p99, ms"]
    return table([*headers, "server, queries/s", "fit, s (one a run, median)"], rows, right=2)


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
            cells += [_percent(theirs), f"⚠️ {told}" if (told := difference(first, other, model)) else same]
        rows.append([model, _percent(mine), *cells])
    if not rows:
        return "No record has evaluations."
    headers = ["model", first.name, *(cell for e in others for cell in (e.name, f"{e.name} against {first.name}"))]
    return table(headers, rows, right=1)


def _cost(entrants: Sequence[Entrant], models: Sequence[str], prices: Mapping[str, float]) -> str:
    priced = [entrant for entrant in entrants if entrant.name in prices]
    rows = []
    for model in models:
        cells = []
        for entrant in priced:
            offline = entrant.pooled(model, "offline")
            worth = offline.images_per_second * 3600 / prices[entrant.name] / 1e6 if offline else None
            cells.append(significant(worth))
        rows.append([model, *cells])
    headers = ["million images per US dollar, offline", *(f"{e.name}, {prices[e.name]:g} $/h" for e in priced)]
    return table(headers, rows, right=1)


def _machines(entrants: Sequence[Entrant]) -> str:
    def load(records: Sequence[Record]) -> str:
        loads = sorted(c.load for record in records for c in record.conditions if c.load is not None)
        return f"{loads[0]:g} to {loads[-1]:g}" if loads else "not recorded"

    def started(records: Sequence[Record]) -> str:
        return " to ".join(dict.fromkeys((records[0].started, records[-1].started)))

    facts = {
        "processor": [e.record.environment.cpu for e in entrants],
        "cores, memory": [f"{e.record.environment.cores}, {e.record.environment.memory_gib:g} GiB" for e in entrants],
        "accelerator": [e.record.environment.accelerator or "none" for e in entrants],
        "BLAS": [e.record.environment.blas or "not recorded" for e in entrants],
        "threads": [threads(e.record) for e in entrants],
        "load": [load(e.records) for e in entrants],
        "started": [started(e.records) for e in entrants],
        "commit": [(e.record.commit or "not in git") for e in entrants],
    }
    return table(["", *(e.name for e in entrants)], [[name, *values] for name, values in facts.items()])


def _limits(entrants: Sequence[Entrant], models: Sequence[str]) -> str:
    """Speeds of the calibration kernels, and the share of them that models reach."""
    found = [[record.kernel_speeds for record in entrant.records] for entrant in entrants]
    rows = []
    for kernel, unit in dict.fromkeys(chain(*chain(*found))):
        speeds = [list(chain(*(run.get((kernel, unit), []) for run in runs))) for runs in found]
        rows.append([f"{kernel}, {unit}", *(significant(float(np.median(s))) if s else NONE for s in speeds)])
    for model in models:
        shares = [_limit_shares(entrant, model) for entrant in entrants]
        if any(shares):
            kernel = next(t.kernel for entrant in entrants for t in entrant.timings(model, "offline") if t.kernel)
            rows.append([f"{model}, of {kernel}", *(f"{100 * np.median(s):.2g} %" if s else NONE for s in shares)])
    return table(["", *(e.name for e in entrants)], rows, right=1) if rows else "No record has calibrations."


def _limit_shares(entrant: Entrant, model: str) -> list[float]:
    pairs = zip(entrant.records, entrant.timings(model, "offline"), strict=False)  # no timings, or one a record
    return [share for record, timing in pairs if (share := limit_share(record, timing)) is not None]


def _points(entrants: Sequence[Entrant]) -> dict[str, list[tuple[float, float, str]]]:
    """For each machine: milliseconds, accuracy in percent, and the model's name."""
    return {
        entrant.name: [
            (1e3 * p50, 100 * accuracy, model)
            for model in dict.fromkeys(t.model for t in entrant.record.timings)
            if (p50 := entrant.p50(model, "single")) is not None
            if (e := entrant.evaluation(model)) is not None and (accuracy := e.metrics.get("accuracy")) is not None
        ]
        for entrant in entrants
    }


def _milliseconds(seconds: float | None) -> str:
    return significant(None if seconds is None else 1e3 * seconds)


def _percent(evaluation: Evaluation) -> str:
    accuracy = evaluation.metrics.get("accuracy")
    return NONE if accuracy is None else f"{100 * accuracy:.2f} %"
