"""Judging: from evidence to verdicts and requests for more seeds. It trains nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import msgspec

from fitgate.data import By
from fitgate.errors import LoggedError, in_one_line, traceback_of
from fitgate.gates.evidence import Evidence, NotEvaluated
from fitgate.gates.gate import Adjusted, Contested, Gate, Need, Request
from fitgate.gates.verdict import Outcome, Reason, Verdict
from fitgate.gates.waiver import waived
from fitgate.runs.watch import Watch
from fitgate.statistics import holm, holm_levels


class Claim(NamedTuple):
    """A gate that a model is to hold to, on a profile that the gate applies to.

    Attributes:
        model: its name.
        gate: the gate.
        rule: the gate's rule on that profile, by which verdicts know it: no two of a model and task share one.
    """

    model: str
    gate: Gate
    rule: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What verdicts of this claim have in common: model, task and rule."""
        return self.model, self.gate.task.name, self.rule


class Judgement(NamedTuple):
    """What judging comes to.

    Attributes:
        verdicts: of the claims, in their order.
        requests: more seeds, without which verdicts stay INCONCLUSIVE; empty if all is decided or the limit is reached.
        errors: of gates that are themselves broken, for the log.
        found: what each gate found, in the claims' order, for the next round.
    """

    verdicts: list[Verdict]
    requests: list[Request]
    errors: list[LoggedError]
    found: list[Verdict | Contested]


def needs(claims: Iterable[Claim]) -> list[Need]:
    """The outputs that claims need, each once, in the order in which they are first needed."""
    return list(dict.fromkeys(need for claim in claims for need in claim.gate.needs(claim.model)))


def slicings(claims: Iterable[Claim]) -> dict[str, list[By]]:
    """How claims slice the examples of each task, by the task's name."""
    found: dict[str, dict[By, None]] = {}
    for claim in claims:
        found.setdefault(claim.gate.task.name, {}).update(dict.fromkeys(claim.gate.slicings))
    return {task: list(of_task) for task, of_task in found.items()}


def judge(
    claims: Sequence[Claim], evidence: Evidence, earlier: Judgement | None = None, renewed: Collection[Need] = ()
) -> Judgement:
    """Judge all claims as one family: their tests are adjusted for each other, once, by Holm's procedure.

    Each gate is examined once, so the work is linear in their number. Worsenings and gains are two families. What is
    certain without a test, as output that is the baseline's, is in neither.

    Args:
        claims: what models are to hold to.
        evidence: all that there is.
        earlier: what the same claims came to by less evidence; None if this is the first round.
        renewed: of what there is new evidence since; gates that need none of it are not examined again.
    """
    errors: list[LoggedError] = [] if earlier is None else list(earlier.errors)
    kept = [None] * len(claims) if earlier is None else earlier.found
    found = [
        _examined(claim, evidence, errors)
        if known is None or not set(claim.gate.needs(claim.model)).isdisjoint(renewed)
        else known
        for claim, known in zip(claims, kept, strict=True)
    ]
    contested = [item for item in found if isinstance(item, Contested)]
    level = evidence.settings.significance
    worse, better = ([item.p_worse for item in contested], [item.p_better for item in contested])
    adjusted = iter(zip(_adjusted(worse, level), _adjusted(better, level), strict=True))
    verdicts, requests = [], []
    for claim, item in zip(claims, found, strict=True):
        verdict, seeds = (item, None) if isinstance(item, Verdict) else _concluded(claim, item, next(adjusted), errors)
        verdict = msgspec.structs.replace(verdict, gate=claim.rule)
        metric = evidence.metrics.get(verdict.metric)
        better_up = verdict.bound_of not in ("most", "least") and (metric is None or metric.higher_is_better)
        verdicts.append(waived(verdict, evidence.waivers, evidence.today, better_up))
        if seeds is not None:
            requests.append(Request(claim.model, claim.gate.task.name, seeds))
    return Judgement(verdicts, list(dict.fromkeys(requests)), list(dict.fromkeys(errors)), found)


def _adjusted(p_values: Sequence[float], level: float) -> list[Adjusted]:
    pairs = zip(holm(p_values), holm_levels(p_values, level), strict=True)
    return [Adjusted(float(p_value), float(of_one)) for p_value, of_one in pairs]


def _examined(claim: Claim, evidence: Evidence, errors: list[LoggedError]) -> Verdict | Contested:
    """What a gate finds; a gate that raises an error, or finds no p-value, fails alone."""
    watch = Watch()
    try:
        with watch:
            found = claim.gate.examine(claim.model, evidence)
        if isinstance(found, Contested) and not (0 <= found.p_worse <= 1 and 0 <= found.p_better <= 1):
            raise ValueError(f"p-values {found.p_worse} and {found.p_better}, expected numbers from 0 to 1")
    except NotEvaluated as error:
        return _failed(claim, Reason.NOT_EVALUATED, str(error))
    except BaseException as error:  # a skip of pytest's, or an exit, is no verdict
        return _broken(claim, error, errors, watch)
    return found


def _concluded(
    claim: Claim, contested: Contested, adjusted: tuple[Adjusted, Adjusted], errors: list[LoggedError]
) -> tuple[Verdict, int | None]:
    """The verdict, and how many seeds the gate asks for then; a gate that raises an error fails alone."""
    watch = Watch()
    try:
        with watch:
            verdict = contested.conclude(*adjusted)
            return verdict, contested.seeds(verdict)
    except BaseException as error:
        return _broken(claim, error, errors, watch), None


def _broken(claim: Claim, error: BaseException, errors: list[LoggedError], watch: Watch) -> Verdict:
    if watch.interrupted:
        raise error  # the user's
    errors.append(LoggedError(f"{claim.rule} of {claim.model} on {claim.gate.task.name}", traceback_of(error)))
    return _failed(claim, Reason.BROKEN_GATE, f"The gate itself failed: {in_one_line(error)}")


def _failed(claim: Claim, reason: Reason, message: str) -> Verdict:
    gate = claim.gate
    names = (claim.model, gate.task.name, claim.rule)
    return Verdict(*names, Outcome.FAIL, message, kind=gate.kind, reason=reason, where=gate.where)
