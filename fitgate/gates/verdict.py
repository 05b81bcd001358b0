"""Verdicts: what a gate concludes of a model, its numbers and its reason apart from its prose."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from fitgate.text import shown


class Outcome(StrEnum):
    """What a gate concludes."""

    PASS = "PASS"  # noqa: S105
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NO_BASELINE = "NO BASELINE"
    WAIVED = "WAIVED"


class Reason(StrEnum):
    """Why it concludes that."""

    BOUND_CLEARS = "the confidence bound clears the floor"
    BOUND_MISSES = "the confidence bound does not clear the floor"
    LEADS = "the metric is significantly better than the rival's"
    NO_LEAD = "the metric is not significantly better than the rival's"
    SAME_OUTPUT = "the output is one of the baseline's"
    NO_FALL = "no fall was found, and one of the margin's size would have been"
    SMALL_FALL = "a significant fall, but of less than half of the margin"
    COLLAPSE = "one seed lies far below what the baseline's seeds predict"
    FALL = "a significant fall of at least half of the margin"
    GAIN = "a significant gain of at least half of the margin, where leaks are to fail"
    PERFECT = "the output equals the test labels"
    UNCONFIRMED = "fresh seeds do not see the fall that others showed"
    LOW_POWER = "a fall of the margin's size could have been missed"
    NO_BASELINE = "there is no baseline"
    BAD_BASELINE = "the baseline can't be used"
    NO_VALUE = "the metric is missing or not finite"
    BROKEN_GATE = "the gate raised an error"
    NOT_EVALUATED = "the model, or its rival, was not evaluated"
    NOT_JUDGED = "the gate was selected and came to no verdict"
    OTHER = "see the message"


class Verdict(msgspec.Struct, frozen=True, tag=True):
    """A gate's judgement of a model.

    Attributes:
        model, task: names.
        gate: the rule in symbols, as `accuracy>=0.95`.
        outcome: what it concludes.
        message: for people, in one line of bounded length: what happened, how sure that is, and what to do next.
        kind: of gate.
        metric: its name; empty for a gate that judges none.
        reason: why, for programs.
        value: the model's metric; None where there is none.
        threshold: what the rule asks for: a floor, the rival's value, or the baseline's less the margin.
        bound: one-sided confidence bound.
        bound_of: what it bounds: the `value`, which is to clear the threshold, or the `lead` over a rival, which is to
            clear zero; empty where there is no bound.
        n: test examples that were judged; with folds, each of them several times.
        seeds: seeds of the model that were judged.
        p_value: of the test, adjusted for all tests of the session; None for a gate that tests nothing.
        margin: the fall that a regression gate answers for.
        power: probability that a fall of the margin's size comes to FAIL, at this level.
        level: with which the gate's test may err; None for a gate whose test is not adjusted, or that tests nothing.
        lost: places of outputs for examples that it used to get right, those that lost most first.
        gained: whether it has become better than chance explains, which a leak of test examples does too.
        where: the file and line that declare the gate; empty where that is not known.
        details: the statistics behind the message, in one line of bounded length; empty where there are none.
    """

    model: str
    task: str
    gate: str
    outcome: Outcome
    message: str
    kind: str = ""
    metric: str = ""
    reason: Reason = Reason.OTHER
    value: float | None = None
    threshold: float | None = None
    bound: float | None = None
    bound_of: Literal["value", "lead", ""] = ""
    n: int = 0
    seeds: int = 1
    p_value: float | None = None
    margin: float | None = None
    power: float | None = None
    level: float | None = None
    lost: list[int] = []
    gained: bool = False
    where: str = ""
    details: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "message", shown(self.message))
        msgspec.structs.force_setattr(self, "details", shown(self.details))

    @property
    def passed(self) -> bool:
        """Whether it is a PASS, and nothing less."""
        return self.outcome is Outcome.PASS

    @property
    def failure(self) -> str:
        """What its test says where it fails, with the line that declares the gate, what it came to, and why."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.outcome}: {self.gate} of {self.model} on {self.task}\n{self.message}"
