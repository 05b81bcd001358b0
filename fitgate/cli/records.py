"""Commands on records: what to make of what was measured."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import Any

from fitgate.gates.blessing import LEAST_SEEDS, bless, propose
from fitgate.record import Record, RecordError, read

BASELINES = Path("reports", "baselines")
COMPARISON = Path("comparison.md")
REPEATABILITY = Path("repeatability.md")


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    report = commands.add_parser("report", help="render a record's report again")
    report.add_argument("record", type=Path, metavar="RECORD", help="a record.json, or the directory of a run")
    report.add_argument("--out", type=Path, metavar="DIR", help="where to write (default: beside the record)")
    report.set_defaults(run=_report)

    notebook = commands.add_parser("notebook", help="render the story of a run of suite/notebook again")
    notebook.add_argument("record", type=Path, metavar="RECORD", help="a record.json, or the directory of a run")
    notebook.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: notebook.md beside it)")
    notebook.set_defaults(run=_notebook)

    race = commands.add_parser("race", help="compare how fast and how well models learn, from a run with --seeds")
    race.add_argument("record", type=Path, metavar="RECORD", help="a record.json, or the directory of a run")
    race.add_argument("--models", default="cnn,torch_cnn", metavar="NAME,...", help="default: cnn,torch_cnn")
    race.add_argument("--target", type=float, default=0.99, metavar="ACCURACY", help="default: 0.99")
    race.add_argument("--out", type=Path, metavar="FILE", help="where to write (default: race.md beside the record)")
    race.set_defaults(run=_race)

    compare = commands.add_parser(
        "compare",
        help="compare machines, from records of the same work",
        description="Compare machines, from records of the same work on each: ratios to the first one's times. Several "
        "records of the same NAME are repeats on one machine, and make its ratios surer.",
    )
    compare.add_argument(
        "records", nargs="+", metavar="[NAME=]RECORD", help="a record; its name is its directory's unless one is given"
    )
    compare.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="NAME=USD_PER_HOUR",
        help="what a machine costs; may be repeated",
    )
    compare.add_argument("--out", type=Path, default=COMPARISON, metavar="FILE", help=f"default: {COMPARISON}")
    compare.set_defaults(run=_compare)

    repeat = commands.add_parser("repeat", help="how well repeated runs agree: whether p50s hold their intervals")
    repeat.add_argument("records", type=Path, nargs="+", metavar="RECORD", help="records of one run, repeated")
    repeat.add_argument("--out", type=Path, default=REPEATABILITY, metavar="FILE", help=f"default: {REPEATABILITY}")
    repeat.set_defaults(run=_repeat)

    floors = commands.add_parser("floors", help="how safely clean seeds clear their gates: what to set a floor to")
    floors.add_argument("records", type=Path, nargs="+", metavar="RECORD", help="records of several seeds")
    floors.set_defaults(run=_floors)

    blessing = commands.add_parser("bless", help="make a run's predictions the baselines of the regression gates")
    blessing.add_argument("record", type=Path, metavar="RECORD", help="a record.json, or the directory of a run")
    blessing.add_argument("--baselines", type=Path, default=BASELINES, metavar="DIR", help=f"default: {BASELINES}")
    blessing.add_argument("--least-seeds", type=int, default=LEAST_SEEDS, metavar="K", help=f"default: {LEAST_SEEDS}")
    blessing.add_argument("--yes", action="store_true", help="write without asking")
    blessing.set_defaults(run=_bless)


def _report(options: argparse.Namespace) -> None:
    from fitgate.report import verdict_line, write_report

    record = read(options.record)
    directory = options.out or _beside(options.record)
    directory.mkdir(parents=True, exist_ok=True)
    path = write_report(record, directory)
    print(f"{verdict_line(record)}\nreport in {path}")


def _notebook(options: argparse.Namespace) -> None:
    from fitgate.report import verdict_line, write_story

    record = read(options.record)
    path = options.out or _beside(options.record) / "notebook.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    print(f"{verdict_line(record)}\nreport in {write_story(record, path)}")


def _race(options: argparse.Namespace) -> None:
    from fitgate.report import write_race

    path = options.out or _beside(options.record) / "race.md"
    print(f"report in {write_race(read(options.record), path, options.models.split(','), options.target)}")


def _compare(options: argparse.Namespace) -> None:
    from fitgate.report import write_comparison

    records: dict[str, list[Record]] = {}
    for argument in options.records:
        name, named, path = argument.partition("=")
        path = Path(path if named else argument)
        name = name if named else (path if path.is_dir() else path.parent).resolve().name
        if name in records and not named:
            raise RecordError(f"{argument}: a second record named {name!r}; give it another, as NAME={path}.")
        records.setdefault(name, []).append(read(path))
    prices = {}
    for argument in options.price:
        name, _, price = argument.rpartition("=")
        try:
            prices[name] = float(price)
        except ValueError:
            prices[name] = math.nan
        if not (name and 0 < prices[name] < math.inf):
            raise RecordError(f"--price {argument}: expected NAME=USD_PER_HOUR, such as a100=1.29.")
    print(f"report in {write_comparison(records, options.out, prices)}")


def _repeat(options: argparse.Namespace) -> None:
    from fitgate.report import write_repeatability

    print(f"report in {write_repeatability([read(path) for path in options.records], options.out)}")


def _floors(options: argparse.Namespace) -> None:
    from fitgate.report import floors

    print(floors([read(path) for path in options.records]), end="")


def _bless(options: argparse.Namespace) -> None:
    record = read(options.record)
    proposals = propose(record, options.baselines, options.least_seeds)
    for proposal in proposals:
        print(proposal.words)
    if (record.commit or "-dirty").endswith("-dirty"):
        print("The run's working tree was not a commit: nobody can repeat it.")
    question = f"Write {len(proposals)} baselines into {options.baselines}? [y/N] "
    if not options.yes and input(question).strip().lower() not in ("y", "yes"):
        raise RecordError("nothing was written.")
    bless(proposals)
    size = sum(proposal.path.stat().st_size for proposal in proposals)
    print(f"{len(proposals)} baselines in {options.baselines}, {size / 2**20:.2f} MiB")


def _beside(record: Path) -> Path:
    return record if record.is_dir() else record.parent
