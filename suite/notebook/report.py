"""The report of a story: its sections one after the other, each figure beside the one that was printed."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fitgate.files import write
from fitgate.record import Record
from fitgate.report import tables
from suite.notebook.agreement import Agreement, leaves
from suite.notebook.changes import Rerun, agreement, change_of, published_rerun
from suite.notebook.figures import CHANGES
from suite.notebook.story import Block, Comparison, Passage, Plot, Rows, Story, StoryError, story_of

Verdicts = dict[str, Agreement | None]  # of each figure, by its id; None where it was not compared

WORDS = {Agreement.IDENTICAL: "identical", Agreement.EXPLAINED: "explained", Agreement.DIFFERS: "different"}
MARKS = {
    Agreement.IDENTICAL: "✅ identical",
    Agreement.EXPLAINED: "🟡 explained",
    Agreement.DIFFERS: "❌ differs",
    None: "-",
}
WIDTH = 120
UNBROKEN: Any = {"break_long_words": False, "break_on_hyphens": False}
SHOWN_NUMBERS = 12  # of a figure with more, only how many agree
IN_A_LINE = 4

INTRODUCTION = """\
This is the classification notebook that the suite grew out of, run again from the first line to the last on today's
libraries. Whatever that notebook printed in 2020 stands here beside what came out now, with a verdict:
**identical** means every digit that was printed, **explained** that a library has changed since, as stated below the
table: with the library as it was before, every digit that was printed came out, and with the change every digit that
has come out since. **Differs** is a failed test."""

NOT_COMPARED = """\
This run was on other data than the notebook's, so its figures are shown and not compared."""


def write_story(record: Record, path: Path) -> Path:
    """Write a story in markdown, and its plots into the directory named after it beside it; the path.

    Raises:
        StoryError: if the record holds no story.
    """
    from suite.notebook.plots import draw_plots

    story = story_of(record)
    if not story.blocks:
        raise StoryError(
            f"the record of the run of {record.started}",
            found="no story",
            expected="that of a run of suite/notebook",
            next_step="name the record of such a run",
        )
    draw_plots(story, path.with_suffix(""))
    write(path, render_story(record, story, path.stem))
    return path


def summary(record: Record, story: Story) -> str:
    """What a run of the notebook came to, in one line.

    Raises:
        FitgateError: if a figure could be explained, and the record that would do so is missing or damaged.
    """
    verdicts = _verdicts(record, story)
    agreements = [verdict for verdict in verdicts.values() if verdict]
    parts = [f"{_count(len(story.sections), 'section')} ran"]
    if agreements:
        counts = (f"{agreements.count(a)} {WORDS[a]}" for a in Agreement if a in agreements)
        parts.append(f"of {_count(len(agreements), 'figure')} {', '.join(counts)}")
        parts += [f"with {rerun.version} {_reproduced(rerun)} identical" for rerun in _reruns(verdicts)]
    elif story.comparisons:
        parts[0] += f", {_count(len(story.comparisons), 'figure')} not compared on this data"
    if record.failed_tests:
        parts.append(f"{_count(len(record.failed_tests), 'test')} failed")
    if record.status != "finished":
        parts.append("the run was not finished")
    return "; ".join(parts)


def _verdicts(record: Record, story: Story) -> Verdicts:
    """How each figure came out, judged by what the record holds."""
    libraries = record.environment.libraries
    return {
        c.figure.id: agreement(c.figure, c.found, libraries, CHANGES) if c.compared else None for c in story.comparisons
    }


def _reruns(verdicts: Verdicts) -> list[Rerun]:
    """The rerun that explains figures, if there are any."""
    return [published_rerun()] if Agreement.EXPLAINED in verdicts.values() else []


