"""The report of a story: its sections one after the other, each figure beside the one that was printed."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fitgate.record import Record, RecordError
from fitgate.report import tables
from fitgate.report.verdict import verdict_line
from suite.notebook.agreement import Agreement, Figure, leaves
from suite.notebook.story import Block, Comparison, Passage, Plot, Rows

MARKS = {Agreement.IDENTICAL: "✅ identical", Agreement.CLOSE: "🟡 close", Agreement.DIFFERS: "❌ differs", None: "-"}
SHOWN_NUMBERS = 12  # of a figure with more, only how many agree
IN_A_LINE = 4

INTRODUCTION = """\
This is the classification notebook that the suite grew out of, run again from the first line to the last on today's
libraries. Whatever that notebook printed in 2020 stands here beside what came out now, with a verdict:
**identical** means every digit that was printed, **close** within the tolerance stated below the table, for the reason
stated there, and **differs** is a failed test."""

NOT_COMPARED = """\
This run was on other data than the notebook's, so its figures are shown and not compared."""


def write_story(record: Record, path: Path) -> Path:
    """Write a story in markdown, and its plots into the directory named after it beside it; the path.

    Raises:
        RecordError: if the record holds no story.
    """
    from suite.notebook.plots import draw_plots

    if not record.story:
        raise RecordError("this record holds no story, expected one of a run of suite/notebook; name such a record.")
    draw_plots(record, path.with_suffix(""))
    path.write_text(render_story(record, path.stem), encoding="utf-8")
    return path


def render_story(record: Record, plots: str) -> str:
    """A story in markdown, its plots linked in the directory `plots`."""
    compared = any(c.agreement for c in record.comparisons)
    parts = [
        "# The classification notebook, reproduced",
        f"**{verdict_line(record)}**",
        INTRODUCTION if compared else f"{INTRODUCTION} {NOT_COMPARED}",
        _contents(record),
    ]
    for number, section in enumerate(record.sections, 1):
        parts += [f"## {number}. {section.title}", section.opening]
        mine = (block for block in record.story if block.section == section.section)
        for kind, blocks in itertools.groupby(mine, type):
            run = list(blocks)
            parts += [_comparisons(run)] if kind is Comparison else [_block(block, plots) for block in run]
    parts += ["## All figures", _summary(record), "## Environment", tables.environment(record)]
    return "\n\n".join(filter(None, parts)) + "\n"


def _block(block: Block, plots: str) -> str:
    match block:
        case Passage(text=text):
            return text
        case Rows(headers=headers, rows=rows):
            return tables.table(headers, rows)
        case Plot():
            return f"![{block.caption}]({plots}/{block.name}.png)\n\n*{block.caption}*"
        case _:
            return ""


def _contents(record: Record) -> str:
    """The sections, with the time that each took."""
    rows = [
        [f"{number}. {section.title}", f"{record.section_seconds.get(section.section, 0.0):.1f}"]
        for number, section in enumerate(record.sections, 1)
    ]
    total = sum(record.section_seconds.values())
    rows.append(["all sections", f"{total:.1f} ({total / 60:.1f} minutes)"])
    note = "Work that several sections use, such as a cross-validation, counts in the first of them."
    return f"{tables.table(['section', 'seconds'], rows, right=1)}\n\n{note}"


def _comparisons(run: Iterable[Block]) -> str:
    """A table of figures that follow one another, and why those that are close are not identical."""
    rows, notes = [], []
    for c in run:
        assert isinstance(c, Comparison)
        rows.append([c.figure.what, *_sides(c), MARKS[c.agreement]])
        if c.agreement is Agreement.CLOSE:
            notes.append(f"*{c.figure.what}*: within {_tolerance(c.figure)}. {c.figure.reason}")
    return "\n\n".join([tables.table(["figure", "the notebook", "here", "verdict"], rows), *notes])


def _sides(c: Comparison) -> tuple[str, str]:
    """The printed figure, and the one found."""
    printed, found = dict(leaves(c.figure.value)), dict(leaves(c.found))
    if len(printed) > SHOWN_NUMBERS:
        if c.agreement is None or printed.keys() != found.keys():
            return f"{len(printed)} numbers", f"{len(found)} numbers"
        off = [abs(found[at] - printed[at]) for at in printed]
        return f"{len(printed)} numbers", f"{off.count(0)} the same, none off by more than {max(off):g}"
    least = "at least " if c.figure.goal else ""
    return least + _shown(c.figure.value, None), _shown(c.found, None if c.figure.goal else c.figure.decimals)


def _tolerance(figure: Figure) -> str:
    if isinstance(figure.tolerance, list):
        return f"{', '.join(f'{allowed:g}' for _, allowed in leaves(figure.tolerance))}, one for each number"
    return f"{figure.tolerance:g}"


def _shown(value: Any, digits: int | None) -> str:
    """A figure as text, its floats with so many digits."""
    if isinstance(value, list):
        return (",<br>" if len(value) > IN_A_LINE else ", ").join(
            f"({_shown(item, digits)})" if isinstance(item, list) else _shown(item, digits) for item in value
        )
    if isinstance(value, float) and digits is not None:
        return f"{value:.{digits}f}"
    return str(value)


def _summary(record: Record) -> str:
    titles = {section.section: number for number, section in enumerate(record.sections, 1)}
    comparisons = sorted(record.comparisons, key=lambda c: c.section)
    rows = [[f"`{c.figure.id}`", c.figure.what, str(titles[c.section]), MARKS[c.agreement]] for c in comparisons]
    return tables.table(["figure", "what it is", "section", "verdict"], rows)
