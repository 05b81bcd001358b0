"""One run's report: a view of its record, in markdown, and the figures that go with it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path

from fitgate.files import write
from fitgate.record import Record
from fitgate.report.faults import Faults
from fitgate.report.markdown import render as rendered
from fitgate.report.naming import figure_file
from fitgate.report.verdict import run_verdict
from fitgate.report.view.report import ReportView, report_view


def write_report(record: Record, directory: Path) -> Path:
    """Write `report.md` and `figures/` into a directory; the path of the former.

    A section or figure that can't be made is named in the report, and in `record.faults`, which fails the run; its
    traceback goes into `errors.log` beside it.

    Raises:
        FileError: if `report.md` can't be written.
    """
    path, part = directory / "report.md", Faults(record, directory).part
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of glyphs that a font lacks, say: a session may make errors of warnings
        view, captions = report_view(record, part), {}
        with part("the report's figures"):
            from fitgate.report.figures import draw

            captions = draw(view, directory / "figures", part)
        text = ""
        with part("the report as a whole"):
            text = _markdown(_with_faults(view, record), captions)
        write(path, text or rendered("faults.md.jinja", view=_with_faults(view, record)))
    return path


def render(record: Record, captions: dict[str, str]) -> str:
    """A report in markdown.

    Args:
        record: of a run.
        captions: of the figures that were drawn of it, by their files' names.
    """
    return _markdown(report_view(record), captions)


def _with_faults(view: ReportView, record: Record) -> ReportView:
    """A view that knows what could not be made since."""
    return replace(view, verdict=run_verdict(record), faults=tuple(record.faults))


def _markdown(view: ReportView, captions: dict[str, str]) -> str:
    return rendered("report.md.jinja", view=view, captions=captions, figures=partial(figure_file, view))
