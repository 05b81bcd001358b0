"""Commands that judge: a record again, and a run's outputs as baselines."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from fitgate.cli.projects import say_absent
from fitgate.cli.records import RECORD
from fitgate.gates import Outcome
from fitgate.gates.baseline import baseline_file
from fitgate.gates.blessing import Proposal, bless, propose
from fitgate.gates.environments import propose_environment
from fitgate.gates.settings import LEAST_SEEDS
from fitgate.record import Record, RecordError, candidates, judge_again, read
from fitgate.text import CELL, shown

if TYPE_CHECKING:
    from fitgate.plugin.project import Project


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    judge = commands.add_parser(
        "judge",
        help="judge a record again, from what it holds",
        description="Judge a run again from its record alone, by the settings that were in force: nothing is trained, "
        "and on any machine the verdicts are the same. Exits non-zero where the run fails, was cut off or has no gate. "
        "Kinds of gate and metrics of the project around the current directory are known, besides the library's own.",
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
        "of other data stay beside it, and hold runs on that data, unless --replace deletes them. Beside it stand a "
        "page in markdown, for reviews, and its anchor: the first baseline that there was, against which it shows the "
        "drift of all later ones.",
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
    kinds = blessing.add_mutually_exclusive_group()
    kinds.add_argument("--anchor", action="store_true", help="let this run's baselines be the anchors from now on")
    kinds.add_argument(
        "--add-environment",
        action="store_true",
        help="keep the baselines, and add to them what this run gave with their seeds on a machine, or with libraries, "
        "that compute other last digits: later runs in this environment pass at once where they give the same; a gate "
        "that fails this run keeps it out",
    )
    blessing.add_argument("--yes", action="store_true", help="write without asking")
    blessing.set_defaults(run=_bless)


def _judge(options: argparse.Namespace) -> int:
    from fitgate.plugin.project import project
    from fitgate.report import run_verdict

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
    for names in _blessed_since(record, around):
        print(f"{names}: its baseline stands there now, and was not there when the run was judged; run pytest again")
    for gate in record.unjudged:
        print(f"not judged: {shown(f'{gate.model} on {gate.task}, {gate.gate}', CELL)}")
    whole = run_verdict(record)
    print(shown(whole.line))
    return int(not whole.lets_pass)


def _blessed_since(record: Record, around: Project) -> Iterator[str]:
    """The models and tasks that had no baseline, and have one by now."""
    for verdict in record.verdicts:
        model, task, data = verdict.model, verdict.task, record.dataset(verdict.task)
        if verdict.outcome is not Outcome.NO_BASELINE or data is None:
            continue
        if baseline_file(around.baselines, data.profile, model, task, data.digest).exists():
            yield shown(f"{model} on {task}", CELL)


def _bless(options: argparse.Namespace) -> None:
    from fitgate.plugin.project import project
    from fitgate.report import page

    around = project(Path.cwd())
    path = options.record or around.latest_run
    record = read(path)
    print(f"{path}: the run of {record.started}")
    directory = options.baselines or around.baselines
    found = candidates(record, around.kinds, around.metrics)
    where = (record.environment, record.commit, directory)
    if options.add_environment:
        proposals, notes = propose_environment(found, *where)
        for note in notes:
            print(shown(note))
        _check_unchanged(record, proposals, around)
        if not proposals:
            return
    else:
        proposals = propose(found, *where, options.least_seeds, anchor=options.anchor)
    for proposal in proposals:
        print(shown(proposal.summary))
        if proposal.drift:
            print(f"  {shown(proposal.drift)}")
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
    bless(proposals, directory, page=page, replace=options.replace)
    size = sum(proposal.path.stat().st_size for proposal in proposals)
    print(f"{counted} in {directory}, {size / 2**20:.2f} MiB")


def _check_unchanged(record: Record, proposals: Sequence[Proposal], around: Project) -> None:
    """Refuse to take for another environment's what a gate fails, by the baselines that stand there.

    Raises:
        RecordError: if there is such a gate.
    """
    standing = {(p.baseline.about.model, p.baseline.about.task): p.before for p in proposals if p.before is not None}
    others = [b for b in record.baselines if (b.about.model, b.about.task) not in standing]
    again = replace(record, baselines=[*others, *standing.values()], unusable_baselines=[])
    for verdict in judge_again(again, around.kinds, around.metrics).verdicts if standing else ():
        if verdict.outcome is Outcome.FAIL and (verdict.model, verdict.task) in standing:
            raise RecordError(
                f"{verdict.model} on {verdict.task}, {verdict.gate}",
                found=f"a gate that fails this run: {verdict.message}",
                expected="output that another environment alone explains, which differs by last digits",
                next_step="mend the model, or bless this run without --add-environment",
            )


def _agrees(question: str) -> bool:
    """Whether the user says yes; where nobody can be asked, nobody does."""
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False
