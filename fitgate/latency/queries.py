"""Queries: what a model is asked while it is timed, none of it twice while there is something else to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.clock import perf_counter
from fitgate.latency.examples import Examples, Rows


@dataclass(frozen=True, eq=False)
class Query:
    """Examples to predict.

    Attributes:
        rows: their places in the test split `(size,)`.
        X: the examples, in memory of their own.
        repeated: how many of them had been asked about before.
    """

    rows: Rows
    X: Any
    repeated: int = 0


class Queries:
    """Examples of a test split in random order: none is asked again before all others have been asked as often.

    Args:
        examples: to ask about.
        seed: of the order.
    """

    def __init__(self, examples: Examples, seed: int = 0):
        self._examples = examples
        self._rng = np.random.default_rng(seed)
        self._left: Rows = self._rng.permutation(len(examples))
        self._seen = np.zeros(len(examples), bool)

    def take(self, size: int) -> Query:
        """The next query, of so many examples: all of them at most, no two of them the same."""
        if len(self._left) < size:  # what was left is asked first, and not again before all others
            order = self._rng.permutation(len(self._examples))
            self._left = np.concatenate([self._left, order[~np.isin(order, self._left)]])
        rows, self._left = self._left[:size], self._left[size:]
        repeated = int(self._seen[rows].sum())
        self._seen[rows] = True
        return Query(rows, self._examples.copies(rows), repeated)

    def of(self, size: int) -> Iterator[Query]:
        """Queries of so many examples, without end."""
        while True:
            yield self.take(size)


class Asker:
    """Asks a model and keeps what it answers, so that it can be held to it.

    Answers are copied to the host within the call, and so within what is timed: what is computed later, or in a buffer
    that the next answer is written to, is none yet.

    Args:
        predict: a fitted estimator's.

    Attributes:
        answers: the places in the test split that were asked about, and what came, of each query.
        repeated: how many of these examples had been asked about before.
    """

    def __init__(self, predict: Callable[[Any], Any]):
        self._predict = predict
        self.answers: list[tuple[Rows, NDArray[Any]]] = []
        self.repeated = 0

    def __call__(self, query: Query) -> None:
        """Ask."""
        self.timed(query)

    def timed(self, query: Query) -> float:
        """Ask; the seconds that the answer took."""
        started = perf_counter()
        answer = np.array(self._predict(query.X))
        seconds = perf_counter() - started
        self.answers.append((query.rows, answer))
        self.repeated += query.repeated
        return seconds
