"""Wording: what a regression gate says of a comparison, in short for a message and in full for its details."""

from __future__ import annotations

from collections.abc import Sequence

from fitgate.gates.comparison import Comparison, Confirmation, OfSeeds, Terms
from fitgate.gates.settings import CONFIRMING
from fitgate.gates.verdict import Reason
from fitgate.metrics import Metric

MOST_LOST = 5  # test examples that a message names
MOST_CHANGED = 3  # changes of the environment


def chance(p_value: float) -> str:
    """How often chance alone does what a test saw, in percent."""
    return "less than 0.01%" if p_value < 1e-4 else f"{100 * p_value:.2g}%"


def summary(metric: Metric, reason: Reason, found: Comparison, terms: Terms, p_value: float, then: str) -> str:
    """What was found, how sure that is, and what to do next where it is not a PASS.

    Args:
        metric: that is judged.
        reason: of the outcome.
        found: the comparison.
        terms: what it was decided by.
        p_value: adjusted for all tests of the session.
        then: what to do about a fall, as `what_to_do` has it.
    """
    size = metric.difference(terms.margin, signed=False)
    now = f"{metric.title} {metric.shown(found.now)}"
    by = f"by {metric.difference(abs(found.now - found.before)).lstrip('+')}"
    moved = f"{now} is worse than the baseline's {metric.shown(found.before)} {by}"
    if reason is Reason.FALL:
        confirmed = _confirmed(found.confirmation(terms))
        asked = f"the gate answers for a {metric.worsening} of {size}"
        return f"{moved}{confirmed}. Chance alone does this in {chance(p_value)} of sessions, and {asked}. {then}"
    if reason is Reason.COLLAPSE:
        assert isinstance(found, OfSeeds)
        lowest = metric.difference(found.fall.lowest, signed=False)
        side = "below" if metric.higher_is_better else "above"
        return (
            f"One seed has collapsed: its {metric.title} lies {lowest} {side} the baseline's mean of "
            f"{metric.shown(found.before)}. The spread of the baseline's seeds predicts none like it. {then}"
        )
    if reason is Reason.UNCONFIRMED:
        return (
            f"Seeds before showed a {metric.worsening}{_confirmed(found.confirmation(terms))}. {now} is their mean, "
            f"against the baseline's {metric.shown(found.before)}. Run it again with another --fit-seed."
        )
    bound = metric.difference(found.bound(terms), signed=True).lstrip("+")
    surely = f"with {1 - terms.missed:.0%} confidence the {metric.worsening} is at most {bound}"
    against = f"{now} against the baseline's {metric.shown(found.before)}"
    if reason is Reason.LOW_POWER:
        advice = found.advice(terms)
        return (
            f"{against}: too little to decide. {surely[0].upper()}{surely[1:]}, and the margin is {size}. "
            f"{advice[0].upper()}{advice[1:]}."
        )
    return f"{against}: {surely}, less than the margin of {size}."


def what_to_do(lost: Sequence[int], changed: Sequence[str]) -> str:
    """What to do about a fall.

    Args:
        lost: test examples that were lost, those most clearly first.
        changed: of the environment, since the baseline.
    """
    few = [*changed[:MOST_CHANGED], *([f"{len(changed) - MOST_CHANGED} more"] if len(changed) > MOST_CHANGED else [])]
    looks = [
        *([f"at test examples {', '.join(map(str, lost[:MOST_LOST]))}"] if lost else []),
        *([f"at what changed since the baseline ({'; '.join(few)})"] if changed else []),
    ]
    if not looks:
        return "If the fall is meant, bless this run."
    return f"Look {' and '.join(looks)}; if the fall is meant, bless this run."


def measured(metric: Metric, found: Comparison, p_value: float) -> str:
    """The numbers: what was before, what is now, and how likely that is by chance.

    Args:
        metric: that is judged.
        found: the comparison.
        p_value: adjusted for all tests of the session.
    """
    how = f" (deterministic: {found.repeats} seeds, same output)" if found.repeats > 1 else ""
    return (
        f"{metric.title} {metric.shown(found.now)} against the baseline's {metric.shown(found.before)}{how}: "
        f"{metric.difference(found.now - found.before)}, by {found.method}, p = {p_value:.2g} after Holm's adjustment."
    )


def explain(metric: Metric, reason: Reason, found: Comparison, terms: Terms, power: float) -> str:
    """What follows from them, why, and how often that errs: at the level at which the gate decides.

    Args:
        metric: that is judged.
        reason: of the outcome.
        found: the comparison.
        terms: what it was decided by.
        power: how often a fall of the margin's size comes to FAIL.
    """
    size = metric.difference(terms.margin, signed=False)
    if reason is Reason.COLLAPSE:
        assert isinstance(found, OfSeeds)
        lowest = metric.difference(found.fall.lowest, signed=False)
        return (
            f"One seed lies {lowest} {'below' if metric.higher_is_better else 'above'} the baseline's mean, where the "
            f"spread of its seeds predicts none: it has collapsed. The gate answers for a {metric.worsening} of {size}."
        )
    if reason is Reason.FALL:
        confirmed = _confirmed(found.confirmation(terms))
        return f"It has become worse{confirmed}; the gate answers for a {metric.worsening} of {size}."
    if reason is Reason.UNCONFIRMED:
        seen = _confirmed(found.confirmation(terms))
        return f"It is not confirmed: seeds before showed a {metric.worsening}{seen}."
    bound = metric.difference(found.bound(terms), signed=True).lstrip("+")
    sees = (
        f"The gate fails a {metric.worsening} of {size} with a probability of {power:.0%}, and a model that is no "
        f"worse with one of {100 * terms.level:.2g}% at most."
    )
    surely = f"with {1 - terms.missed:.0%} confidence the {metric.worsening} is at most {bound}"
    if reason is Reason.SMALL_FALL:
        return f"It has become worse, but {surely}, less than the margin of {size}."
    if reason is Reason.NO_FALL:
        return f"{surely[0].upper()}{surely[1:]}, less than the margin of {size}. {sees}"
    return f"Too little to decide: {surely}, and the margin is {size}; {found.advice(terms)}. {sees}"


def other_environment(changed: Sequence[str], others: int) -> str:
    """That the run's environment, which the baseline does not know, is the likely reason of its output.

    Args:
        changed: what differs from the likest that it knows.
        others: how many it knows besides the one that it was made in.
    """
    known = f", as none of the {1 + others} that the baseline knows is this one" if others else ""
    return (
        f"The output may differ by the environment alone{known}: {'; '.join(changed)}. If so, fitgate bless "
        "--add-environment has the baseline hold this run's output besides."
    )


def _confirmed(found: Confirmation | None) -> str:
    """What fresh seeds say, as a part of a sentence."""
    if found is None:
        return ""
    if found.missing:
        return f", and {found.missing} of {CONFIRMING} fresh seeds that were to confirm it were not trained"
    return f", which {CONFIRMING} fresh seeds {'see, too' if found.seen else 'do not see'} (p = {found.p_value:.2g})"
