"""The fenced blocks, code spans and links of a markdown page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"(?:^<!-- (?P<about>[^>]*) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[\w-]+)?\)")


class Block(NamedTuple):
    """A fenced block: the language that it names, its text, the line on which it begins, the comment before it."""

    kind: str
    text: str
    line: int
    about: str = ""

    @property
    def file(self) -> str:
        """The file that it is, by its first line, as `# conftest.py`; empty where it says none."""
        found = re.match(r"# ([\w./-]+\.(?:py|toml|ini|yml))\n", self.text)
        return found[1] if found else ""

    @property
    def commands(self) -> list[str]:
        """The commands of a block of them, without comments; one may go on after a backslash."""
        lines = re.sub(r"\\\n\s*", "", self.text).splitlines()
        return [command for line in lines if (command := re.sub(r"(^|\s)#.*", "", line).strip())]


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = FENCE.finditer(text)
    return [Block(m["kind"], m["text"], text.count("\n", 0, m.start()) + 1, m["about"] or "") for m in found]


def prose(page: Path) -> str:
    """A page without its blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


def spans(page: Path) -> list[str]:
    """The code within a page's prose and tables, each once."""
    return list(dict.fromkeys(span.replace("\\|", "|") for span in SPAN.findall(prose(page))))


def links(page: Path) -> list[str]:
    """The files that a page links to or shows, as it names them."""
    return LINK.findall(prose(page))


def write_files(page: Path, directory: Path) -> list[Path]:
    """Write the blocks of a page that are files; their paths."""
    written = []
    for block in blocks(page):
        if block.file:
            path = directory / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            written.append(path)
    return written
