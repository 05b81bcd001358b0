"""Repetition: whether a model answers faster what it has seen before, and so was timed at remembering.

After MLPerf Inference's compliance test TEST04, "verify that the system does not cache responses" (MLCommons,
inference/compliance, `TEST04/README.md`), which times the same sample again and again. A model that remembers what the
*evaluation* asked would pass that by timing distinct examples; so here, examples that are new to the process are the
measure, and the test split's own are among what is held to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
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

    def p_value(self, kind: str) -> float:
        """One-sided, of the hypothesis that in half of the rounds or fewer that factor exceeds `FASTER`."""
        return sign_test(int((self.novel > FASTER * self.others[kind]).sum()), len(self.novel))

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

    Args:
        predict: a fitted estimator's, evaluated and warmed up.
        examples: to ask about.
        size: examples of a query.
        seconds: how long to go on, once `LEAST` rounds are done.
        seed: of what is asked.
        clock: seconds.

    Returns:
        None where the data allows too few new examples.
    """
    rng = np.random.default_rng(seed)

    def timed(X: Any) -> float:
        copied(X)
        started = clock()
        np.array(predict(X))
        return clock() - started

    def chosen() -> NDArray[np.intp]:
        return rng.choice(len(examples), size, replace=False)

    for _ in range(WARM_UP):
        timed(examples.copies(chosen()))
    rounds: list[tuple[float, float, float, float]] = []
    began = clock()
    while len(rounds) < LEAST or (len(rounds) < MOST and clock() - began < seconds):
        known, variants = examples.copies(chosen()), examples.variants(chosen(), rng)
        if variants is None:
            break
        again = copied(variants)
        timed(examples.copies(chosen()))
        before = timed(known) if rng.random() < 0.5 else None
        novel, copy, same = timed(variants), timed(again), timed(variants)
        rounds.append((novel, timed(known) if before is None else before, copy, same))
    if len(rounds) < LEAST:
        return None
    taken = np.maximum(np.array(rounds).T, RESOLUTION)
    return Turns(taken[0], dict(zip(KINDS, taken[1:], strict=True)))


def too_slow(query: float, seconds: float = SECONDS) -> bool:
    """Whether the fewest rounds would take too long. A model that was timed at remembering is not that slow.

    Args:
        query: seconds that one of the test split's took, when it was timed.
        seconds: as of `take_turns`.
    """
    return LEAST * (2 + len(KINDS)) * query > PATIENCE * seconds
