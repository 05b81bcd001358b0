"""The page beside a baseline, by which it is reviewed like code."""

from __future__ import annotations

from fitgate.gates.blessing import Proposal
from fitgate.report.markdown import render
from fitgate.report.view.baseline import baseline_page


def page(proposal: Proposal) -> str:
    """What a baseline that has been blessed is, in markdown; the same text for the same baseline and predecessors."""
    return render("baseline.md.jinja", view=baseline_page(proposal))
