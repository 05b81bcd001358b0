"""Commands on records: what to make of what was measured."""

from __future__ import annotations

import argparse
import math
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitgate.files import check_writable
from fitgate.record import Record, RecordError, read
from fitgate.text import counted, shown

if TYPE_CHECKING:
    from fitgate.plugin.project import Project

RECORD = "a record.json, or the directory that holds it"
NAMED = "a record; its name is its directory's unless one is given"
COMPARISON = Path("comparison.md")
REPEATABILITY = Path("repeatability.md")
HISTORY = Path("history.md")
SITE = Path("site.html")


def file_name(text: str) -> Path:
    """A path of a file, as an argument of the command line.

    Raises:
        ArgumentTypeError: if it names none.
    """
    if not (path := Path(text)).name:
        raise argparse.ArgumentTypeError(f"found {text!r}, expected the name of a file")
    return path


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    report = commands.add_parser("report", help="render a record's report again")
    report.add_argument("record", type=Path, metavar="RECORD", help=RECORD)
    report.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: beside the record)")
    report.set_defaults(run=_report)

    compare = commands.add_parser(
        "compare",
        help="compare models, engines and machines, from records of the same work",
        description="Compare models, engines and machines, from records of the same work: what there is to choose "
        "from, what of it holds what is wanted, and ratios to the first machine's times. Several records of the same "
        "NAME are repeats on one machine, and make its ratios surer.",
    )
    compare.add_argument("records", nargs="+", metavar="[NAME=]RECORD", help=NAMED)
    compare.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="NAME=USD_PER_HOUR",
        help="what a machine costs; may be repeated",
    )
    compare.add_argument(
        "--want",
        metavar="WANTS",
        help='what is to hold, as "accuracy>=0.97 p99<=5ms": metrics, typical, p50 to p99, throughput, cost, load, '
        "size; names the cheapest that does, and exits with 1 if none does",
    )
    compare.add_argument("--models", default="", metavar="NAME,...", help="default: all that were timed")
    compare.add_argument("--tasks", default="", metavar="NAME,...", help="those on which they were timed; default: all")
    compare.add_argument("--out", type=file_name, default=COMPARISON, metavar="FILE", help=f"default: {COMPARISON}")
    compare.set_defaults(run=_compare)

    site = commands.add_parser(
        "site",
        help="explore runs on one page of HTML, which needs no network",
        description="Render records to one file of HTML that needs nothing else: verdicts; tables to sort and filter; "
        "confusion matrices and misclassified examples to click through; quality against latency; two runs, or two "
        "models, compared example by example; learning curves; and what metrics and times did from run to run.",
    )
    site.add_argument("records", nargs="+", metavar="[NAME=]RECORD", help=NAMED)
    site.add_argument("--out", type=file_name, default=SITE, metavar="FILE", help=f"default: {SITE}")
    site.set_defaults(run=_site)

    repeat = commands.add_parser("repeat", help="how well repeated runs agree on how long queries take")
    repeat.add_argument("records", type=Path, nargs="+", metavar="RECORD", help="records of one run, repeated")
    repeat.add_argument(
        "--out", type=file_name, default=REPEATABILITY, metavar="FILE", help=f"default: {REPEATABILITY}"
    )
    repeat.set_defaults(run=_repeat)

    history = commands.add_parser(
        "history",
        help="what metrics and times did over many runs, and since when they are others",
        description="Read the records of all runs below directories, order them by when they began, and find the runs "
        "since which a metric, a latency or the seconds of a fit are others. Looked at run by run, at most 1 of 100 "
        "histories of 40 runs in which nothing changes is said to have a change. Exits non-zero if a record is "
        "damaged, which is left out, and with --gate-creep.",
    )
    history.add_argument("places", type=Path, nargs="+", metavar="DIR", help="where records lie, at any depth")
    history.add_argument("--out", type=file_name, default=HISTORY, metavar="FILE", help=f"default: {HISTORY}")
    history.add_argument(
        "--since", type=_day, metavar="DATE", help="leave out runs before that day, as before a change that is accepted"
    )
    history.add_argument(
        "--badge", type=file_name, metavar="FILE", help="also write the last run's verdict there, for shields.io"
    )
    history.add_argument(
        "--gate-creep",
        action="store_true",
        help="fail if a metric or a time has become worse and stayed so, or the last run's could not be judged",
    )
    history.set_defaults(run=_history)

    floors = commands.add_parser(
        "floors",
        help="how safely clean seeds clear their gates: what to set a floor to",
        description="Suggest floors that a clean seed fails once in a thousand runs: by one record of several seeds "
        "(pytest --fit-seeds=20), by several records of a seed each, or, where none is named, by the seeds of the "
        "baselines of the project around the current directory.",
    )
    floors.add_argument("records", type=Path, nargs="*", metavar="RECORD", help="records (default: the baselines)")
    floors.add_argument("--profile", metavar="NAME", help="of the baselines' data (default: as the project has it)")
    floors.add_argument("--models", default="", metavar="NAME,...", help="default: all but the slow ones")
    floors.add_argument("--tasks", default="", metavar="NAME,...", help="default: all but the slow ones")
    floors.set_defaults(run=_floors)


