"""The verdicts of a comparison, model by model."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np

from fitgate.ab.session import SIGNIFICANCE, Session
from fitgate.gates import Outcome
from fitgate.statistics import Fall, holm, mean_interval, sign_flip

MARGIN = 0.03
SEEN = 0.10  # the slowdown that a session must be able to see
POWER = 0.8  # with this power at least, or it is inconclusive


class Finding(msgspec.Struct, frozen=True):
    """How a model's speed compares.

    Attributes:
        model: its name.
        outcome: FAIL if it is significantly slower, by the margin or more; INCONCLUSIVE if the base, compared with
            itself, would have been called slower or faster, or a slowdown of 10 % would not have been seen; else PASS.
        ratio: the candidate's time over the base's, a geometric mean over blocks.
        low, high: its 95 % interval.
        p_value: one-sided, after Holm's adjustment for all models.
        power: with which a slowdown of 10 % would have been seen, were it all that there is.
        control: the same ratio of the base to itself; None without a control.
        control_p_value: the lesser of its two one-sided p-values, adjusted likewise.
        base_seconds, candidate_seconds: of a query, geometric means.
    """

    model: str
    outcome: Outcome
    ratio: float
    low: float
    high: float
    p_value: float
    power: float
    control: float | None
    control_p_value: float | None
    base_seconds: float
    candidate_seconds: float


def judge(session: Session, slowdown: float = 0.0) -> list[Finding]:
    """A finding for each model, with all of the candidate's times longer by a share of them, such as 0.1."""
    longer = math.log1p(slowdown)
    ratios = {model: [x + longer for x in session.log_ratios(model, "candidate")] for model in session.models}
    p_values = _adjusted(list(ratios.values()))
    controlled = any(reading.arm == "control" for reading in session.readings)
    controls = {model: session.log_ratios(model, "control") for model in session.models} if controlled else {}
    slower = _adjusted(list(controls.values()))
    faster = _adjusted([[-x for x in values] for values in controls.values()])
    findings = []
    for i, (model, values) in enumerate(ratios.items()):
        low, high = mean_interval(values)
        ratio = float(np.mean(values))
        drift = float(np.mean(controls[model])) if controls else None
        drift_p = min(slower[i], faster[i]) if controls else None
        error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
        power = Fall(ratio, error, p_values[i], len(values) - 1).power(math.log1p(SEEN), SIGNIFICANCE / len(ratios))
        findings.append(
            Finding(
                model=model,
                outcome=_outcome(ratio, p_values[i], power, drift, drift_p),
                ratio=math.exp(ratio),
                low=math.exp(low),
                high=math.exp(high),
                p_value=p_values[i],
                power=power,
                control=None if drift is None else math.exp(drift),
                control_p_value=drift_p,
                base_seconds=_seconds(session, "base", model),
                candidate_seconds=_seconds(session, "candidate", model) * (1 + slowdown),
            )
        )
    return findings


def _outcome(ratio: float, p_value: float, power: float, drift: float | None, drift_p: float | None) -> Outcome:
    margin = math.log1p(MARGIN)
    if drift is not None and drift_p is not None and drift_p < SIGNIFICANCE and abs(drift) >= margin:
        return Outcome.INCONCLUSIVE
    if p_value < SIGNIFICANCE and ratio >= margin:
        return Outcome.FAIL
    return Outcome.PASS if power >= POWER else Outcome.INCONCLUSIVE


def _adjusted(families: Sequence[Sequence[float]]) -> list[float]:
    """One-sided p-values of several models' log ratios, after Holm's adjustment."""
    return [float(p) for p in holm([sign_flip(values) for values in families])] if families else []


def _seconds(session: Session, arm: str, model: str) -> float:
    mine = (reading.seconds[model] for reading in session.readings if reading.arm == arm)
    logs = [math.log(seconds) for rounds in mine for seconds in rounds]
    return math.exp(sum(logs) / len(logs))
