"""The command line: `fitgate COMMAND`, or `python -m fitgate COMMAND`. The tests themselves run as pytest."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from fitgate.cli import bundles, comments, experiments, judging, plan, predictions, projects, records
from fitgate.errors import FitgateError


class Version(argparse.Action):
    """Shows the version, looked up only where it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *given: Any) -> None:
        from importlib.metadata import version

        print(f"fitgate {version('fitgate')}")
        parser.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0, or 1 for a failed verdict and for what can't be done."""
    options = command_line().parse_args(arguments)
    try:
        return options.run(options) or 0
    except FitgateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # of whoever read the output, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def command_line() -> argparse.ArgumentParser:
    """What reads the command line: each command's own parser sets `run`."""
    parser = argparse.ArgumentParser(
        prog="fitgate",
        description="Begin a project, see what is in it, work with the records of its pytest sessions, and experiment "
        "with its gates. The tests themselves run as pytest: see the group fitgate in `pytest --help`.",
    )
    parser.add_argument("--version", action=Version, nargs=0, help="show the version, and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    projects.add_commands(commands)
    plan.add_commands(commands)
    records.add_commands(commands)
    comments.add_commands(commands)
    bundles.add_commands(commands)
    judging.add_commands(commands)
    predictions.add_commands(commands)
    experiments.add_commands(commands)
    return parser
