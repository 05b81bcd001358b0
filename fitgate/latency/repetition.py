"""Repetition: whether a model answers faster what it has seen before, and so was timed at remembering.

After MLPerf Inference's compliance test TEST04, "verify that the system does not cache responses" (MLCommons,
inference/compliance, `TEST04/README.md`), which times the same sample again and again. A model that remembers what the
*evaluation* asked would pass that by timing distinct examples; so here, examples that are new to the process are the
measure, and the test split's own are among what is held to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.latency.agreement import SIGNIFICANCE, sign_test
from fitgate.latency.examples import Examples, copied

KINDS = {
    "known": "the test split's examples",
    "again": "copies of examples just asked about",
    "same": "the same objects",
}
FASTER = 1.5
SECONDS = 0.25  # of asking, times the session's factor
LEAST = 16  # rounds: the fewest by which a sign test can reject each kind at its share of the significance
SUSPICION = 0.1
SUSPECT = 48  # rounds, where repeated queries seem faster: so many show it though some of them are disturbed
MOST = 200
PATIENCE = 10.0  # how many times these seconds the fewest rounds may take
WARM_UP = 3
RESOLUTION = 1e-9  # of the clock, in seconds


@dataclass(frozen=True)
class Turns:
    """Seconds that queries took, in rounds: one of each kind in each.

    Attributes:
        novel: of examples that were new `(rounds,)`.
        others: of those that were not, by the names in `KINDS`.
    """

    novel: NDArray[np.float64]
    others: dict[str, NDArray[np.float64]]

    def speed_up(self, kind: str) -> float:
        """By what factor queries of a kind were faster than new ones: the median over rounds."""
        return float(np.median(self.novel / self.others[kind]))

    def exceeding(self, kind: str) -> int:
        """In how many rounds that factor exceeds `FASTER`."""
        return int((self.novel > FASTER * self.others[kind]).sum())

    def preceding(self, kind: str) -> int:
        """How many queries of a kind were faster than the fastest new one, by more than that factor."""
        return int((FASTER * self.others[kind] < self.novel.min()).sum())

    @property
    def suspect(self) -> bool:
        """Whether some kind looks remembered."""
        return any(self.p_value(kind) < SUSPICION for kind in self.others)

    def p_value(self, kind: str) -> float:
        """One-sided, of the hypothesis that new queries take no longer than `FASTER` times those of a kind.

        The smaller of two, doubled, both of which are exact where within a round either is as likely to be the longer.
        The sign test asks in how many rounds the factor is exceeded: it minds no spread among examples. The precedence
        test asks how many queries come before the fastest new one: it minds no load that disturbs others. Source: L. S.
        Nelson, "Tables for a precedence life test", Technometrics 5 (1963).
        """
        n = len(self.novel)
        return min(1.0, 2 * min(sign_test(self.exceeding(kind), n), 0.5 ** self.preceding(kind)))

    @property
    def remembered(self) -> list[str]:
        """The kinds that are faster by more than `FASTER`; the significance is shared by all kinds."""
        return [kind for kind in self.others if self.p_value(kind) < SIGNIFICANCE / len(self.others)]


def take_turns(
    predict: Callable[[Any], Any],
    examples: Examples,
    size: int,
    seconds: float = SECONDS,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> Turns | None:
    """Time queries that are new, and queries that are not, in turns.

    Each round asks for variants of some examples that nobody has seen; for a copy of these; for the very object again;
    and, before or after as chance will, for examples of the test split, which the evaluation has asked for. A query
    that is not timed goes before them, and a copy is made before each, so that caches are as warm for all.

    It goes on for some seconds, and for `LEAST` rounds; for `SUSPECT` rounds while it looks as if the model remembered.
    So only what is found innocent ends early, and the one test at the end keeps its level.

    Args:
        predict: a fitted estimator's, evaluated and warmed up.
        examples: to ask about.
        size: examples of a query.
        seconds: how long to go on.
        seed: of what is asked.
        clock: seconds.

    Returns:
        None where the data allows too few new examples.
    """
    began, taken = clock(), []
    for of_a_round in _rounds(predict, examples, size, np.random.default_rng(seed), clock):
        taken.append(of_a_round)
        if len(taken) < LEAST or (len(taken) < MOST and clock() - began < seconds):
            continue
        if len(taken) >= SUSPECT or not _turns(taken).suspect:
            break
    return _turns(taken) if len(taken) >= LEAST else None


def _turns(taken: list[list[float]]) -> Turns:
    novel, *others = np.maximum(np.array(taken).T, RESOLUTION)
    return Turns(novel, dict(zip(KINDS, others, strict=True)))


def _rounds(
    predict: Callable[[Any], Any], examples: Examples, size: int, rng: np.random.Generator, clock: Callable[[], float]
) -> Iterator[list[float]]:
    """Seconds of a new query and of one of each of `KINDS`, without end, or until there are no more new examples."""

    def timed(X: Any) -> float:
        copied(X)
        started = clock()
        np.array(predict(X))
        return clock() - started

    def known() -> Any:
        return examples.copies(rng.choice(len(examples), size, replace=False))

    for _ in range(WARM_UP):
        timed(known())
    while (new := examples.variants(rng.choice(len(examples), size, replace=False), rng)) is not None:
        again = copied(new)
        timed(known())
        before = timed(known()) if rng.random() < 0.5 else None
        seconds = [timed(new), timed(again), timed(new)]
        seconds.insert(1, timed(known()) if before is None else before)
        yield seconds


def too_slow(query: float, seconds: float = SECONDS) -> bool:
    """Whether the fewest rounds would take too long. A model that was timed at remembering is not that slow.

    Args:
        query: seconds that one of the test split's took, when it was timed.
        seconds: as of `take_turns`.
    """
    return LEAST * (2 + len(KINDS)) * query > PATIENCE * seconds
