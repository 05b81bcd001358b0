"""Repetition: whether a model answers faster what it has seen before, and so was timed at remembering.

After MLPerf Inference's compliance test TEST04, "verify that the system does not cache responses" (MLCommons,
inference/compliance, `TEST04/README.md`), which times the same sample again and again. A model that remembers what the
*evaluation* asked would pass that by timing distinct examples; so here, examples that are new to the process are the
measure, and the test split's own are among what is held to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.clock import perf_counter, process_time
from fitgate.latency.agreement import SIGNIFICANCE, sign_test
from fitgate.latency.examples import Examples, copied

Clock = Callable[[], float]
Seconds = tuple[float, float]  # of wall time, and of processor time
Round = tuple[list[Seconds], list[Seconds]]  # of each of `KINDS`, and of a new query in its place
KINDS = {
    "known": "the test split's examples",
    "again": "copies of examples just asked about",
    "same": "the same objects",
}
FASTER = 1.5
SECONDS = 0.25  # of asking, times the session's factor
LEAST = 16  # rounds: the fewest by which a sign test can reject each kind at its share of the significance
SUSPECT = 48  # rounds, where repeated queries seem faster: so many show it though some are disturbed
MOST = 200
PATIENCE = 14.0  # how many times these seconds the fewest rounds may take
WARM_UP = 3
WAKING = 2  # queries before each round that are not timed
RESOLUTION = 1e-9  # of the clocks, in seconds


@dataclass(frozen=True)
class Turns:
    """Seconds that queries took, in rounds, one of each kind in each: of wall time, and of processor time.

    A model that remembers saves both, and a busy machine disturbs the latter far less; but of work on a device, or of
    sleep, wall time alone tells.

    Attributes:
        others: of examples that were not new `(rounds, 2)`, by the names in `KINDS`.
        novel: of those that were, by the kind that each was asked in the place of.
    """

    others: dict[str, NDArray[np.float64]]
    novel: dict[str, NDArray[np.float64]]

    @property
    def rounds(self) -> int:
        """How many there were."""
        return len(next(iter(self.others.values())))

    def speed_up(self, kind: str) -> float:
        """By what factor queries of a kind were faster than new ones: the median over rounds, of the clearer clock."""
        clock = int(np.argmax(self._exceeding(kind)))
        return float(np.median(self.novel[kind] / self.others[kind], axis=0)[clock])

    @property
    def suspect(self) -> bool:
        """Whether some kind is faster by more than `FASTER` in more than half of the rounds."""
        return any(2 * self._exceeding(kind).max() > self.rounds for kind in self.others)

    def p_value(self, kind: str) -> float:
        """One-sided, of the hypothesis that this factor is as likely to be exceeded as not, or less.

        The sign test, exact; the smaller one of both clocks, doubled.
        """
        return min(1.0, 2 * sign_test(int(self._exceeding(kind).max()), self.rounds))

    @property
    def remembered(self) -> list[str]:
        """The kinds that are faster by more than `FASTER`; the significance is shared by all kinds."""
        return [kind for kind in self.others if self.p_value(kind) < SIGNIFICANCE / len(self.others)]

    def _exceeding(self, kind: str) -> NDArray[np.int64]:
        """In how many rounds the factor is exceeded, by each clock `(2,)`."""
        return np.asarray((self.novel[kind] > FASTER * self.others[kind]).sum(axis=0))


def take_turns(
    predict: Callable[[Any], Any],
    examples: Examples,
    size: int,
    seconds: float = SECONDS,
    seed: int = 0,
    clocks: tuple[Clock, Clock] = (perf_counter, process_time),
) -> Turns | None:
    """Time queries that are new, and queries that are not, in turns.

    A round is two bursts of three queries, in either order as chance will: an example of the test split, which the
    evaluation has asked for, and then two variants of some that nobody has seen; a third variant, a copy of it, and the
    very object again. Each is held to the one in its place in the other burst: of queries in a row the later ones may
    be faster, as threads that were woken still spin. All are made before, queries that are not timed go before them,
    and a copy is made before each, so that caches are as warm for all, and threads as busy.

    It goes on for some seconds, and for `LEAST` rounds; for `SUSPECT` rounds while it looks as if the model remembered.
    So only what is found innocent ends early, and the one test at the end keeps its level.

    Args:
        predict: a fitted estimator's, evaluated and warmed up.
        examples: to ask about.
        size: examples of a query.
        seconds: how long to go on.
        seed: of what is asked.
        clocks: of wall time and of processor time, in seconds.

    Returns:
        None where the data allows too few new examples.
    """
    now, taken = clocks[0], list[Round]()
    began = now()
    for of_a_round in _rounds(predict, examples, size, np.random.default_rng(seed), clocks):
        taken.append(of_a_round)
        if len(taken) < LEAST or (len(taken) < MOST and now() - began < seconds):
            continue
        if len(taken) >= SUSPECT or not _turns(taken).suspect:
            break
    return _turns(taken) if len(taken) >= LEAST else None


def _turns(taken: list[Round]) -> Turns:
    seconds = np.maximum(np.array(taken), RESOLUTION)  # (rounds, of other or novel, kinds, clocks)
    others, novel = (dict(zip(KINDS, np.moveaxis(seconds[:, of], 1, 0), strict=True)) for of in (0, 1))
    return Turns(others, novel)


def _rounds(
    predict: Callable[[Any], Any],
    examples: Examples,
    size: int,
    rng: np.random.Generator,
    clocks: tuple[Clock, Clock],
) -> Iterator[Round]:
    """Seconds of one query of each of `KINDS`, and of a new one for each, without end, or until nothing new is left."""
    wall, processor = clocks

    def timed(X: Any) -> Seconds:
        copied(X)
        started = processor(), wall()
        np.array(predict(X))
        ended = wall(), processor()
        return ended[0] - started[1], ended[1] - started[0]

    def drawn() -> Any:
        return rng.choice(len(examples), size, replace=False)

    for _ in range(WARM_UP):
        timed(examples.copies(drawn()))
    while True:
        one, two, three = (examples.variants(drawn(), rng) for _ in KINDS)
        if one is None or two is None or three is None:
            return
        bursts = (examples.copies(drawn()), two, three), (one, copied(one), one)
        first, order = [examples.copies(drawn()) for _ in range(WAKING)], (0, 1) if rng.random() < 0.5 else (1, 0)
        for X in first:
            timed(X)
        seconds = {burst: [timed(X) for X in bursts[burst]] for burst in order}
        (seen, *after), (new, *again) = seconds[0], seconds[1]
        yield [seen, *again], [new, *after]


def too_slow(query: float, seconds: float = SECONDS) -> bool:
    """Whether the fewest rounds would take too long. A model that was timed at remembering is not that slow.

    Args:
        query: seconds that one of the test split's took, when it was timed.
        seconds: as of `take_turns`.
    """
    return LEAST * (WAKING + 2 * len(KINDS)) * query > PATIENCE * seconds
