"""Escaping: text that models, datasets and errors bring along, made harmless in a line or a table cell of markdown."""

from __future__ import annotations

import re
from html import escape

from fitgate.text import CELL, MESSAGE, shown

# What markdown reads as markup wherever it stands. A `>` is none without a `<`, and rules such as `accuracy>=0.9` are
# to be read in the source, too: it is escaped only where it opens a line.
ANYWHERE = re.compile(r"[\\`*~\[\]$]")
UNDERSCORES = re.compile(r"(?<![^\W_])_+")  # those that follow a letter or a digit open no emphasis
OPENING = re.compile(r"^([#>]|[+=-](?=[+=\s-]|$)|\d+(?=[.)](?:\s|$)))")
PIPE = re.compile(r"(\\*)\|")


def md(text: object, most: int = MESSAGE) -> str:
    """Text as itself in a line of markdown: in one line, without markup, HTML, links, images or formulas of its own.

    Args:
        text: whatever is to be shown.
        most: characters of it.
    """
    escaped = ANYWHERE.sub(lambda found: f"\\{found[0]}", shown(text, most))
    escaped = UNDERSCORES.sub(lambda found: found[0].replace("_", r"\_"), escaped)
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;")
    return OPENING.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", escaped)


def code(text: object, most: int = MESSAGE) -> str:
    """Text as code in a line of markdown, between as many backticks as it takes."""
    line = shown(text, most)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if not line or line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def html(text: object) -> str:
    """Text as itself in a line of HTML."""
    return escape(shown(text, CELL), quote=False)


def cell(markdown: str) -> str:
    """A line of markdown as a cell of a table: its pipes are escaped, those in code too, as GitHub has it."""
    return PIPE.sub(lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\|", flat(markdown))


def short(text: object) -> str:
    """Text in a cell of a table."""
    return md(text, CELL)


def short_code(text: object) -> str:
    """Text as code in a cell of a table."""
    return code(text, CELL)


def flat(text: str) -> str:
    """Text in one line, of any length."""
    return shown(text, len(text))