def _reproduced(rerun: Rerun) -> str:
    return f"{sum(rerun.reproduced.values())} of {len(rerun.reproduced)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def render_story(record: Record, story: Story, plots: str) -> str:
    """A story in markdown, its plots linked in the directory `plots`."""
    verdicts = _verdicts(record, story)
    compared = any(verdicts.values())
    told: set[str] = set()
    parts = [
        "# The classification notebook, reproduced",
        f"**{summary(record, story)}**",
        INTRODUCTION if compared else f"{INTRODUCTION} {NOT_COMPARED}",
        _contents(story),
    ]
    for number, section in enumerate(story.sections, 1):
        parts += [f"## {number}. {section.title}", section.opening]
        mine = (block for block in story.blocks if block.section == section.section)
        for kind, blocks in itertools.groupby(mine, type):
            run = list(blocks)
            parts += (
                [_comparisons(run, verdicts, told)] if kind is Comparison else [_block(block, plots) for block in run]
            )
    parts += ["## All figures", _all_figures(story, verdicts), "## Environment", tables.environment(record)]
    for rerun in _reruns(verdicts):
        note = f"The figures with {rerun.version} are of this run, of which the record alone is published:"
        parts += [note, tables.environment(rerun.record)]
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


def _contents(story: Story) -> str:
    """The sections, with the time that each took."""
    rows = [
        [f"{number}. {section.title}", f"{story.section_seconds.get(section.section, 0.0):.1f}"]
        for number, section in enumerate(story.sections, 1)
    ]
    total = sum(story.section_seconds.values())
    rows.append(["all sections", f"{total:.1f} ({total / 60:.1f} minutes)"])
    note = "Work that several sections use, such as a cross-validation, counts in the first of them."
    return f"{tables.table(['section', 'seconds'], rows, right=1)}\n\n{note}"


def _comparisons(run: Iterable[Block], verdicts: Verdicts, told: set[str]) -> str:
    """A table of figures that follow one another, and the cause of those that are explained, told once a story."""
    rows, notes = [], []
    for c in run:
        assert isinstance(c, Comparison)
        verdict = verdicts[c.figure.id]
        rows.append([c.figure.what, *_sides(c), MARKS[verdict]])
        change = change_of(c.figure, CHANGES)
        if change and verdict is Agreement.EXPLAINED:
            cause = "The same change." if change.cause in told else change.cause
            told.add(change.cause)
            shown = f"With {published_rerun().version} every digit is the notebook's."
            notes.append(textwrap.fill(f"*{c.figure.what}*: {cause} {shown}", WIDTH, **UNBROKEN))
    return "\n\n".join([tables.table(["figure", "the notebook", "here", "verdict"], rows), *notes])


def _sides(c: Comparison) -> tuple[str, str]:
    """The printed figure, and the one found."""
    printed, found = dict(leaves(c.figure.value)), dict(leaves(c.found))
    if len(printed) > SHOWN_NUMBERS:
        if not c.compared or printed.keys() != found.keys():
            return f"{len(printed)} numbers", f"{len(found)} numbers"
        off = [abs(found[at] - printed[at]) for at in printed]
        return f"{len(printed)} numbers", f"{off.count(0)} the same, none off by more than {max(off):g}"
    least = "at least " if c.figure.goal else ""
    return least + _shown(c.figure.value, None), _shown(c.found, None if c.figure.goal else c.figure.decimals)


def _shown(value: Any, digits: int | None) -> str:
    """A figure as text, its floats with so many digits."""
    if isinstance(value, list):
        return (",<br>" if len(value) > IN_A_LINE else ", ").join(
            f"({_shown(item, digits)})" if isinstance(item, list) else _shown(item, digits) for item in value
        )
    if isinstance(value, float) and digits is not None:
        return f"{value:.{digits}f}"
    return str(value)


def _all_figures(story: Story, verdicts: Verdicts) -> str:
    """Every figure with its verdict, and with that of the rerun where one explains some of them."""
    numbers = {section.section: number for number, section in enumerate(story.sections, 1)}
    reruns = _reruns(verdicts)
    rows = [
        [
            f"`{c.figure.id}`",
            c.figure.what,
            str(numbers[c.section]),
            MARKS[verdicts[c.figure.id]],
            *(_mark(rerun.reproduced.get(c.figure.id)) for rerun in reruns),
        ]
        for c in sorted(story.comparisons, key=lambda c: c.section)
    ]
    headers = ["figure", "what it is", "section", "verdict", *(f"with {rerun.version}" for rerun in reruns)]
    return tables.table(headers, rows)


def _mark(reproduced: bool | None) -> str:
    """A verdict of a rerun, in which nothing is explained; None where it did not come to the figure."""
    return MARKS[None if reproduced is None else Agreement.IDENTICAL if reproduced else Agreement.DIFFERS]
