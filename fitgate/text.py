"""Text from outside, of models, files and users: made fit to be shown, in a line or in several."""

from __future__ import annotations

import re
from collections.abc import Iterable

# How many characters of a text are shown, by what it is; the rest is counted.
MESSAGE = 2_000
CELL = 300
NAME = 100
PART = 1_000  # of a `FitgateError`
OUTPUT = 100_000  # of what a test printed, or of a traceback

_HEADLINE = re.compile("^(?=fitgate: )", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")


def shown(text: object, most: int = MESSAGE) -> str:
    """Text in one line of bounded length, of printable characters alone.

    Each run of white space and of characters that are not printed (controls, escapes, marks that change the direction
    of writing, zero-width ones, lone surrogates) becomes a space.

    Args:
        text: whatever a model, a file or a user brings along.
        most: characters to show; how many more there are follows.
    """
    whole = text_of(text)
    line = _flat(whole[: 4 * most])  # of megabytes, no more is looked at
    if len(line) <= most and len(whole) <= 4 * most:
        return line
    line = line[:most]
    return f"{line} ... ({len(whole) - len(line):,} more characters)".lstrip()


def harmless(text: str, most: int = OUTPUT) -> str:
    """Text of several lines, none of which passes for one of ours; escapes stand for what is not printed, but colours.

    Args:
        text: what a model printed, say.
        most: characters to show; of a longer text the middle is left out.
    """
    if len(text) > most:
        half = most // 2
        text = f"{text[:half]}\n... ({len(text) - 2 * half:,} characters left out)\n{text[-half:]}"
    printed = "".join(c if c.isprintable() or c in "\n\t" else _escaped(c) for c in _COLOUR.sub("", text))
    return _HEADLINE.sub("| ", printed)


def listed(numbers: Iterable[int]) -> str:
    """Whole numbers in their order, as `1, 2, 2000 to 2099`: three or more that count up by one are a span."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    parts = [f"{s[0]} to {s[-1]}" if len(s) > 2 else ", ".join(map(str, s)) for s in spans]
    return ", ".join(parts)


def counted(number: int, noun: str) -> str:
    """A number of things in words, as `1 core`, `2 processes` or `3 series`."""
    plural = noun if noun == "series" else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def text_of(value: object) -> str:
    """A value as text, though its class fail to give one."""
    try:
        return str(value)
    except Exception as error:  # of code that is not ours
        return f"({type(value).__name__} has no text: its __str__ raised {type(error).__name__})"


def _flat(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _escaped(character: str) -> str:
    return "" if character == "\r" else character.encode("unicode_escape", "backslashreplace").decode()
