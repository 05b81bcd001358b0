"""The command line: `python -m suite`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from suite.harness.baseline import BaselineError
from suite.harness.blessing import LEAST_SEEDS, bless, propose
from suite.harness.gates import Outcome
from suite.harness.record import RecordError, read
from suite.harness.timing import SCENARIOS

BASELINES = Path("reports", "baselines")
SABOTAGE = Path("reports", "sabotage.md")
AB = Path("reports", "ab.md")
COMPARISON = Path("comparison.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m suite", description="What to do with records of digit-bench. The suite itself runs as pytest."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

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
        description="Compare machines, from records of the same work on each: ratios to the first one's times.",
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

    floors = commands.add_parser("floors", help="how safely clean seeds clear their gates: what to set a floor to")
    floors.add_argument("records", type=Path, nargs="+", metavar="RECORD", help="records of several seeds")
    floors.set_defaults(run=_floors)

    blessing = commands.add_parser("bless", help="make a run's predictions the baselines of the regression gates")
    blessing.add_argument("record", type=Path, metavar="RECORD", help="a record.json, or the directory of a run")
    blessing.add_argument("--baselines", type=Path, default=BASELINES, metavar="DIR", help=f"default: {BASELINES}")
    blessing.add_argument("--least-seeds", type=int, default=LEAST_SEEDS, metavar="K", help=f"default: {LEAST_SEEDS}")
    blessing.add_argument("--yes", action="store_true", help="write without asking")
    blessing.set_defaults(run=_bless)

    sabotage = commands.add_parser("sabotage", help="plant defects in our own models, and see what the gates catch")
    sabotage.add_argument("--baselines", type=Path, default=BASELINES, metavar="DIR", help=f"default: {BASELINES}")
    sabotage.add_argument("--only", default="", metavar="WORD", help="only defects with this in family, name or model")
    sabotage.add_argument("--seeds", type=int, default=5, metavar="K", help="seeds of each defect (default: 5)")
    sabotage.add_argument("--controls", type=int, default=300, metavar="N", help="clean runs (default: 300)")
    sabotage.add_argument("--out", type=Path, default=SABOTAGE, metavar="FILE", help=f"default: {SABOTAGE}")
    sabotage.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="only render a campaign's JSON again")
    sabotage.set_defaults(run=_sabotage)

    ab = commands.add_parser(
        "ab",
        help="compare the latency of two revisions: the gate for pull requests",
        description="Compare the latency of this working tree with that of a revision, in fresh processes that take "
        "turns. Exits non-zero if a model has become slower.",
    )
    ab.add_argument("--base", metavar="REV", default="HEAD", help="revision to compare with (default: HEAD)")
    ab.add_argument("--candidate", metavar="REV", help="revision to compare (default: the working tree as it is)")
    ab.add_argument("--models", default="", metavar="NAME,...", help="default: all that both have, less the slow ones")
    ab.add_argument("--scenario", choices=[s.name for s in SCENARIOS], default="single", help="default: single")
    ab.add_argument("--blocks", type=int, metavar="N", help="default: as many as the models need, and two")
    ab.add_argument("--seconds", type=float, default=0.3, metavar="S", help="of asking, a process (default: 0.3)")
    ab.add_argument("--out", type=Path, metavar="FILE", help="also write the report there")
    ab.add_argument("--strict-gates", action="store_true", help="fail if the verdict is inconclusive")
    ab.add_argument("--prove", type=int, metavar="N", help="instead, compare this tree N times with itself")
    ab.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="only render the JSON of --prove again")
    ab.add_argument("--inject", default="3,5,10,30", metavar="PERCENT,...", help="slowdowns for --prove")
    ab.set_defaults(run=_ab)

    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (RecordError, BaselineError, LookupError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _report(options: argparse.Namespace) -> None:
    from suite.harness.reporting import verdict_line, write_report

    record = read(options.record)
    directory = options.out or _beside(options.record)
    directory.mkdir(parents=True, exist_ok=True)
    path = write_report(record, directory)
    print(f"{verdict_line(record)}\nreport in {path}")


def _notebook(options: argparse.Namespace) -> None:
    from suite.harness.reporting import verdict_line, write_story

    record = read(options.record)
    path = options.out or _beside(options.record) / "notebook.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    print(f"{verdict_line(record)}\nreport in {write_story(record, path)}")


def _race(options: argparse.Namespace) -> None:
    from suite.harness.reporting import write_race

    path = options.out or _beside(options.record) / "race.md"
    print(f"report in {write_race(read(options.record), path, options.models.split(','), options.target)}")


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


def _sabotage(options: argparse.Namespace) -> None:
    from suite.sabotage.campaign import read_campaign, run
    from suite.sabotage.report import render

    if options.kept:
        campaign = read_campaign(options.kept)
    else:
        campaign = run(
            options.out.with_suffix(".json"),
            options.baselines,
            seeds=options.seeds,
            controls=options.controls,
            only=options.only,
            say=lambda words: print(words, flush=True),
        )
    options.out.write_text(render(campaign), encoding="utf-8")
    print(f"report in {options.out}")


def _compare(options: argparse.Namespace) -> None:
    from suite.harness.reporting import write_comparison

    records = {}
    for argument in options.records:
        name, named, path = argument.partition("=")
        path = Path(path if named else argument)
        name = name if named else (path if path.is_dir() else path.parent).resolve().name
        if name in records:
            raise RecordError(f"{argument}: a second record named {name!r}; give it another, as NAME={path}.")
        records[name] = read(path)
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


def _ab(options: argparse.Namespace) -> int:
    from suite.ab import report
    from suite.ab.gate import run
    from suite.ab.verdict import judge

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    models = [name for name in options.models.split(",") if name]
    if options.prove or options.kept:
        return _prove(options, models, say)
    (scenario,) = (s for s in SCENARIOS if s.name == options.scenario)
    session = run(
        options.base,
        options.candidate,
        models=models,
        scenario=scenario,
        blocks=options.blocks,
        seconds=options.seconds,
        say=say,
    )
    findings = judge(session)
    told = report.render(session, findings)
    print(told, end="")
    if options.out:
        options.out.write_text(told, encoding="utf-8")
    bad = {Outcome.FAIL, Outcome.INCONCLUSIVE} if options.strict_gates else {Outcome.FAIL}
    return int(any(finding.outcome in bad for finding in findings))


def _prove(options: argparse.Namespace, models: Sequence[str], say: Callable[[str], None]) -> int:
    from suite.ab.proof import prove, read_proof
    from suite.ab.report import render_proof
    from suite.ab.session import enough_blocks

    path = options.out or AB
    if options.kept:
        proof = read_proof(options.kept)
    else:
        proof = prove(
            path.with_suffix(".json"),
            sessions=options.prove,
            model=models[0] if models else "sgd",
            blocks=options.blocks or enough_blocks(1),
            seconds=options.seconds,
            slowdowns=[float(percent) / 100 for percent in options.inject.split(",")],
            say=say,
        )
    path.write_text(render_proof(proof), encoding="utf-8")
    print(f"report in {path}")
    return 0


def _beside(record: Path) -> Path:
    return record if record.is_dir() else record.parent


def _floors(options: argparse.Namespace) -> None:
    from suite.harness.reporting import floors

    print(floors([read(path) for path in options.records]), end="")
