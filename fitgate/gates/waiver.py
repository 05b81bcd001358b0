"""Waivers: failures that are accepted on purpose, until a day and no farther than a value."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from fitgate.errors import FitgateError
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.text import NAME, shown

LONGEST = 1 << 20  # bytes of a file
WAIVABLE = frozenset(
    {Reason.FALL, Reason.BOUND_MISSES, Reason.SLICE_MISSES, Reason.NO_LEAD, Reason.BEYOND}
)  # what was judged, and found too bad


class WaiverError(FitgateError):
    """A file of waivers that can't be used."""


class Waiver(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A failure that is accepted.

    Attributes:
        model, task: names.
        gate: the rule in symbols, as `accuracy>=0.95`.
        reason: why, for whoever reads the report.
        until: the last day on which it holds.
        worst: the worst value of the gate's metric that it covers.
    """

    model: str
    task: str
    gate: str
    reason: str
    until: date
    worst: float

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is of: model, task and rule."""
        return self.model, self.task, self.gate

    def __str__(self) -> str:
        return f"{self.gate} of {self.model} on {self.task}, until {self.until}, no worse than {self.worst:g}"


class _File(msgspec.Struct, forbid_unknown_fields=True):
    waiver: list[Waiver] = []


def read_waivers(path: Path) -> list[Waiver]:
    """Read a file of waivers: TOML, with a table `[[waiver]]` for each.

    Raises:
        WaiverError: if it can't be read, or one of them lacks a field, has no reason or no number, or is there twice.
    """
    example = "[[waiver]] with model, task, gate, reason, until = 2026-12-31 and worst = 0.97"
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise ValueError(f"more than {LONGEST} bytes")
        found = msgspec.convert(_tagged(tomllib.loads(content.decode())), _File).waiver
        for waiver in found:
            if not waiver.reason.strip() or not math.isfinite(waiver.worst):
                raise ValueError(f"a waiver of {waiver.gate} without a reason, or without a number")
        if len({waiver.key for waiver in found}) < len(found):
            raise ValueError("two waivers of one gate")
    except (OSError, ValueError, msgspec.ValidationError, RecursionError) as error:
        raise WaiverError(
            path, found=shown(error, NAME), expected=example, next_step="correct it, or take it away"
        ) from error
    return found


def _tagged(content: dict[str, object]) -> dict[str, object]:
    """The tables, each with the tag that tells a record's entries apart."""
    tables = content.get("waiver")
    if not isinstance(tables, list):
        return content
    return {**content, "waiver": [{"type": "Waiver", **of} if isinstance(of, dict) else of for of in tables]}


def waived(verdict: Verdict, waivers: Sequence[Waiver], today: date, higher_is_better: bool) -> Verdict:
    """A verdict under the waivers: a FAIL that one of them covers is WAIVED; of one that is spent, the message says so.

    Args:
        verdict: as its gate concluded.
        waivers: all that there are.
        today: the day of the run.
        higher_is_better: of the verdict's metric.
    """
    waiver = next((w for w in waivers if w.key == (verdict.model, verdict.task, verdict.gate)), None)
    if waiver is None or verdict.outcome is not Outcome.FAIL:
        return verdict
    why = waiver.reason.rstrip(". ")
    if verdict.reason not in WAIVABLE or verdict.value is None:
        spent = "its waiver is for values that are too bad alone"
    elif today > waiver.until:
        spent = f"its waiver ended on {waiver.until}"
    elif (verdict.value < waiver.worst) if higher_is_better else (verdict.value > waiver.worst):
        spent = f"its waiver goes no farther than {waiver.worst:g}"
    else:
        message = f"Waived until {waiver.until}, no worse than {waiver.worst:g}: {why}. {verdict.message}"
        return msgspec.structs.replace(verdict, outcome=Outcome.WAIVED, message=message)
    return msgspec.structs.replace(verdict, message=f"{verdict.message} It fails, for {spent}: {why}.")
