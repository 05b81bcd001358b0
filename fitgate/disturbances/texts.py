"""Disturbances of texts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Generator = np.random.Generator
SLIPS = 4  # kinds of typos: left out, doubled, swapped with the next, another character of the text


def _mistyped(texts: tuple[str, ...], share: float, rng: Generator) -> tuple[str, ...]:
    return tuple(_slip(text, share, rng) for text in texts)


def _slip(text: str, share: float, rng: Generator) -> str:
    if not text:
        return text
    # All is drawn whatever the strength, so that a stronger disturbance adds to a weaker one.
    hit, kinds, others = (
        rng.random(len(text)) < share,
        rng.integers(SLIPS, size=len(text)),
        rng.integers(len(text), size=len(text)),
    )
    typed, i = [], 0
    while i < len(text):
        here, kind = text[i], kinds[i]
        if not hit[i]:
            typed.append(here)
        elif kind == 1:
            typed.append(here + here)
        elif kind == 2 and i + 1 < len(text):
            typed.append(text[i + 1] + here)
            i += 1
        elif kind == 3:
            typed.append(text[others[i]])
        i += 1
    return "".join(typed)


# From texts, a strength and a generator to the changed ones.
TEXTS: dict[str, Callable[[tuple[str, ...], float, Generator], tuple[str, ...]]] = {"typos": _mistyped}
