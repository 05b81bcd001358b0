"""The summary: a report on the page of a job of GitHub Actions, within what that takes."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from fitgate.files import append, writing
from fitgate.text import NAME, shown

MOST = 2**20 - 2**10  # bytes of a step's summary: GitHub refuses one above a mebibyte as a whole
LINE = 2**10  # bytes of the line that says what is left out
MOST_NAMED = 5
TITLE = re.compile(r"(#+) .*\n?")
SECTION = re.compile(r"^(?=#{2,} )", re.MULTILINE)


def append_to_step_summary(report: Path) -> None:
    """Append a report, less its figures, to the file that GitHub Actions shows; nothing where there is none.

    Raises:
        FileError: if that can't be written.
    """
    if target := os.environ.get("GITHUB_STEP_SUMMARY"):
        path = Path(target)
        with writing(path):
            taken = path.stat().st_size if path.is_file() else 0  # by what the step did before
        append(path, cut(without_figures(report.read_text(encoding="utf-8")), MOST - taken))


def without_figures(markdown: str) -> str:
    """A report without its figures, the paragraphs that follow them, which are captions, and titles of nothing else."""
    kept: list[str] = []
    caption = False
    for paragraph in markdown.split("\n\n"):
        if not caption and not paragraph.startswith("!["):
            kept.append(paragraph)
        caption = paragraph.startswith("![")
    told: list[str] = []  # from the end
    for paragraph in reversed(kept):
        level = _level(paragraph)
        if not level or (told and not 0 < _level(told[-1]) <= level):
            told.append(paragraph)
    return "\n\n".join(reversed(told)).rstrip("\n") + "\n"


def _level(paragraph: str) -> int:
    """That of a title; 0 for other text."""
    return len(found[1]) if (found := TITLE.fullmatch(paragraph)) else 0


def cut(markdown: str, most: int, size: Callable[[str], int] = lambda text: len(text.encode())) -> str:
    """A report of at most such a size: sections that don't fit are left out, and named in a line at its end.

    Args:
        markdown: sections begin with headings of the second level or below; what comes before them is one, too.
        most: the size.
        size: of a text; by default its bytes.
    """
    if size(markdown) <= most:
        return markdown
    left, below = most - LINE, 0
    kept: list[str] = []
    lost: list[str] = []
    for section in SECTION.split(markdown):
        title = section.partition("\n")[0]
        level = len(title) - len(title.lstrip("#"))
        if below and level > below:
            continue  # it is part of one that is left out
        below = 0 if size(section) <= left else level
        if below:
            lost.append(shown(title.lstrip("# "), NAME))
        else:
            kept.append(section)
            left -= size(section)
    more = f", and {len(lost) - MOST_NAMED} more" if len(lost) > MOST_NAMED else ""
    names = f"{', '.join(lost[:MOST_NAMED])}{more}"
    text = "".join(kept).rstrip("\n")
    return f"{text}\n\nLeft out, as GitHub takes no more: {names}.\n"
