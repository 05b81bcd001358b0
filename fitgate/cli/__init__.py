"""The command line: `python -m suite`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from fitgate.cli import experiments, records
from fitgate.gates.baseline import BaselineError
from fitgate.record import RecordError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m suite",
        description="What to do with records of digit-bench, and experiments on its gates. The suite itself runs as "
        "pytest.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    records.add_commands(commands)
    experiments.add_commands(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (RecordError, BaselineError, LookupError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
