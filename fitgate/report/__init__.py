"""Reports: markdown and figures, as a pure function of records."""

from fitgate.report.comparison import write_comparison
from fitgate.report.floors import floors
from fitgate.report.repeatability import write_repeatability
from fitgate.report.report import append_to_step_summary, render, write_report
from fitgate.report.verdict import has_failed, verdict_line
from suite.notebook.report import write_story
from suite.race import write_race

__all__ = [
    "append_to_step_summary",
    "floors",
    "has_failed",
    "render",
    "verdict_line",
    "write_comparison",
    "write_race",
    "write_repeatability",
    "write_report",
    "write_story",
]
