"""Tables in markdown, and the numbers in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import tabulate

from fitgate.gates import Outcome
from fitgate.record import Record
from fitgate.report.escaping import cell, code, html, md
from fitgate.report.view.environment import environment as facts

NONE = "-"
MARKS = {
    Outcome.PASS: "✅",
    Outcome.FAIL: "❌",
    Outcome.INCONCLUSIVE: "❔",
    Outcome.NO_BASELINE: "❓",
    Outcome.WAIVED: "⏳",
}


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: int | None = None) -> str:
    """A table in markdown.

    Args:
        headers: of the columns.
        rows: their cells, in markdown; pipes are escaped here.
        right: from which column on there are numbers, to be aligned on the right.
    """
    align = None if right is None else ["left"] * right + ["right"] * (len(headers) - right)
    cells = [[cell(content) for content in row] for row in rows]
    titles = [cell(title) for title in headers]
    with _counting_characters():
        return tabulate.tabulate(
            cells, titles, tablefmt="pipe", colalign=align if rows else None, disable_numparse=True
        )


@contextmanager
def _counting_characters() -> Iterator[None]:
    """Within it, tabulate pads by characters, whether or not a library that knows wide ones is installed."""
    before, tabulate.WIDE_CHARS_MODE = tabulate.WIDE_CHARS_MODE, False
    try:
        yield
    finally:
        tabulate.WIDE_CHARS_MODE = before


def fold(title: str, markdown: str, name: str = "") -> str:
    """Markdown that a click on its title shows.

    Args:
        title: as text.
        markdown: what it shows.
        name: of the place, for links to it; empty for none.
    """
    place = f'<a id="{name}"></a>' if name else ""
    return f"<details><summary>{place}{html(title)}</summary>\n\n{markdown.strip()}\n\n</details>"


def significant(value: float | None) -> str:
    """Three significant digits, in plain notation."""
    if value is None or not np.isfinite(value):
        return NONE
    return f"{value:,.0f}" if value >= 100 else np.format_float_positional(value, 3, fractional=False, trim="-")


def environment(record: Record) -> str:
    """Machine, software, data and the run itself."""
    rows = [[md(fact.name), " ".join(filter(None, [md(fact.text), _literal(fact.literal)]))] for fact in facts(record)]
    return table(["", ""], rows)


def _literal(text: str) -> str:
    return code(text) if text else ""
