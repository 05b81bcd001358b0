"""The report of a comparison of machines, and the checks that their records may be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fitgate.files import figures_beside, write
from fitgate.record import Record, RecordError
from fitgate.report.markdown import render
from fitgate.report.repeatability import check_repeats
from fitgate.report.view.comparison import comparison_view
from fitgate.report.view.machine import Machine

FIGURE = "pareto.png"


def write_comparison(
    records: Mapping[str, Sequence[Record]], path: Path, prices: Mapping[str, float] | None = None
) -> Path:
    """Write a comparison in markdown, and its figure into the directory named after it beside it; the path.

    Args:
        records: of a run, or of its repeats, by the name of the machine, the one to compare with first.
        path: of the report.
        prices: of a machine's hour, in US dollars, by its name.

    Raises:
        FileError: if it can't be written.
        RecordError: if there are fewer than two machines, their data differs, a record has no timings, those of one
            machine are no repeats, or a price names none.
    """
    from fitgate.report.pareto import draw_pareto

    machines = [Machine(*item) for item in records.items()]
    _check(machines, prices or {})
    view = comparison_view(machines, prices or {})
    directory = figures_beside(path)
    draw_pareto(view, directory / FIGURE)
    write(path, render("comparison.md.jinja", view=view, figure=f"{directory.name}/{FIGURE}"))
    return path


def _check(machines: Sequence[Machine], prices: Mapping[str, float]) -> None:
    if len(machines) < 2:
        raise RecordError(
            "a comparison",
            found=f"records of {len(machines)} machine",
            expected="those of two or more",
            next_step="name another record; give it a name of its own by NAME=RECORD",
        )
    for machine in machines:
        for record in machine.records:
            _check_record(machine.name, record, machines[0])
        check_repeats(machine.records, machine.name)
    for name in prices:
        if name not in [machine.name for machine in machines]:
            raise RecordError(
                f"--price {name}",
                found="no machine of that name",
                expected=f"one of {', '.join(machine.name for machine in machines)}",
                next_step="correct the name",
            )


def _check_record(name: str, record: Record, first: Machine) -> None:
    if not record.datasets or not record.native_timings:
        raise RecordError(
            name,
            found="a record without timings",
            expected="one of a run with the benchmarks of latency",
            next_step="run pytest there without `--benchmark-skip`, `--benchmark-disable`, `-m` and `-k`, and compare "
            "that run's record",
        )
    of_first = {data.name: data for data in first.record.datasets}
    for data in record.datasets:
        other = of_first.get(data.name)
        if other is None or (data.profile, data.digest) != (other.profile, other.digest):
            raise RecordError(
                name,
                found=f"a run on {data.name}{f', profile {data.profile}' if data.profile else ''}, digest "
                f"{data.digest[:12]}",
                expected=f"the data of {first.name}: "
                + ", ".join(" ".join(filter(None, (d.name, d.profile, d.digest[:12]))) for d in of_first.values()),
                next_step="times of different work can't be compared: repeat one of the runs on the other's data",
            )
