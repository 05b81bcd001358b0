"""The report of repeated runs, and the check that they are repeats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fitgate.files import write
from fitgate.record import Record, RecordError
from fitgate.report.markdown import render
from fitgate.report.view.repeatability import repeatability_view

LEAST = 3


def write_repeatability(records: Sequence[Record], path: Path) -> Path:
    """Write in markdown how well repeated runs agree; the path.

    Raises:
        RecordError: if there are fewer than three, or they are not of the same work on the same machine.
    """
    if len(records) < LEAST:
        raise RecordError(
            "repeatability",
            found=f"{len(records)} records",
            expected="three or more of one run, repeated",
            next_step="repeat the run on the same machine, and name those records too",
        )
    check_repeats(records, "repeatability")
    write(path, render("repeatability.md.jinja", view=repeatability_view(records)))
    return path


def check_repeats(records: Sequence[Record], where: str) -> None:
    """Refuse records that are not of the same work on the same machine.

    Args:
        records: that are to be repeats of the first.
        where: what they are for, for errors.

    Raises:
        RecordError: if one differs.
    """
    first, *others = records
    for record in others:
        for what, mine, theirs in (
            ("data", _data(record), _data(first)),
            ("environment", record.environment, first.environment),
            ("threads", record.threads, first.threads),
            ("commit", record.commit, first.commit),
        ):
            if mine != theirs:
                raise RecordError(
                    where,
                    found=f"the run of {record.started}, which differs from that of {first.started} in its {what}",
                    expected="repeats of one run",
                    next_step="leave it out; in a comparison, give it a NAME of its own",
                )


def _data(record: Record) -> list[tuple[str, str, str]]:
    return sorted((data.name, data.profile, data.digest) for data in record.datasets)
