"""Commands on comments: what a pull request's page says of a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fitgate.cli.records import RECORD, file_name
from fitgate.errors import FitgateError
from fitgate.files import check_writable
from fitgate.record import Record, read, row
from fitgate.text import shown

if TYPE_CHECKING:
    from fitgate.plugin.project import Project
    from fitgate.report.view.ab import AbView

COMMENT = Path("comment.md")


def add_commands(commands: Any) -> None:
    """Declare them to a parser's subparsers."""
    comment = commands.add_parser(
        "comment",
        help="write what a run changed, as a comment for a pull request",
        description="Write what a run came to, and what it changed against the record of the base branch, as one "
        "comment in markdown for a pull request on GitHub: metrics, examples broken and mended with ten of each, and "
        "latency where the machine is of the same kind. A hidden mark in its first line lets a workflow find the "
        "comment of an earlier run, and write over it. Examples are shown from the data of the project around the "
        "current directory, where these are the run's.",
    )
    comment.add_argument(
        "record", type=Path, nargs="?", metavar="RECORD", help=f"{RECORD} (default: the project's last run)"
    )
    comment.add_argument(
        "--against",
        type=Path,
        metavar="RECORD|DIR",
        help="the base branch's record, or a directory, of which the last finished run is taken; one without any is "
        "named in the comment",
    )
    comment.add_argument(
        "--ab",
        type=Path,
        metavar="FILE",
        help="what fitgate ab --json wrote: its test stands in the place of both runs' times, and a model that is "
        "slower fails the comment's first line, too",
    )
    comment.add_argument("--out", type=file_name, default=COMMENT, metavar="FILE", help=f"default: {COMMENT}")
    comment.set_defaults(run=_comment)


def _comment(options: argparse.Namespace) -> None:
    from fitgate.plugin.project import project
    from fitgate.report import base_record, write_comment

    check_writable(options.out)
    around = project(Path.cwd())
    record = read(options.record or around.latest_run)
    base = base_record(options.against) if options.against else None
    examples = _Examples(record, around)
    ab = _ab(options.ab) if options.ab else None
    write_comment(record, options.out, base, around.metrics, examples.row, ab)
    for error in examples.errors:
        print(f"no examples shown of that data: {shown(error)}", file=sys.stderr)
    print(f"comment in {shown(options.out)}")


def _ab(path: Path) -> AbView:
    from fitgate.ab.comparison import read_comparison
    from fitgate.ab.report import view

    return view(read_comparison(path))


class _Examples:
    """The examples of a run's data, as the project around a command has them; else none.

    Attributes:
        errors: why data could not be loaded.
    """

    def __init__(self, record: Record, around: Project):
        self.errors: list[FitgateError] = []
        self._record = record
        self._around = around
        self._known: dict[str, Any] = {}

    def row(self, task: str, i: int) -> Any:
        """An example of a task; None where the data are others, or can't be loaded."""
        if task not in self._known:
            self._known[task] = self._rows(task)
        return None if self._known[task] is None else row(self._known[task], i)

    def _rows(self, task: str) -> Any:
        described, found = self._record.dataset(task), self._around.tasks.get(task)
        if described is None or found is None:
            return None
        try:
            return found.dataset.tested.X if found.dataset.digest == described.digest else None
        except FitgateError as error:
            self.errors.append(error)
            return None
