"""The verdicts of a comparison, model by model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

import msgspec
import numpy as np

from fitgate.ab.session import SIGNIFICANCE, Session
from fitgate.gates import Outcome
from fitgate.statistics import holm, mean_interval, sign_flip_power, sign_flips

MARGIN = 0.03
SEEN = 0.10  # the slowdown that a session must be able to see
POWER = 0.8  # with this power at least, or it is inconclusive
REMEMBERED = 1_024
NONE: Mapping[str, float] = MappingProxyType({})


class Ratios(msgspec.Struct, frozen=True):
    """How a model's times compare, block by block.

    Attributes:
        model: its name.
        base, control: logarithms of the candidate's time over that of either arm, a block each.
        base_seconds: of a query, a geometric mean over both of these arms.
        candidate_seconds: likewise of the candidate.
    """

    model: str
    base: list[float]
    control: list[float]
    base_seconds: float
    candidate_seconds: float


class Finding(msgspec.Struct, frozen=True):
    """How a model's speed compares.

    Base and control are two fits of one revision: that they differ is what a candidate without a change may show, too.

    Attributes:
        model: its name.
        outcome: FAIL if it is significantly slower than base and than control, and than each by the margin or more;
            INCONCLUSIVE if a slowdown of 10 % would not have been seen, and is not ruled out; else PASS.
        ratio: the candidate's time over that of base and control together, a geometric mean over blocks.
        low, high: its 95 % interval.
        to_base, to_control: the same ratio to each alone.
        p_value: one-sided, the greater of those against base and against control, after Holm's adjustment for all
            models. Source: R. L. Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24
            (1982): where two tests must both reject, neither needs another level.
        power: with which a slowdown of 10 % would have been seen, were it all that there is.
        control: the control's time over the base's.
        control_p_value: two-sided, adjusted likewise.
        base_seconds, candidate_seconds: of a query, geometric means, the first over base and control.
    """

    model: str
    outcome: Outcome
    ratio: float
    low: float
    high: float
    to_base: float
    to_control: float
    p_value: float
    power: float
    control: float
    control_p_value: float
    base_seconds: float
    candidate_seconds: float


def ratios(session: Session) -> list[Ratios]:
    """What a session found of each of its models."""
    return [
        Ratios(
            model=model,
            base=session.log_ratios(model, "base"),
            control=session.log_ratios(model, "control"),
            base_seconds=_seconds(session, model, "base", "control"),
            candidate_seconds=_seconds(session, model, "candidate"),
        )
        for model in session.models
    ]


def judge(found: Sequence[Ratios], slowed: Mapping[str, float] = NONE) -> list[Finding]:
    """A finding for each model of one session.

    Args:
        found: of all its models, one family of tests.
        slowed: by which share of them, such as 0.1, the candidate's times are to be taken as longer, by model.
    """
    pairs = [np.array([r.base, r.control]) + math.log1p(slowed.get(r.model, 0.0)) for r in found]
    p_values = holm([sign_flips(pair).max() for pair in pairs])
    ruled_out = [p < SIGNIFICANCE for p in holm([sign_flips(math.log1p(SEEN) - pair).max() for pair in pairs])]
    drifts = [pair[0] - pair[1] for pair in pairs]
    of_drifts = holm([min(1.0, 2 * sign_flips([drift, -drift]).min()) for drift in drifts])
    findings = []
    for r, pair, drift, p_value, not_slower, of_drift in zip(
        found, pairs, drifts, p_values, ruled_out, of_drifts, strict=True
    ):
        to_base, to_control = pair.mean(axis=1)
        low, high = mean_interval(pair.mean(axis=0))
        power = _power(tuple(r.base), tuple(r.control), SIGNIFICANCE / len(found))
        slower = p_value < SIGNIFICANCE and min(to_base, to_control) >= math.log1p(MARGIN)
        sure = power >= POWER or not_slower
        findings.append(
            Finding(
                model=r.model,
                outcome=Outcome.FAIL if slower else Outcome.PASS if sure else Outcome.INCONCLUSIVE,
                ratio=math.exp(pair.mean()),
                low=math.exp(low),
                high=math.exp(high),
                to_base=math.exp(to_base),
                to_control=math.exp(to_control),
                p_value=float(p_value),
                power=power,
                control=math.exp(drift.mean()),
                control_p_value=float(of_drift),
                base_seconds=r.base_seconds,
                candidate_seconds=r.candidate_seconds * (1 + slowed.get(r.model, 0.0)),
            )
        )
    return findings


@lru_cache(REMEMBERED)
def _power(base: tuple[float, ...], control: tuple[float, ...], significance: float) -> float:
    """How often a slowdown of 10 %, against base and control together, would FAIL, at this spread and this drift."""
    pair = np.array([base, control])
    return sign_flip_power(pair - pair.mean() + math.log1p(SEEN), significance, math.log1p(MARGIN))


def _seconds(session: Session, model: str, *arms: str) -> float:
    read = (reading.seconds[model] for reading in session.readings if reading.arm in arms)
    logs = [math.log(seconds) for rounds in read for seconds in rounds]
    return math.exp(sum(logs) / len(logs))
