"""The report of how safely clean models pass their gates: the evidence behind each floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fitgate.gates import GATES, Claim, Evidence, Gate, Verdict
from fitgate.gates.seedwise import each_seed
from fitgate.metrics import METRICS, Metric
from fitgate.record import Record, RecordError, claims, evidence, with_scorers
from fitgate.report.markdown import render
from fitgate.report.view.environment import size
from fitgate.report.view.safety import Safety, safety_of_runs, safety_row
from fitgate.text import counted


def floors(
    records: Sequence[Record], kinds: Mapping[str, type[Gate]] = GATES, metrics: Mapping[str, Metric] = METRICS
) -> str:
    """A table of all gates in some records of the same data, with the highest floor that is safe, in markdown.

    One record of several seeds is enough; of several records, each is of a seed.

    Args:
        records: of finished runs.
        kinds, metrics: of gate, and metrics, by name.

    Raises:
        RecordError: if there is no record, a run did not end, the records are of different data, or two share a seed.
    """
    for record in records:
        if record.status != "finished":
            raise RecordError(
                f"the run of seed {record.settings.seed}, started {record.started}",
                found=f"one that is {record.status}",
                expected="a finished run",
                next_step="leave it out, or repeat it",
            )
    data = {tuple(sorted((d.name, d.profile, d.digest) for d in record.datasets)) for record in records}
    if len(data) != 1 or not all(data):
        raise RecordError(
            "floors",
            found=f"{len(records)} records of {len(data)} different data",
            expected="records of the same data",
            next_step="name records of one profile",
        )
    if len(records) == 1 and records[0].seed_runs:
        record = records[0]
        known = with_scorers(record, metrics)
        seeds = sorted({run.fit.seed for run in record.seed_runs})
        words = f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]}) of one run"
        return floors_by_seed(
            claims(record, kinds, known), evidence(record, known), list(map(size, record.datasets)), words
        )
    seeds = [record.settings.seed for record in records]
    several = sum(bool(record.seed_runs) for record in records)
    if len(set(seeds)) < len(seeds) and several:
        raise RecordError(
            "floors",
            found=f"{counted(len(records), 'record')}, {several} of them of several seeds",
            expected="one record of several seeds, or several of one seed each",
            next_step="name the one of most seeds alone, or leave out those of several",
        )
    if len(set(seeds)) < len(seeds):
        raise RecordError(
            "floors",
            found=f"{counted(len(seeds), 'record')} of {counted(len(set(seeds)), 'seed')}",
            expected="a seed of its own for each record",
            next_step="leave repeats out, or run pytest with other seeds, by --fit-seed",
        )
    return render("floors.md.jinja", view=safety_of_runs(records))


def floors_by_seed(judged: Sequence[Claim], found: Evidence, datasets: Sequence[str], words: str) -> str:
    """The same of gates on given outputs of several seeds, such as those of baselines.

    Args:
        judged: the gates.
        found: their models' outputs.
        datasets: in words.
        words: where the seeds come from.
    """
    known = sorted((several for several in each_seed(judged, found) if several), key=_named)
    rows = [safety_row(several, _higher_is_better(several[0].metric, found)) for several in known]
    confidence = found.settings.confidence
    return render("floors.md.jinja", view=Safety(tuple(datasets), words, confidence, tuple(rows)))


def _named(several: Sequence[Verdict]) -> tuple[str, str, str]:
    return several[0].model, several[0].task, several[0].gate


def _higher_is_better(name: str, found: Evidence) -> bool:
    return name not in found.metrics or found.metrics[name].higher_is_better
