"""Floors of slices: each slice of the examples clears a floor, or surely misses it, or is too small to say.

PASS takes the bound of every slice to clear the floor, each at the gate's own confidence: a model that is truly at the
floor in one slice passes as rarely as with that slice alone, however many there are. Source: R. L. Berger,
"Multiparameter hypothesis testing and acceptance sampling", Technometrics 24 (1982), on intersection-union tests. FAIL
takes a slice whose bound on the better side misses the floor, at that confidence for all slices together (Bonferroni).
"""

from __future__ import annotations

from fitgate.data import By, slicing_name
from fitgate.gates.evidence import Evidence
from fitgate.gates.gate import Gate
from fitgate.gates.slices import Slice, by_outcome, named, others_in_words, outcome_of, slices_by, value_on
from fitgate.gates.verdict import Outcome, Reason, SliceVerdict, Verdict
from fitgate.metrics import Metric
from fitgate.runs import Evaluation
from fitgate.text import counted


def floor_of_slices(
    gate: Gate, metric: Metric, floor: float, by: By, evaluation: Evaluation, evidence: Evidence
) -> Verdict:
    """The verdict of a floor that holds for each slice.

    Args:
        gate: that judges.
        metric: as the task names it.
        floor: on the profile of the evidence.
        by: the column or function.
        evaluation: of the model.
        evidence: what there is.
    """
    model, confidence = evaluation.model, evidence.settings.confidence
    slices = slices_by(gate, by, model, evidence)
    if isinstance(slices, Verdict):
        return slices
    judged = sum(not one.too_few for one in slices)
    of_one = 1 - (1 - confidence) / max(judged, 1)
    found = sorted((_of_slice(one, metric, floor, confidence, of_one) for one in slices), key=lambda pair: pair[0])
    verdicts, bounds = [verdict for _, verdict in found], [key[1] for key, _ in found]
    worst, outcome, n = verdicts[0], outcome_of(verdicts), evidence.truths[gate.task.name].n
    known = worst.value is not None
    reasons = {Outcome.PASS: Reason.SLICES_CLEAR, Outcome.FAIL: Reason.SLICE_MISSES}
    return gate.verdict(
        model,
        evidence,
        outcome,
        _message(metric, floor, by, verdicts, confidence),
        metric=metric.name,
        reason=reasons.get(outcome, Reason.UNSURE),
        value=worst.value,
        threshold=floor,
        bound=_bound(metric, floor, bounds[0]) if known else None,
        bound_of="value" if known else "",
        n=n,
        details=_details(metric, floor, by, verdicts, judged, confidence),
        slices=verdicts,
    )


Key = tuple[int, float, str]


def _of_slice(one: Slice, metric: Metric, floor: float, confidence: float, of_one: float) -> tuple[Key, SliceVerdict]:
    """The verdict on a slice, and what sorts it among others: outcome, then by how much its bound leads the floor."""
    rank = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 3}
    outputs = one.runs[0].outputs
    value = None if one.too_few else value_on(metric, one.truth, outputs)
    if value is None:
        return (2, 0.0, one.name), one.unjudged(one.too_few or f"no {metric.title} there")
    own, target, output = one.truth.own(metric), one.truth.target, metric.output(outputs)
    assert output is not None, "it has a value"
    bound = float(own.confidence_bound.compute(target, output, confidence))
    lead, outcome = metric.lead(bound, floor), Outcome.INCONCLUSIVE
    sides = ("at least", "at most") if metric.higher_is_better else ("at most", "at least")
    sure = f"{sides[0]} {metric.shown(bound)}"
    if lead >= 0:
        outcome = Outcome.PASS
    elif metric.lead(value, floor) < 0:
        _, best = own.both_bounds(target, output, of_one)
        if metric.lead(best, floor) < 0:
            outcome, sure = Outcome.FAIL, f"{sides[1]} {metric.shown(best)}"
    return (rank[outcome], lead, one.name), SliceVerdict(one.name, outcome, one.truth.n, value, floor, sure)


def _bound(metric: Metric, floor: float, lead: float) -> float:
    return floor + lead if metric.higher_is_better else floor - lead


def _message(metric: Metric, floor: float, by: By, verdicts: list[SliceVerdict], confidence: float) -> str:
    worst, name = verdicts[0], slicing_name(by)
    slices = f"{counted(len(verdicts), 'slice')} by {name}"
    if worst.value is not None:
        shown = f"{metric.title} {metric.shown(worst.value)} on {worst.n:,} examples"
        sure = f"with {confidence:.0%} confidence it is {worst.sure}"
    outcome = outcome_of(verdicts)
    if outcome is Outcome.PASS:
        return f"All {slices} clear the floor of {floor:g}. The nearest to it is {worst.name}: {shown}, {sure}."
    if outcome is Outcome.FAIL:
        failing = by_outcome(verdicts, Outcome.FAIL)
        more = f", as {named(failing[1:])} do{'es' * (len(failing) == 2)}" if len(failing) > 1 else ""
        return (
            f"{worst.name}, one of {slices}, misses the floor of {floor:g}{more}: {shown}. "
            f"{sure[0].upper()}{sure[1:]}, over all slices together. Mend the model there, or move the floor."
        )
    undecided = by_outcome(verdicts, Outcome.INCONCLUSIVE)
    few = [one for one in undecided if one.value is None]
    told = f"{len(undecided)} of {slices} can't be decided: {named(undecided)}."
    if worst.value is not None:
        told += f" The worst is {worst.name}: {shown}, {sure}."
    then = "put rare slices together by a function" if few else "move the floor"
    return f"{told} Test on more examples of them, or {then}."


def _details(metric: Metric, floor: float, by: By, verdicts: list[SliceVerdict], judged: int, confidence: float) -> str:
    missed = 1 - confidence
    return " ".join(
        filter(
            None,
            (
                f"{metric.title} of each of {counted(len(verdicts), 'slice')} by {slicing_name(by)}, {judged} of which "
                f"have enough examples to be judged. A model that is truly at {floor:g} in a slice passes about "
                f"{missed:.0%} of test sets; one that is there or better in all of them fails {missed:.0%} at most.",
                others_in_words(verdicts, by),
            ),
        )
    )
