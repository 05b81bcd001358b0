"""The command that plans: what regression gates can see and what they cost, before anything is trained."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from fitgate.cli.projects import say_absent
from fitgate.cli.standing import standing
from fitgate.gates import JudgeSettings
from fitgate.gates.planning import LARGER, Plan, level_of_each, plans
from fitgate.gates.settings import MOST_BUDGET, MOST_SEEDS
from fitgate.model import ModelError
from fitgate.text import CELL, counted, shown

LEGEND = """\
Of models whose output is no longer the baseline's: one that gives the baseline's passes at once, and is no test.
{tests}. A model takes {most} at most.
- margin: the fall that the gate answers for, and what it is in SDs of the baseline's seeds
- seeds: of the model, on average: where nothing is lost / where just the margin is
- power: how often a fall of just the margin FAILs; no more than {missed:.0%} of such models PASS
- of NoFlips, the margin is what may break, and where a fall of it is meant, twice as much breaks
- of a gate by slices, a row is a slice, at the least level that it may have among them
- open: how often it ends INCONCLUSIVE, where nothing is lost / where just the margin is
- alarms: how often a model that is no worse FAILs this gate
- {larger}: the power with a baseline of so many seeds
- examples: of the test split; of a deterministic model also how many leave nothing undecided, if the difference of
  two outputs is as uncertain as one of them\
"""
HEADERS = ["model", "task", "gate", "baseline", "margin", "seeds", "power", "open", "alarms", "examples"]


def add_commands(commands: Any) -> None:
    """Declare it to a parser's subparsers."""
    plan = commands.add_parser(
        "plan",
        help="what the regression gates can see, how often they err, and what they cost",
        description="Before anything is trained: for each regression gate of the project around the current directory, "
        "how many seeds it will take, how often it finds a fall of its margin, how often it FAILs a model that is no "
        "worse, and what a larger baseline or test split would buy. It loads the data and reads the baselines.",
    )
    plan.add_argument("--profile", metavar="NAME", help="size of the data (default: as the project has it)")
    plan.add_argument("--models", default="", metavar="NAME,...", help="default: all but the slow ones")
    plan.add_argument("--tasks", default="", metavar="NAME,...", help="default: all but the slow ones")
    plan.add_argument("--seeds", type=int, default=0, metavar="K", help="from the start, as --fit-seeds (default: one)")
    plan.add_argument(
        "--budget",
        type=int,
        default=MOST_SEEDS,
        metavar="K",
        help=f"seeds that a model may come to, as --gate-budget (default: {MOST_SEEDS})",
    )
    plan.set_defaults(run=_plan)


def _plan(options: argparse.Namespace) -> None:
    from tabulate import tabulate

    from fitgate.plugin.project import project

    around = project(Path.cwd(), options.profile)
    say_absent(around)
    for name, count in (("--seeds", options.seeds), ("--budget", options.budget)):
        if not 0 <= count <= MOST_BUDGET:
            raise ModelError(
                name,
                found=str(count),
                expected=f"a number of seeds up to {MOST_BUDGET:,}",
                next_step="correct it",
            )
    settings = JudgeSettings(seeds=max(options.seeds, 1), most_seeds=max(options.budget, options.seeds, 1))
    models, tasks = ([name for name in text.split(",") if name] for text in (options.models, options.tasks))
    found = standing(around, models, tasks, settings)
    rows = plans(found.claims, found.evidence)
    if not rows:
        raise ModelError(
            "this project",
            found="no regression gate",
            expected="a model with NoRegression or NoFlips among its gates",
            next_step="declare one, or name others by --models and --tasks",
        )
    headers = [*HEADERS[:7], *map(str, LARGER), *HEADERS[7:]]
    cells = [[shown(cell, CELL) for cell in _cells(row)] for row in rows]
    print(tabulate(cells, headers, tablefmt="github", disable_numparse=True))
    for row in rows:
        if row.note:
            print(shown(f"{row.model} on {row.task}, {row.rule}: {row.note}"))
    level = level_of_each(found.claims, found.evidence)
    print()
    print(
        LEGEND.format(
            tests=_shared(round(settings.significance / level), settings.significance, level),
            most=counted(settings.most_seeds, "seed"),
            missed=settings.missed,
            larger=", ".join(map(str, LARGER)),
        )
    )


def _shared(tests: int, significance: float, level: float) -> str:
    """At which level each test decides, in words."""
    if tests == 1:
        return f"1 test has false alarms of {significance:.0%}"
    return f"{tests} tests share false alarms of {significance:.0%}: each decides at {level:.2g}"


def _cells(row: Plan) -> list[str]:
    margin = row.margin if row.in_spreads is None else f"{row.margin} = {row.in_spreads:.2f} SD"
    examples = f"{row.n:,}" if row.n else ""
    return [
        row.model,
        row.task,
        row.rule,
        counted(row.baseline, "seed") if row.baseline else "none",
        margin,
        _pair(row.seeds_clean, row.seeds_margin, "{:.1f}"),
        _share(row.power),
        *(map(_share, row.larger) if row.larger else [""] * len(LARGER)),
        _pair(row.open_clean, row.open_margin, "{:.1%}"),
        "" if row.alarms is None else f"{row.alarms:.2%}",
        examples if row.examples is None else f"{examples} of {row.examples:,}",
    ]


def _pair(clean: float | None, at_margin: float | None, form: str) -> str:
    return "" if clean is None or at_margin is None else f"{form.format(clean)} / {form.format(at_margin)}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"
