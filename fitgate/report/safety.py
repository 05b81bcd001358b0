"""The report of how safely clean models pass their gates: the evidence behind each floor."""

from __future__ import annotations

from collections.abc import Sequence

from fitgate.record import Record, RecordError
from fitgate.report.markdown import render
from fitgate.report.view.safety import safety_view


def floors(records: Sequence[Record]) -> str:
    """A table of all gates in some records of the same data, with the highest floor that is safe, in markdown.

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
    seeds = [record.settings.seed for record in records]
    if len(set(seeds)) < len(seeds):
        raise RecordError(
            "floors",
            found=f"{len(seeds)} records of {len(set(seeds))} seeds",
            expected="one record a seed",
            next_step="leave repeats out, or run pytest with other seeds, by --fit-seed",
        )
    return render("floors.md.jinja", view=safety_view(records))
