"""The report of a comparison of settings, and the checks that its records may be compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from fitgate.files import figures_beside, write
from fitgate.record import Record, RecordError
from fitgate.report.markdown import render
from fitgate.report.repeatability import check_repeats
from fitgate.report.view.answer import Answer
from fitgate.report.view.comparison import comparison_view, described
from fitgate.report.view.machine import Machine
from fitgate.report.wants import OPTION, read_wants

PARETO, CURVES = "pareto.png", "throughput.png"


class Written(NamedTuple):
    """A comparison's path, and its answer to what was wanted; None where nothing was."""

    path: Path
    answer: Answer | None


def write_comparison(
    records: Mapping[str, Sequence[Record]],
    path: Path,
    prices: Mapping[str, float] | None = None,
    want: str | None = None,
    models: Collection[str] = (),
    tasks: Collection[str] = (),
) -> Written:
    """Write a comparison in markdown, and its figures into the directory named after it beside it.

    Args:
        records: of a run, or of its repeats, by the name of the machine, the one to compare with first.
        path: of the report.
        prices: of a machine's hour, in US dollars, by its name.
        want: what a setting is to hold, as `accuracy>=0.97 p99<=5ms`; None for nothing.
        models: names of those that are compared; empty for all.
        tasks: names of those on which they were timed; empty for all.

    Raises:
        FileError: if it can't be written.
        RecordError: if there is nothing to compare, the machines' data differ, a record has no timings, those of one
            machine are no repeats, a price names none, or nothing was timed of the models and tasks that are named.
        WantError: if what is wanted can't be read.
    """
    machines = [Machine(name, [_kept(one, models, tasks) for one in of]) for name, of in records.items()]
    _check(machines, prices or {}, want)
    wants = () if want is None else read_wants(want, described(machines))
    view = comparison_view(machines, prices or {}, wants)
    figures, directory = {}, figures_beside(path)
    from fitgate.report.charts import draw_curves, draw_pareto

    for name, drawn, draw in ((PARETO, view.points, draw_pareto), (CURVES, view.curves, draw_curves)):
        if drawn:
            draw(view, directory / name)
            figures[name] = quote(f"{directory.name}/{name}")
    write(path, render("comparison.md.jinja", view=view, pareto=figures.get(PARETO), curves=figures.get(CURVES)))
    return Written(path, view.answer)


def _kept(record: Record, models: Collection[str], tasks: Collection[str]) -> Record:
    """A record without the timings of other models and on other tasks."""
    timed = [[t.model for t in record.timings], [t.task for t in record.timings]]
    for option, known, names in zip(("--models", "--tasks"), timed, (models, tasks), strict=True):
        if unknown := sorted(set(names).difference(known)):
            raise RecordError(
                f"{option} {','.join(unknown)}",
                found="nothing of that name that was timed",
                expected=f"some of {', '.join(sorted(set(known)))}",
                next_step="correct the name",
            )
    kept = copy(record)
    kept.timings = [t for t in record.timings if (not models or t.model in models) and (not tasks or t.task in tasks)]
    kept.engines = [e for e in record.engines if (not models or e.model in models) and (not tasks or e.task in tasks)]
    return kept


def _check(machines: Sequence[Machine], prices: Mapping[str, float], want: str | None) -> None:
    for machine in machines:
        for record in machine.records:
            _check_record(machine.name, record, machines[0])
        check_repeats(machine.records, machine.name)
    if len(machines) < 2 and want is None and len({of.engine for of in machines[0].served}) < 2:
        raise RecordError(
            "a comparison",
            found="records of 1 machine, and of one engine",
            expected="those of two machines, or of several engines (`pytest --fit-engines`)",
            next_step=f"name another machine's record, by NAME=RECORD, or ask which model to take, by {OPTION}",
        )
    for name in prices:
        if name not in [machine.name for machine in machines]:
            raise RecordError(
                f"--price {name}",
                found="no machine of that name",
                expected=f"one of {', '.join(machine.name for machine in machines)}",
                next_step="correct the name",
            )


def _check_record(name: str, record: Record, first: Machine) -> None:
    if not record.datasets or not record.timings:
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
