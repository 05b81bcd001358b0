"""One run's report: a view of its record, in markdown, and the figures that go with it."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from fitgate.files import write
from fitgate.record import Record
from fitgate.report.markdown import render as rendered
from fitgate.report.naming import figure_file
from fitgate.report.view.report import ReportView, report_view


def write_report(record: Record, directory: Path) -> Path:
    """Write `report.md` and `figures/` into a directory; the path of the former."""
    from fitgate.report.figures import draw

    path, view = directory / "report.md", report_view(record)
    write(path, _markdown(view, draw(view, directory / "figures")))
    return path


def render(record: Record, captions: dict[str, str]) -> str:
    """A report in markdown.

    Args:
        record: of a run.
        captions: of the figures that were drawn of it, by their files' names.
    """
    return _markdown(report_view(record), captions)


def append_to_step_summary(report: Path) -> None:
    """Append a report, less its figures, to the file that GitHub Actions shows; nothing where there is none."""
    if target := os.environ.get("GITHUB_STEP_SUMMARY"):
        with open(target, "a", encoding="utf-8") as summary:
            summary.write(without_figures(report.read_text(encoding="utf-8")))


def without_figures(markdown: str) -> str:
    """A report without its figures and their captions, which are the paragraphs that follow them."""
    kept: list[str] = []
    caption = False
    for paragraph in markdown.split("\n\n"):
        if not caption and not paragraph.startswith("!["):
            kept.append(paragraph)
        caption = paragraph.startswith("![")
    return "\n\n".join(kept)


def _markdown(view: ReportView, captions: dict[str, str]) -> str:
    return rendered("report.md.jinja", view=view, captions=captions, figures=partial(figure_file, view))