def _report(options: argparse.Namespace) -> int:
    from fitgate.report import run_verdict, write_report

    record = read(options.record)
    directory = options.out or (options.record if options.record.is_dir() else options.record.parent)
    kept = len(record.faults)
    path = write_report(record, directory)
    print(f"{shown(run_verdict(record).line)}\nreport in {shown(path)}")
    return int(len(record.faults) > kept)


def _compare(options: argparse.Namespace) -> int:
    from fitgate.report import write_comparison

    records: dict[str, list[Record]] = {}
    for argument in options.records:
        name, path, named = _named(argument)
        if name in records and not named:
            raise _second(argument, name, path, "a name for each machine")
        records.setdefault(name, []).append(read(path))
    prices = dict(_price(argument) for argument in options.price)
    path, answer = write_comparison(
        records, options.out, prices, options.want, _names(options.models), _names(options.tasks)
    )
    if answer is not None:
        print(shown(answer.line))
    print(f"report in {shown(path)}")
    return int(answer is not None and not answer.chosen)


def _named(argument: str) -> tuple[str, Path, bool]:
    """The name of a record, its path, and whether the argument gives the name."""
    name, named, path = argument.partition("=")
    if named:
        return name, Path(path), True
    directory = Path(argument) if Path(argument).is_dir() else Path(argument).parent
    return directory.resolve().name, Path(argument), False


def _second(argument: str, name: str, path: Path, expected: str) -> RecordError:
    return RecordError(
        argument,
        found=f"a second record named {name!r}",
        expected=expected,
        next_step=f"give it another, as NAME={path}",
    )


def _site(options: argparse.Namespace) -> None:
    from fitgate.report import write_site

    check_writable(options.out)
    records: dict[str, Record] = {}
    for argument in options.records:
        name, path, _ = _named(argument)
        if name in records:
            raise _second(argument, name, path, "a name for each run")
        records[name] = read(path)
    path = write_site(records, options.out)
    print(f"{counted(len(records), 'run')} in {shown(path)}, {path.stat().st_size / 1e6:.1f} MB")


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _price(argument: str) -> tuple[str, float]:
    name, _, text = argument.rpartition("=")
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not (name and 0 < price < math.inf):
        raise RecordError(
            "--price", found=repr(argument), expected="NAME=USD_PER_HOUR", next_step="give it as a100=1.29"
        )
    return name, price


def _repeat(options: argparse.Namespace) -> None:
    from fitgate.report import write_repeatability

    print(f"report in {shown(write_repeatability([read(path) for path in options.records], options.out))}")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}, expected a day such as 2026-01-31") from None


def _history(options: argparse.Namespace) -> int:
    from fitgate.report import read_history, write_badge, write_history

    for path in filter(None, (options.out, options.badge)):
        check_writable(path)
    view, last = read_history(options.places, options.since)
    print(shown(view.headline))
    for series in view.changed:
        print(shown(f"{series.subject.name}: {series.sentence(series.changes[-1])}"))
    print(f"report in {shown(write_history(view, options.out))}")
    if options.badge:
        print(f"badge in {shown(write_badge(last, options.badge))}")
    if others := len(view.left_out) - len(view.unusable):
        print(f"left out: {counted(others, 'file')} without a run that has ended, named in the report", file=sys.stderr)
    for line in view.unusable:
        print(f"error: {shown(line)}", file=sys.stderr)
    if options.gate_creep:
        print(shown(f"creep: {f'FAIL, {view.objection}' if view.objection else 'PASS'}"))
    return int(bool(view.unusable or (options.gate_creep and view.objection)))


def _floors(options: argparse.Namespace) -> None:
    from fitgate.plugin.project import project
    from fitgate.report import floors

    around = project(Path.cwd(), options.profile)
    if options.records:
        print(floors([read(path) for path in options.records], around.kinds, around.metrics), end="")
    else:
        print(_floors_of_baselines(around, options), end="")


def _floors_of_baselines(around: Project, options: argparse.Namespace) -> str:
    from fitgate.cli.standing import standing
    from fitgate.gates import BaselineError, JudgeSettings
    from fitgate.record import describe_data
    from fitgate.report.safety import floors_by_seed
    from fitgate.report.view.environment import size

    found = standing(around, _names(options.models), _names(options.tasks), JudgeSettings())
    known = [c for c in found.claims if found.evidence.runs.keys() >= set(c.gate.needs(c.model))]
    judged = [claim for claim in known if not claim.gate.baselines(claim.model)]
    if not judged:
        raise BaselineError(
            around.baselines,
            found="no baseline of a model with a floor",
            expected="baselines, whose seeds show how high a floor may be",
            next_step="bless a run of several seeds, or name records",
        )
    data = {of_task.dataset.name: of_task.dataset for of_task in found.data.values()}
    return floors_by_seed(judged, found.evidence, [size(describe_data(one)) for one in data.values()], "the baselines")
