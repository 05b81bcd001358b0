"""Escaping: text that models, datasets and errors bring along, made harmless in a line or a table cell of markdown."""

from __future__ import annotations

import re

# What markdown reads as markup wherever it stands. A `>` is none without a `<`, and rules such as `accuracy>=0.9` are
# to be read in the source, too: it is escaped only where it opens a line.
ANYWHERE = re.compile(r"[\\`*~]")
UNDERSCORES = re.compile(r"(?<![^\W_])_+")  # those that follow a letter or a digit open no emphasis
OPENING = re.compile(r"^([#>]|[+=-](?=[+=\s-]|$)|\d+(?=[.)](?:\s|$)))")
PIPE = re.compile(r"(\\*)\|")


def md(text: object) -> str:
    """Text as itself in a line of markdown: in one line, and without markup, HTML, links or images of its own."""
    escaped = ANYWHERE.sub(lambda found: f"\\{found[0]}", flat(str(text)))
    escaped = UNDERSCORES.sub(lambda found: found[0].replace("_", r"\_"), escaped)
    escaped = escaped.replace("&", "&amp;").replace("<", "&lt;").replace("](", r"]\(")
    return OPENING.sub(lambda found: f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}", escaped)


def code(text: object) -> str:
    """Text as code in a line of markdown, between as many backticks as it takes."""
    line = flat(str(text))
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def cell(markdown: str) -> str:
    """A line of markdown as a cell of a table: its pipes are escaped, those in code too, as GitHub has it."""
    return PIPE.sub(lambda found: found[0] if len(found[1]) % 2 else f"{found[1]}\\|", flat(markdown))


def flat(text: str) -> str:
    """Text in one line, with a space for each run of white space and of control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
