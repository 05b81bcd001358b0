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
    WITHSTANDS = "the fall where examples are disturbed is surely smaller than the margin"
    FRAGILE = "a significant fall of at least the margin where examples are disturbed"
    GAIN = "a significant gain of at least half of the margin, where leaks are to fail"
    PERFECT = "the output equals the test labels"
    UNCONFIRMED = "fresh seeds do not see the fall that others showed"
    SLICES_CLEAR = "the confidence bounds of all slices clear the floor"
    SLICE_MISSES = "a slice surely misses the floor"
    WITHIN = "it is surely no more than the gate allows"
    BEYOND = "it is surely more than the gate allows"
    UNSURE = "there are too few examples to be sure"
    NO_SLICES = "the examples can't be sliced so"
    LOW_POWER = "a fall of the margin's size could have been missed"
    NO_BASELINE = "there is no baseline"
    BAD_BASELINE = "the baseline can't be used"
    NO_VALUE = "the metric is missing or not finite"
    BROKEN_GATE = "the gate raised an error"
    NOT_EVALUATED = "the model, or its rival, was not evaluated"
    NOT_JUDGED = "the gate was selected and came to no verdict"
    OTHER = "see the message"


class SliceVerdict(msgspec.Struct, frozen=True):
    """What a gate concludes of a slice of the examples.

    Attributes:
        name: of the slice.
        outcome: what it concludes.
        n: test examples of the slice; with folds, each of them several times.
        value: the model's metric there; None where it is not judged.
        threshold: what the rule asks for there.
        sure: how sure that is, or why it is not judged, in a few words.
    """

    name: str
    outcome: Outcome
    n: int
    value: float | None = None
    threshold: float | None = None
    sure: str = ""


class Flips(msgspec.Struct, frozen=True):
    """Test examples that broke and that were mended, by most of the seeds before and now.

    Attributes:
        broken, mended: how many.
        lost, won: places of their outputs, those that changed most clearly first; ten at most.
        cost: what the broken ones cost more than before, by the task's costs; None where it has none.
        saved: what the mended ones cost less.
    """

    broken: int
    mended: int
    lost: list[int] = []
    won: list[int] = []
    cost: float | None = None
    saved: float | None = None


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
        bound_of: what it bounds: the `value`, which is to clear the threshold, the `lead` over a rival, which is to
            clear zero, or the `most` or the `least` that the value may truly be; empty where there is no bound.
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
        slices: what it concludes of each slice, the worst first; `value`, `threshold` and `bound` are the worst's.
            Empty for a gate that looks at all examples together.
        flips: which examples broke and which were mended; None for a gate that holds to no baseline.
        under: the disturbance of the test examples with which the value was measured; empty for none.
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
    bound_of: Literal["value", "lead", "most", "least", ""] = ""
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
    slices: list[SliceVerdict] = []
    flips: Flips | None = None
    under: str = ""

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
        return f"{shown(f'{place}{self.outcome}: {self.gate} of {self.model} on {self.task}')}\n{self.message}"
