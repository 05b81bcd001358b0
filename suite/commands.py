"""The suite's own commands, `python -m suite COMMAND`: reports that only the digits' exam has."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fitgate.errors import FitgateError
from fitgate.record import read

RECORD = "a record.json, or the directory that holds it"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; its exit status."""
    options = command_line().parse_args(arguments)
    try:
        options.run(options)
    except FitgateError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def command_line() -> argparse.ArgumentParser:
    """What reads the command line: each command's own parser sets `run`."""
    parser = argparse.ArgumentParser(
        prog="python -m suite",
        description="Reports of the digits' exam, rendered from records of its runs. Nothing is trained. The exam "
        "itself runs as pytest; commands for any project's records are those of python -m fitgate.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")

    notebook = commands.add_parser(
        "notebook",
        help="render the classification notebook again",
        description="Render the classification notebook from the record of a run of suite/notebook: a markdown file, "
        "and its plots in a directory of the same name beside it.",
        epilog="Such a record comes from: pytest suite/notebook. Example: python -m suite notebook reports/notebook "
        "--out reports/notebook.md",
    )
    notebook.add_argument("record", type=Path, metavar="RECORD", help=RECORD)
    notebook.add_argument(
        "--out", type=Path, metavar="FILE", help="markdown file to write (default: notebook.md beside the record)"
    )
    notebook.set_defaults(run=_notebook)
    return parser


def _notebook(options: argparse.Namespace) -> None:
    from suite.notebook.report import summary, write_story
    from suite.notebook.story import story_of

    record = read(options.record)
    path = write_story(record, options.out or _beside(options.record, "notebook.md"))
    print(f"{summary(record, story_of(record))}\nreport in {path}")


def _beside(record: Path, name: str) -> Path:
    return (record if record.is_dir() else record.parent) / name
