"""The page that says what a campaign found: docs/faults.md."""

from __future__ import annotations

from collections.abc import Sequence

from fitgate.report.escaping import code
from fitgate.report.tables import table
from tests.faults.campaign import Campaign, Tally
from tests.faults.oracle import DEFECTS, Kind

COLUMNS = (Kind.CLEAR, Kind.FAIL, Kind.UNAFFECTED, *DEFECTS)


def render(campaign: Campaign) -> str:
    """The page in markdown."""
    return table_of(campaign.tallies)


def table_of(tallies: Sequence[Tally]) -> str:
    """Classes, and what came of their cases."""
    rows = [
        [t.of, f"{t.tried:,}", f"{t.sessions:,}", *(f"{t.counts.get(kind, 0):,}" for kind in COLUMNS)] for t in tallies
    ]
    totals = [sum(t.counts.get(kind, 0) for t in tallies) for kind in COLUMNS]
    all_of = [sum(t.tried for t in tallies), sum(t.sessions for t in tallies), *totals]
    rows.append(["**all**", *(f"**{count:,}**" for count in all_of)])
    return table(["class", "tried", "sessions", *map(str, COLUMNS)], rows)


assert code
