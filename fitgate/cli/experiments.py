"""Commands that run experiments: on what the gates catch, and on what a change costs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitgate.cli.records import file_name
from fitgate.files import check_writable, write
from fitgate.gates import Outcome
from fitgate.latency.timing import SCENARIOS, SINGLE, Scenario
from fitgate.model import Model, ModelError
from fitgate.record import write_json
from fitgate.tasks import TaskData, TaskError
from fitgate.text import shown

if TYPE_CHECKING:
    from fitgate.plugin.project import Project

SABOTAGE = Path("reports", "sabotage.md")
POOL = Path(".fitgate", "sabotage")
AB = Path("reports", "ab.md")


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    sabotage = commands.add_parser(
        "sabotage",
        help="plant defects in the project's own models, and see what the gates catch",
        description="Plant changes of known kinds and sizes in the models, data and settings of the project around the "
        "current directory, measure on seeds that no gate judges what each costs, and replay runs in which the models' "
        "own gates judge others. Runs of untouched models count false alarms. Then tamper with copies of the "
        "project's session, baselines and record, each to be refused. It needs baselines. Fits are kept, and what the "
        "JSON beside FILE holds of the same work is not done again: what was stopped goes on, and parts (--only) may "
        "be done one by one.",
    )
    sabotage.add_argument(
        "--task", metavar="NAME", help="on which task alone (default: all that the models have, less the slow ones)"
    )
    sabotage.add_argument("--profile", metavar="NAME", help="size of the data (default: its first)")
    sabotage.add_argument("--models", default="", metavar="NAME,...", help="default: all but the slow ones")
    sabotage.add_argument("--baselines", type=Path, metavar="DIR", help="default: as the project has it")
    sabotage.add_argument(
        "--only",
        default="",
        metavar="WORD",
        help="only changes with this in family, name or model, 'sound models', or ways of tampering, such as "
        "'tampering'",
    )
    sabotage.add_argument(
        "--quick", action="store_true", help="two kinds of defect and few seeds: minutes instead of hours"
    )
    sabotage.add_argument(
        "--pool", type=Path, default=POOL, metavar="DIR", help=f"where fits are kept (default: {POOL})"
    )
    sabotage.add_argument(
        "--fit-only",
        action="store_true",
        help="only fit sound models here, for a campaign in another environment to set beside its own",
    )
    sabotage.add_argument(
        "--other-pool",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="fits of sound models of another environment, such as one with an older library, made there by "
        "--fit-only --pool DIR: a change that should not matter. May be given several times",
    )
    sabotage.add_argument(
        "--backend", metavar="NAME", help="fit several seeds side by side, as pytest does with --fit-backend, on loky"
    )
    sabotage.add_argument("--out", type=file_name, default=SABOTAGE, metavar="FILE", help=f"default: {SABOTAGE}")
    sabotage.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="only render a campaign's JSON again")
    sabotage.set_defaults(run=_sabotage)

    ab = commands.add_parser(
        "ab",
        help="compare the latency of two revisions: the gate for pull requests",
        description="Compare the latency of this working tree with that of a revision, in fresh processes that take "
        "turns. Exits non-zero if a model has become slower.",
    )
    base = ab.add_mutually_exclusive_group()
    base.add_argument("--base", metavar="REV", default="HEAD", help="revision to compare with (default: HEAD)")
    base.add_argument(
        "--since-tag",
        action="store_true",
        help="compare with the last tag on the way here: against creep, which steps under the margin hide",
    )
    ab.add_argument("--candidate", metavar="REV", help="revision to compare (default: the working tree as it is)")
    ab.add_argument("--models", default="", metavar="NAME,...", help="default: all that both have, less the slow ones")
    ab.add_argument(
        "--scenario",
        dest="scenarios",
        type=_scenarios,
        metavar="NAME",
        help=f"one of {', '.join(s.name for s in SCENARIOS)} (default: single); several, with commas, for --prove "
        "(default: single,multi)",
    )
    ab.add_argument("--blocks", type=int, metavar="N", help="default: as many as the models need, and two")
    ab.add_argument(
        "--seconds",
        type=float,
        default=1.0,
        metavar="S",
        help="of asking each model, a process, or as long as 25 rounds take (default: 1)",
    )
    ab.add_argument("--out", type=file_name, metavar="FILE", help="also write the report there")
    ab.add_argument(
        "--json", type=file_name, metavar="FILE", help="also write there what is judged, for fitgate comment --ab"
    )
    ab.add_argument("--gate-strict", action="store_true", help="fail if the verdict is inconclusive")
    ab.add_argument("--prove", type=_count, metavar="N", help="instead, compare --base N times with itself")
    ab.add_argument("--from", dest="kept", type=Path, metavar="FILE", help="only render the JSON of --prove again")
    ab.add_argument(
        "--inject",
        type=_shares,
        default="3,5,10,30",
        metavar="PERCENT,...",
        help="slowdowns for --prove, each in one model at a time (default: 3,5,10,30)",
    )
    ab.set_defaults(run=_ab)


def _sabotage(options: argparse.Namespace) -> None:
    from fitgate.executor import Executor
    from fitgate.sabotage.campaign import QUICK, WHOLE, fit_sound, read_campaign, run
    from fitgate.sabotage.pool import Pool
    from fitgate.sabotage.report import write_report
    from fitgate.sabotage.trials import Trials

    def say(line: str) -> None:
        print(shown(line), flush=True)

    check_writable(options.out)
    if options.kept:
        campaign = read_campaign(options.kept)
    else:
        from fitgate.plugin.project import project

        around = project(Path.cwd(), options.profile)
        models = _available(around, [name for name in options.models.split(",") if name])
        data, baselines = _data(around, models, options.task), options.baselines or around.baselines
        modules = [module for model in models.values() for module in model.requires]
        executor = Executor(options.backend, announce=say)
        executor.check()
        spread = executor.spread if options.backend else None
        pool = Pool(options.pool, around.metrics, modules, spread)
        effort = QUICK if options.quick else WHOLE
        if options.fit_only:
            fit_sound(Trials(models, data, around.metrics, baselines, pool), effort, say)
            print(f"fits in {shown(options.pool)}: name it in the other environment with --other-pool")
            return
        campaign = run(
            options.out.with_suffix(".json"),
            models=models,
            data=data,
            metrics=around.metrics,
            baselines=baselines,
            defects=around.defects,
            pool=pool,
            foreign=[Pool(directory, around.metrics, modules, foreign=True) for directory in options.other_pool],
            effort=effort,
            only=options.only,
            say=say,
        )
    write_report(campaign, options.out)
    print(f"report in {shown(options.out)}")


def _available(around: Project, names: Sequence[str]) -> dict[str, Model]:
    """The models of these names, or all but the slow ones, that are trained here and have their libraries."""
    for name in names:
        if name not in around.models:
            raise ModelError(
                "--models",
                found=repr(name),
                expected=f"one of {', '.join(sorted(around.models)) or 'the project: it has no model'}",
                next_step="correct the name, or run this in the project's directory",
            )
    chosen = names or [name for name, model in around.models.items() if not model.slow]
    trained = {name: around.models[name] for name in chosen if around.models[name].is_trained}
    return {name: model for name, model in trained.items() if not model.missing}


def _data(around: Project, models: Mapping[str, Model], name: str | None) -> list[TaskData]:
    """The task of a name, or all that the models have and that are not slow, each on its data."""
    names = list(dict.fromkeys(task.name for model in models.values() for task in model.tasks))
    found = [
        around.tasks[task] for task in names if name == task or (name is None and not around.tasks[task].task.slow)
    ]
    if found:
        return found
    raise TaskError(
        "--task",
        found=repr(name) if name else "no task that is not slow",
        expected=f"one of {', '.join(names) or 'the models: there are none'}",
        next_step="name one of these, or run this in the project's directory",
    )


def _ab(options: argparse.Namespace) -> int:
    from fitgate.ab import report
    from fitgate.ab.comparison import comparison_of
    from fitgate.ab.errors import ComparisonError
    from fitgate.ab.gate import run
    from fitgate.ab.revisions import last_tag
    from fitgate.ab.verdict import judge

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    for path in filter(None, (options.out, options.json)):
        check_writable(path)
    models = [name for name in options.models.split(",") if name]
    if options.since_tag:
        options.base = last_tag(options.candidate or "HEAD")
        say(f"base: {shown(options.base)}")
    if options.prove or options.kept:
        if options.json:
            raise ComparisonError(
                f"--json {options.json}",
                found="the file of one comparison",
                expected="none with --prove, which keeps what it measures beside --out",
                next_step="leave it out",
            )
        return _prove(options, models, say)
    scenario, *others = options.scenarios or [SINGLE]
    if others:
        raise ComparisonError(
            f"--scenario {','.join(s.name for s in options.scenarios)}",
            found=f"{1 + len(others)} scenarios",
            expected="one, except with --prove",
            next_step="compare once in each",
        )
    session = run(
        options.base,
        options.candidate,
        models=models,
        scenario=scenario,
        blocks=options.blocks,
        seconds=options.seconds,
        say=say,
    )
    comparison = comparison_of(session)
    if options.json:
        write_json(comparison, options.json)
    text = report.render(comparison)
    print(text, end="")
    if options.out:
        write(options.out, text)
    bad = {Outcome.FAIL, Outcome.INCONCLUSIVE} if options.gate_strict else {Outcome.FAIL}
    return int(any(finding.outcome in bad for finding in judge(comparison.ratios)))


def _prove(options: argparse.Namespace, models: Sequence[str], say: Callable[[str], None]) -> int:
    from fitgate.ab import proof as proofs
    from fitgate.ab.report import render_proof

    path = options.out or AB
    if options.kept:
        proof = proofs.read_proof(options.kept)
    else:
        proof = proofs.prove(
            path.with_suffix(".json"),
            sessions=options.prove,
            revision=options.base,
            models=models,
            scenarios=options.scenarios or proofs.SCENARIOS,
            blocks=options.blocks,
            seconds=options.seconds,
            slowdowns=options.inject,
            say=say,
        )
    write(path, render_proof(proof))
    print(f"report in {shown(path)}")
    return 0


def _shares(text: str) -> list[float]:
    try:
        return [float(percent) / 100 for percent in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}, expected percents such as 3,5,10,30") from None


def _scenarios(text: str) -> list[Scenario]:
    known = {scenario.name: scenario for scenario in SCENARIOS}
    try:
        return [known[name] for name in dict.fromkeys(text.split(","))]
    except KeyError:
        raise argparse.ArgumentTypeError(f"{text!r}, expected {', '.join(known)}") from None


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}, expected a whole number, 1 or more")
    return int(text)
