"""Judging: from evidence to verdicts and requests for more seeds. It trains nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fitgate.gates.evidence import Evidence, NotEvaluated
from fitgate.gates.gate import Contested, Gate, Need, Request
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.statistics import holm


class Claim(NamedTuple):
    """A gate that a model is to hold to, on a profile that the gate applies to."""

    model: str
    gate: Gate


class Judgement(NamedTuple):
    """What judging comes to.

    Attributes:
        verdicts: of the claims, in their order.
        requests: more seeds, without which verdicts stay INCONCLUSIVE; empty if all is decided or the limit is reached.
    """

    verdicts: list[Verdict]
    requests: list[Request]


def needs(claims: Iterable[Claim]) -> list[Need]:
    """The outputs that claims need, each once, in the order in which they are first needed."""
    return list(dict.fromkeys(need for claim in claims for need in claim.gate.needs(claim.model)))


def judge(claims: Sequence[Claim], evidence: Evidence) -> Judgement:
    """Judge all claims as one family: their tests are adjusted for each other, once, by Holm's procedure.

    Each gate is examined once, so the work is linear in their number. Worsenings and gains are two families.
    """
    found = [_examined(claim, evidence) for claim in claims]
    contested = [item for item in found if isinstance(item, Contested)]
    worse, better = holm([item.p_worse for item in contested]), holm([item.p_better for item in contested])
    adjusted = iter(zip(worse, better, strict=True))
    verdicts, requests = [], []
    for claim, item in zip(claims, found, strict=True):
        if isinstance(item, Verdict):
            verdicts.append(item)
            continue
        verdict = item.conclude(*map(float, next(adjusted)))
        verdicts.append(verdict)
        if verdict.outcome is Outcome.INCONCLUSIVE and item.seeds is not None:
            requests.append(Request(claim.model, claim.gate.task.name, item.seeds))
    return Judgement(verdicts, list(dict.fromkeys(requests)))


def _examined(claim: Claim, evidence: Evidence) -> Verdict | Contested:
    try:
        return claim.gate.examine(claim.model, evidence)
    except NotEvaluated as error:
        return claim.gate.verdict(claim.model, evidence, Outcome.FAIL, str(error), reason=Reason.NOT_EVALUATED)
