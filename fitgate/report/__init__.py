"""Reports: from records to views made of plain dataclasses, and from these to markdown and figures."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fitgate.report.verdict import RunOutcome, RunVerdict, run_verdict

if TYPE_CHECKING:
    from fitgate.report.badge import write_badge
    from fitgate.report.baseline import page
    from fitgate.report.comment import base_record, write_comment
    from fitgate.report.comparison import write_comparison
    from fitgate.report.history import read_history, write_history
    from fitgate.report.repeatability import write_repeatability
    from fitgate.report.report import render, write_report
    from fitgate.report.safety import floors
    from fitgate.report.site import write_site
    from fitgate.report.summary import append_to_step_summary

_MODULES = {  # imported on first use: the verdict of a run takes no templates and no figures
    "append_to_step_summary": "summary",
    "base_record": "comment",
    "floors": "safety",
    "page": "baseline",
    "read_history": "history",
    "render": "report",
    "write_badge": "badge",
    "write_comment": "comment",
    "write_comparison": "comparison",
    "write_history": "history",
    "write_repeatability": "repeatability",
    "write_report": "report",
    "write_site": "site",
}

__all__ = [
    "RunOutcome",
    "RunVerdict",
    "append_to_step_summary",
    "base_record",
    "floors",
    "page",
    "read_history",
    "render",
    "run_verdict",
    "write_badge",
    "write_comment",
    "write_comparison",
    "write_history",
    "write_repeatability",
    "write_report",
    "write_site",
]


def __getattr__(name: str) -> Any:
    """One of the functions, from its module."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
