"""Reports: markdown and figures, as a pure function of records."""

from suite.harness.reporting.comparison import write_comparison
from suite.harness.reporting.floors import floors
from suite.harness.reporting.race import write_race
from suite.harness.reporting.repeatability import write_repeatability
from suite.harness.reporting.report import append_to_step_summary, render, write_report
from suite.harness.reporting.story import write_story
from suite.harness.reporting.verdict import has_failed, verdict_line

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
