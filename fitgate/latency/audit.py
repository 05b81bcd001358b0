"""Audits: whether a model's timings can be believed, as far as its own behaviour tells."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import msgspec
from numpy.typing import NDArray

from fitgate.engines import NATIVE
from fitgate.latency import repetition
from fitgate.latency.agreement import Agreement, agreement
from fitgate.latency.examples import Rows
from fitgate.latency.repetition import FASTER, KINDS, Turns, too_slow
from fitgate.tasks import NUMBERS, TaskData

AGREEMENT = "agreement"
REPETITION = "repetition"
LARGEST = 8  # examples of a query whose repetition is timed: more take long, and are remembered by row or not at all


class Audit(msgspec.Struct, frozen=True, tag=True):
    """What was found out about the timing of a scenario.

    Attributes:
        model, task, scenario: names.
        name: `agreement` of timed answers with the evaluated ones, after MLPerf's TEST01; or `repetition`, after its
            TEST04: whether examples that were seen before are answered faster.
        passed: whether the timing can be believed; None where the audit could not be made.
        message: what was found, in words.
        figures: of `agreement`: examples asked about (`n`), answers that are `differing`, of them `worse` and `better`,
            and the sign test's `p_value`; of `repetition`: `rounds`, `batch_size`, and for each kind of repeated query
            by what factor it was faster.
        engine: that served the model.
    """

    model: str
    task: str
    scenario: str
    name: str
    passed: bool | None
    message: str
    figures: dict[str, float] = {}
    engine: str = NATIVE


def agreement_audit(model: str, task: str, scenario: str, found: Agreement, engine: str = NATIVE) -> Audit:
    """What holding a scenario's timed answers to evaluated ones came to, as a record keeps it."""
    message = f"{found.differing:,} of {found.n:,} timed answers differ from the evaluated ones"
    if found.fault:
        message = f"the timed answers are none: {found.fault}"
    elif not found.passed:
        message += f": {found.worse:,} are worse and {found.better:,} better (p = {found.p_value:.1g})"
    figures = {name: getattr(found, name) for name in ("n", "differing", "worse", "better", "p_value")}
    return Audit(model, task, scenario, AGREEMENT, found.passed, message, figures, engine)


class Auditor:
    """What the answers of a model that is timed are held to.

    Args:
        model: its name.
        data: the task that is timed.
        evaluated: the predictions that it was evaluated by, `(n,)` or `(n, outputs)`; evaluates it on first use.
        take_turns: has queries of so many new and known examples timed in turns, where the model was timed.
        seed: of the draw among several answers about one example.
        progress: is given, in words, what may take long, and is a context around it.
        engine: that serves the model; the evaluated predictions are then its own.
    """

    def __init__(
        self,
        model: str,
        data: TaskData,
        evaluated: Callable[[], NDArray[Any]],
        take_turns: Callable[[int], Turns | None],
        seed: int = 0,
        progress: Callable[[str], AbstractContextManager[None]] = lambda words: nullcontext(),
        engine: str = NATIVE,
    ):
        self._model, self._engine = model, engine
        self._data = data
        self._evaluated = evaluated
        self._seed = seed
        self._progress = progress
        self._take_turns = take_turns
        self._turns: dict[int, tuple[Turns | None, str]] = {}

    def audits(
        self,
        scenario: str,
        answers: list[tuple[Rows, NDArray[Any]]],
        size: int,
        query: float,
        factor: float = 1.0,
    ) -> list[Audit]:
        """Both audits of a scenario that was timed; see each for what it takes."""
        return [self.agreement(scenario, answers), self.repetition(scenario, size, query, factor)]

    def agreement(self, scenario: str, answers: list[tuple[Rows, NDArray[Any]]]) -> Audit:
        """Hold the answers of a scenario, as an `Asker` keeps them, to those of the evaluation."""
        found = agreement(answers, self._evaluated(), self._data.y_test, self._data.kind in NUMBERS, self._seed)
        return agreement_audit(self._model, self._data.task.name, scenario, found, self._engine)

    def repetition(self, scenario: str, size: int, query: float, factor: float = 1.0) -> Audit:
        """See whether the model remembers: once for each size of query, `LARGEST` at most.

        Args:
            scenario: whose timing it is for.
            size: examples of the scenario's query.
            query: seconds that it took.
            factor: how long to time, times the usual.
        """
        asked = min(size, LARGEST)
        if asked not in self._turns:
            self._turns[asked] = self._turns_of(asked, query * asked / size, factor * repetition.SECONDS)
        turns, why = self._turns[asked]
        if turns is None:
            return self._audit(scenario, REPETITION, None, why, {})
        faster = [f"{KINDS[kind]} are answered {turns.speed_up(kind):.2g} times as fast" for kind in turns.remembered]
        message = f"answers are remembered: {', '.join(faster)} as new ones"
        if not faster:
            message = f"no repeated example is answered {FASTER:g} times as fast as new ones"
        figures: dict[str, float] = {"rounds": turns.rounds, "batch_size": asked}
        figures |= {kind: round(turns.speed_up(kind), 4) for kind in turns.others}
        return self._audit(scenario, REPETITION, not faster, message, figures)

    def _audit(self, scenario: str, name: str, passed: bool | None, message: str, figures: dict[str, float]) -> Audit:
        names = (self._model, self._data.task.name, scenario, name)
        return Audit(*names, passed, message, figures, self._engine)

    def _turns_of(self, size: int, query: float, seconds: float) -> tuple[Turns | None, str]:
        """The turns, or why there are none."""
        if too_slow(query, seconds):
            return None, f"too slow for {repetition.LEAST} rounds, at {query:.2g} s a query"
        with self._progress(f"timing {self._model} on {self._data.task.name} with new examples and with known ones"):
            turns = self._take_turns(size)
        return turns, "" if turns else "its data allows too few examples that are new"
