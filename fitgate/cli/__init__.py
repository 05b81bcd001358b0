"""The command line: `fitgate COMMAND`, or `python -m fitgate COMMAND`. The tests themselves run as pytest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fitgate.cli import experiments, judging, records
from fitgate.errors import FitgateError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status: 0, or 1 for a failed verdict and for what can't be done."""
    parser = argparse.ArgumentParser(
        prog="fitgate",
        description="What to do with the records of pytest sessions, and experiments on gates. The tests themselves "
        "run as pytest: see the group fitgate in `pytest --help`.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    records.add_commands(commands)
    judging.add_commands(commands)
    experiments.add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except FitgateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
