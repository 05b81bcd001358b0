"""The fenced blocks of a markdown page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: the language that it names, its text, and the line on which it begins."""

    kind: str
    text: str
    line: int

    @property
    def file(self) -> str:
        """The file that it is, by its first line, as `# conftest.py`; empty where it says none."""
        found = re.match(r"# ([\w./-]+\.(?:py|toml|ini|yml))\n", self.text)
        return found[1] if found else ""


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [Block(m["kind"], m["text"], text.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(text)]


def write_files(page: Path, directory: Path) -> list[Path]:
    """Write the blocks of a page that are files; their paths."""
    written = []
    for block in blocks(page):
        if block.file:
            path = directory / block.file
            path.write_text(block.text, encoding="utf-8")
            written.append(path)
    return written
