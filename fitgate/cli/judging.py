"""Commands that judge: a record again, and a run's outputs as baselines."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fitgate.cli.projects import say_absent
from fitgate.cli.records import RECORD
from fitgate.gates import Outcome
from fitgate.gates.blessing import LEAST_SEEDS, bless, propose
from fitgate.plugin.project import project
from fitgate.record import RecordError, candidates, judge_again, read
from fitgate.text import CELL, shown


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    judge = commands.add_parser(
        "judge",
        help="judge a record again, from what it holds",
        description="Judge a run again from its record alone, by the settings that were in force: nothing is trained, "
        "and on any machine the verdicts are the same. Exits non-zero unless the run passes. Kinds of gate and metrics "
        "of the project around the current directory are known, besides the library's own.",
    )
    judge.add_argument(
        "record", type=Path, nargs="?", metavar="RECORD", help=f"{RECORD} (default: the project's last run)"
    )
    judge.set_defaults(run=_judge)

    blessing = commands.add_parser(
        "bless",
        help="make a run's outputs the baselines of the regression gates",
        description="Make a run's outputs the baselines that regression gates hold later runs to. It shows what would "
        "change, and asks. Run it in the project's root directory. A baseline is kept by model, task and data: those "
        "of other data stay beside it, and hold runs on that data, unless --replace deletes them.",
    )
    blessing.add_argument(
        "record", type=Path, nargs="?", metavar="RECORD", help=f"{RECORD} (default: the project's last run)"
    )
    blessing.add_argument(
        "--baselines", type=Path, metavar="DIR", help="where baselines are kept (default: as the project has it)"
    )
    blessing.add_argument("--least-seeds", type=int, default=LEAST_SEEDS, metavar="K", help=f"default: {LEAST_SEEDS}")
    blessing.add_argument(
        "--replace", action="store_true", help="delete the baselines of the same models and tasks on other data"
    )
    blessing.add_argument("--yes", action="store_true", help="write without asking")
    blessing.set_defaults(run=_bless)


def _judge(options: argparse.Namespace) -> int:
    from fitgate.report import RunOutcome, run_verdict

    around = project(Path.cwd())
    say_absent(around)
    path = options.record or around.latest_run
    record = read(path)
    print(f"{path}: the run of {record.started}")
    kept = {(v.model, v.task, v.gate): v for v in record.verdicts}
    record.verdicts = judge_again(record, around.kinds, around.metrics).verdicts
    for verdict in record.verdicts:
        earlier = kept.get((verdict.model, verdict.task, verdict.gate))
        differs = f" (the record has {earlier.outcome})" if earlier and earlier.outcome is not verdict.outcome else ""
        names = shown(f"{verdict.model} on {verdict.task}, {verdict.gate}", CELL)
        print(f"{verdict.outcome}{differs}: {names}. {shown(verdict.message)}")
    whole = run_verdict(record)
    print(shown(whole.line))
    return int(whole.outcome is not RunOutcome.PASS)


def _bless(options: argparse.Namespace) -> None:
    around = project(Path.cwd())
    path = options.record or around.latest_run
    record = read(path)
    print(f"{path}: the run of {record.started}")
    directory = options.baselines or around.baselines
    found = candidates(record, around.kinds, around.metrics)
    proposals = propose(found, record.environment, record.commit, directory, options.least_seeds)
    for proposal in proposals:
        print(shown(proposal.summary))
        for other in proposal.others:
            fate = "is deleted" if options.replace else "stays; --replace deletes it"
            print(f"  beside it, of other data: {shown(other.name, CELL)}, which {fate}")
    for verdict in record.verdicts:
        if verdict.outcome is Outcome.FAIL:
            names = shown(f"{verdict.model} on {verdict.task}, {verdict.gate}", CELL)
            print(f"In this run a gate failed: {names}.")
    if (record.commit or "-dirty").endswith("-dirty"):
        print("The run's working tree was not a commit: nobody can repeat it.")
    counted = f"{len(proposals)} baseline{'s' * (len(proposals) != 1)}"
    question = f"Write {counted} into {directory}? [y/N] "
    if not options.yes and not _agrees(question):
        raise RecordError(
            "bless", found="no consent", expected="y or --yes", next_step="nothing was written; run it again to write"
        )
    bless(proposals, directory, replace=options.replace)
    size = sum(proposal.path.stat().st_size for proposal in proposals)
    print(f"{counted} in {directory}, {size / 2**20:.2f} MiB")


def _agrees(question: str) -> bool:
    """Whether the user says yes; where nobody can be asked, nobody does."""
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False
