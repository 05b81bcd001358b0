"""Pace: how long work took in sessions before, and so how much of it is left."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager

import pytest

from fitgate.clock import perf_counter

KEY = "fitgate/seconds"
MOST = 1_000  # pieces of work that are remembered


class Pace:
    """Measures pieces of work, by their words, and remembers what they took in pytest's cache.

    Args:
        config: pytest's; without its cache, nothing is known from before.
    """

    def __init__(self, config: pytest.Config):
        self._cache: pytest.Cache | None = getattr(config, "cache", None)
        found = self._cache.get(KEY, {}) if self._cache else {}
        known = found if isinstance(found, dict) else {}
        self._before = {words: seconds for words, seconds in known.items() if isinstance(seconds, int | float)}
        self._took: dict[str, float] = {}
        self._expected: list[str] = []

    def expect(self, works: Iterable[str]) -> None:
        """Name pieces of work that lie ahead, by their words: how many are done is told with each of them."""
        self._expected = [words for words in dict.fromkeys(works) if words not in self._took]

    @contextmanager
    def measured(self, words: str) -> Generator[None]:
        """Around a piece of work."""
        begun = perf_counter()
        try:
            yield
        finally:
            self._took[words] = perf_counter() - begun

    def standing(self, words: str, begun: float) -> str:
        """How far a piece of work is, as `12 s, about 20 s left; 3 of 11, about 4 min left`.

        Args:
            words: which one.
            begun: when, by `perf_counter`.
        """
        passed = perf_counter() - begun
        left = max(self._before[words] - passed, 0.0) if words in self._before else None
        parts = [f"{passed:.0f} s{_about(left)}"]
        if words in self._expected and len(self._expected) > 1:
            ahead = [one for one in self._expected if one != words and one not in self._took]
            known = [self._before.get(one) for one in ahead]
            seconds = [one for one in (left, *known) if one is not None]
            whole = sum(seconds) if len(seconds) == 1 + len(known) else None
            done = len(self._expected) - len(ahead)
            parts.append(f"{done} of {len(self._expected)}{_about(whole)}")
        return "; ".join(parts)

    def remember(self) -> None:
        """Keep for the next session what work took."""
        if self._cache and self._took:
            rounded = {words: round(seconds, 1) for words, seconds in self._took.items()}
            kept = list(({**self._before, **rounded}).items())[-MOST:]
            self._cache.set(KEY, dict(kept))


def _about(seconds: float | None) -> str:
    """What is left, as `, about 20 s left`; empty where that is not known, or was thought to be over."""
    if seconds is None or seconds < 1:
        return ""
    return f", about {seconds:.0f} s left" if seconds < 100 else f", about {seconds / 60:.0f} min left"
