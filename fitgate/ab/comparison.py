"""A comparison as it is kept: what its verdicts are judged from, as JSON."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from fitgate.ab.session import Session
from fitgate.ab.verdict import Ratios, ratios
from fitgate.machine import Environment
from fitgate.record import RecordError, read_json

LEAST = 2  # blocks, for an interval


class Comparison(msgspec.Struct, frozen=True):
    """What a session measured, block by block.

    Attributes:
        base, candidate: commits, the latter with `-dirty` where the working tree differed.
        scenario: how predictions were asked for.
        environment: the machine and its libraries.
        ratios: of all models, one family of tests.
    """

    base: str | None
    candidate: str | None
    scenario: str
    environment: Environment
    ratios: list[Ratios]


def comparison_of(session: Session) -> Comparison:
    """What is kept of a session."""
    return Comparison(session.base, session.candidate, session.scenario, session.environment, ratios(session))


def read_comparison(path: Path) -> Comparison:
    """Read a comparison that `fitgate ab --json` wrote.

    Raises:
        RecordError: if the file is missing or damaged, or what it holds can't be judged.
    """
    found = read_json(path, Comparison, "fitgate ab --json")
    if not found.ratios or not all(map(_is_whole, found.ratios)):
        raise RecordError(
            path,
            found="no models, or one without times in each block",
            expected="what `fitgate ab --json` wrote",
            next_step="run that command again",
        )
    return found


def _is_whole(of: Ratios) -> bool:
    """Whether a model has times, and as many ratios of each kind."""
    times = all(0 < seconds < math.inf for seconds in (of.base_seconds, of.candidate_seconds))
    return times and len(of.base) == len(of.control) >= LEAST and all(map(math.isfinite, [*of.base, *of.control]))
