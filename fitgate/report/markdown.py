"""Markdown: views rendered by the templates of this package."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from fitgate.gates import Outcome
from fitgate.report.escaping import code, md, short, short_code
from fitgate.report.tables import MARKS, NONE, fold, significant, table
from fitgate.report.view.words import Percentiles

if TYPE_CHECKING:
    from jinja2 import Environment

WARNING = "⚠️"
Format = str | Callable[[Any], str]
Column = tuple[str | Sequence[str], str, Format]


def render(template: str, **values: Any) -> str:
    """A view in markdown.

    Args:
        template: a file's name in `templates/`.
        values: what it shows, by name.
    """
    text = _environment().get_template(template).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("fitgate.report"),
        autoescape=select_autoescape(["html", "html.jinja"], default=False),  # markdown has the filter `md`
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= FILTERS
    environment.filters["table"] = lambda rows, *columns, right=None: _table(environment, rows, columns, right)
    environment.globals |= {"table": table, "folded": fold}
    return environment


def _table(environment: Environment, rows: Iterable[Any], columns: Sequence[Column], right: int | None) -> str:
    """A table of some rows of a view.

    Args:
        environment: where formats are looked up.
        rows: of a view.
        columns: each its title, the row's attribute (the row itself where it is empty), and its format: a filter's
            name, or a macro. One with several titles shows an attribute of as many values.
        right: from which column on there are numbers, to be aligned on the right; one with several titles counts once.
    """
    headers: list[str] = []
    start = None
    for i, (title, _, _) in enumerate(columns):
        if i == right:
            start = len(headers)
        headers += [md(title)] if isinstance(title, str) else map(md, title)
    cells: list[list[str]] = []
    for row in rows:
        line: list[str] = []
        for title, attribute, how in columns:
            value = environment.getattr(row, attribute) if attribute else row
            show = IN_CELLS.get(how, environment.filters[how]) if isinstance(how, str) else how
            line += [show(value)] if isinstance(title, str) else map(show, value)
        cells.append([content.strip() for content in line])
    return table(headers, cells, start)


def text(value: object) -> str:
    """Text in a cell, or a dash for none."""
    return short(value) if value not in (None, "") else NONE


def count(number: int | None) -> str:
    """A number of things."""
    return NONE if number is None else f"{number:,}"


def rate(number: float | None) -> str:
    """A number of things a second."""
    return NONE if number is None else f"{number:,.0f}"


def milliseconds(seconds: float | None) -> str:
    """Seconds in milliseconds."""
    return significant(None if seconds is None else 1e3 * seconds)


def percentiles(of: Percentiles | None) -> str:
    """Percentiles in milliseconds; a dash for what was not measured."""
    return NONE if of is None else " / ".join(map(milliseconds, of))


def interval(of: tuple[float, float] | None) -> str:
    """An interval of seconds in milliseconds."""
    return NONE if of is None else " to ".join(map(milliseconds, of))


def mebibytes(number: int | None) -> str:
    """Bytes in whole MiB, rounded up."""
    return NONE if number is None else f"{math.ceil(number / 2**20):,}"


def precise_mebibytes(number: int | None) -> str:
    """Bytes in MiB."""
    return significant(None if number is None else number / 2**20)


def share(number: float) -> str:
    """A share in percent: whole ones, or tenths below one."""
    return f"{number:.0%}" if number >= 0.01 else f"{number:.1%}"


def percent(number: float | None) -> str:
    """A share as a number of percent, with a tenth."""
    return NONE if number is None else f"{100 * number:.1f}"


def mark(row: Any) -> str:
    """A sign for a gate's outcome; a gain too large to be believed is a warning."""
    if row.outcome is None:
        return "❌"
    return WARNING if row.gained and row.outcome is not Outcome.FAIL else MARKS[row.outcome]


def outcome(of: Outcome) -> str:
    """An outcome behind its sign."""
    return f"{MARKS[of]} {of}"


def labelled(names: Iterable[str], label: str) -> list[str]:
    """Titles of columns: each name with a label after it."""
    return [f"{name}{label}" for name in names]


FILTERS: dict[str, Callable[..., Any]] = {
    "md": md,
    "code": code,
    "text": text,
    "count": count,
    "rate": rate,
    "significant": significant,
    "milliseconds": milliseconds,
    "percentiles": percentiles,
    "interval": interval,
    "mebibytes": mebibytes,
    "precise_mebibytes": precise_mebibytes,
    "share": share,
    "percent": percent,
    "mark": mark,
    "outcome": outcome,
    "labelled": labelled,
}
IN_CELLS: dict[str, Callable[..., str]] = {"md": short, "code": short_code}
