"""Regressions of slices: no slice of the examples has become worse than in the baseline, each by its own examples.

A gate's slices share what its one test among those of the session may err with, by Holm's procedure, so that slices of
one gate leave the others their level. PASS takes the bound of every slice below the margin, which needs no adjustment
(R. L. Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fitgate.data import By, slicing_name
from fitgate.gates.baseline import Baseline
from fitgate.gates.comparison import Comparison, Terms, compare
from fitgate.gates.evidence import Evidence
from fitgate.gates.flips import flips_in_words, flips_of
from fitgate.gates.gate import Adjusted, Contested, Gate
from fitgate.gates.losses import describe_losses
from fitgate.gates.slices import Slice, by_outcome, named, others_in_words, outcome_of, slices_by, value_on
from fitgate.gates.verdict import Outcome, Reason, SliceVerdict, Verdict
from fitgate.gates.wording import chance, explain, measured, summary, what_to_do
from fitgate.metrics import Metric
from fitgate.runs import same_output
from fitgate.statistics import holm, holm_levels
from fitgate.text import counted

RANK = {Outcome.FAIL: 0, Outcome.INCONCLUSIVE: 1, Outcome.PASS: 3}
FALLEN = (Reason.FALL, Reason.COLLAPSE)


@dataclass(frozen=True, eq=False)
class _Tested:
    """A slice that was compared with the baseline's."""

    of: Slice
    metric: Metric
    found: Comparison


@dataclass(frozen=True, eq=False)
class _Decided:
    """What came of it, by the level that it has among the gate's slices."""

    tested: _Tested
    terms: Terms
    outcome: Outcome
    reason: Reason
    p_value: float

    @property
    def rank(self) -> tuple[int, float]:
        """Sorts the worst first."""
        return RANK[self.outcome], -self.tested.found.bound(self.terms)

    @property
    def verdict(self) -> SliceVerdict:
        """The verdict on the slice."""
        of, metric, found = self.tested.of, self.tested.metric, self.tested.found
        bound = metric.difference(found.bound(self.terms)).lstrip("+")
        failed = self.outcome is Outcome.FAIL
        sure = f"by chance in {chance(self.p_value)}" if failed else f"{metric.worsening} at most {bound}"
        threshold = _threshold(metric, found.before, self.terms.margin)
        return SliceVerdict(of.name, self.outcome, of.truth.n, found.now, threshold, sure)


def regression_of_slices(
    gate: Gate, metric: Metric, margin: float, by: By, model: str, baseline: Baseline, evidence: Evidence
) -> Verdict | Contested:
    """What a regression gate finds that holds for each slice, of output that is not the baseline's.

    Args:
        gate: that judges.
        metric: as the task names it.
        margin: the fall that it answers for.
        by: the column or function.
        model: that is judged.
        baseline: sound.
        evidence: what there is.
    """
    slices = slices_by(gate, by, model, evidence)
    if isinstance(slices, Verdict):
        return slices
    settled: list[SliceVerdict] = []
    tested: list[_Tested] = []
    for one in slices:
        found = _examined(one, metric, margin, model, evidence)
        if isinstance(found, SliceVerdict):
            settled.append(found)
        else:
            tested.append(found)
    n = evidence.truths[gate.task.name].n
    if not tested:
        verdicts = sorted(settled, key=lambda one: RANK[one.outcome])
        few = by_outcome(verdicts, Outcome.INCONCLUSIVE)
        return gate.verdict(
            model,
            evidence,
            Outcome.INCONCLUSIVE,
            f"None of {counted(len(slices), 'slice')} by {slicing_name(by)} can be judged: {_few(few)}. Test on more "
            "examples of them, or put rare slices together by a function.",
            metric=metric.name,
            reason=Reason.UNSURE,
            n=n,
            margin=margin,
            slices=verdicts,
        )
    worse, better = [one.found.p_worse for one in tested], [one.found.p_better for one in tested]

    def decided(level: float) -> list[_Decided]:
        levels, adjusted = holm_levels(worse, level), holm(worse)
        found = []
        for one, own, p_value in zip(tested, levels, adjusted, strict=True):
            terms = Terms(margin, float(own), evidence.settings.missed)
            found.append(_Decided(one, terms, *one.found.decide(terms), float(p_value)))
        return sorted(found, key=lambda one: one.rank)

    def conclude(of_worse: Adjusted, of_better: Adjusted) -> Verdict:
        gains = zip(tested, holm_levels(better, of_better.level), strict=True)
        missed = evidence.settings.missed
        gained = [one.of.name for one, level in gains if one.found.gained(Terms(margin, float(level), missed))]
        return _concluded(gate, by, model, baseline, decided(of_worse.level), settled, of_worse, gained, evidence)

    def more(verdict: Verdict) -> int | None:
        if verdict.level is None:  # the gate itself is broken
            return None
        found = decided(verdict.level)
        failing = [one for one in found if one.outcome is Outcome.FAIL]
        asked = (one.tested.found.more_seeds(one.terms) for one in failing or found)
        return max((seeds for seeds in asked if seeds is not None), default=None)

    return Contested(_of_all(worse), _of_all(better), conclude, more)


def _of_all(p_values: Sequence[float]) -> float:
    """The p-value of a gate: that of its least likely slice, for all of its slices."""
    return min(1.0, len(p_values) * min(p_values))


def _examined(one: Slice, metric: Metric, margin: float, model: str, evidence: Evidence) -> _Tested | SliceVerdict:
    """A slice compared with the baseline's; or the verdict on it, where that is certain, or nothing can be said."""
    task, baseline = one.runs[0].task, one.baseline
    if one.too_few:
        return one.unjudged(one.too_few)
    assert baseline is not None, "slices are made of a sound one"
    outputs, key = [run.outputs for run in one.runs], (model, task)
    values = [value_on(metric, one.truth, some) for some in (*outputs, *baseline.outputs)]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return one.unjudged(f"no {metric.title} there")
    own, now = one.truth.own(metric), known[: len(outputs)]
    seeds, execution = evidence.seeds.get(key, ()), evidence.executions.get(key, "")
    if baseline.gave(outputs, seeds, evidence.environment, execution):
        value = sum(now) / len(now)
        threshold = _threshold(metric, value, margin)
        return SliceVerdict(one.name, Outcome.PASS, one.truth.n, value, threshold, "same output as its baseline")
    repeats = len(one.runs) if same_output(one.runs) else 1
    alone = slice(1 if repeats > 1 else None)
    there = replace(evidence, truths={task: one.truth})
    found = compare(baseline, one.runs[alone], now[alone], repeats, own, there)
    return one.unjudged(f"no {metric.title} of the baseline there") if found is None else _Tested(one, own, found)


def _threshold(metric: Metric, before: float, margin: float) -> float:
    return before - margin if metric.higher_is_better else before + margin


def _concluded(
    gate: Gate,
    by: By,
    model: str,
    baseline: Baseline,
    decided: Sequence[_Decided],
    settled: Sequence[SliceVerdict],
    worse: Adjusted,
    gained: Sequence[str],
    evidence: Evidence,
) -> Verdict:
    task, settings, worst = gate.task.name, evidence.settings, decided[0]
    metric, found, terms = worst.tested.metric, worst.tested.found, worst.terms
    of, unjudged = worst.tested.of, by_outcome(settled, Outcome.INCONCLUSIVE)
    verdicts = sorted([one.verdict for one in decided], key=lambda one: RANK[one.outcome]) + list(settled)
    verdicts.sort(key=lambda one: 2 if one.outcome is Outcome.INCONCLUSIVE and one.value is None else RANK[one.outcome])
    outcome, power = outcome_of(verdicts), found.power(terms)
    reason = worst.reason if worst.outcome is outcome else Reason.UNSURE
    changed = baseline.changes(evidence.environment, evidence.executions.get((model, task), ""))
    lost: list[int] = []
    losses, then = "", what_to_do([], changed)
    if worst.reason in FALLEN:
        assert of.baseline is not None, "it was compared with"
        within, losses = describe_losses(of.baseline, of.runs, of.truth, changed)
        lost = of.rows[within].tolist()
        then = what_to_do([int(of.truth.examples[i]) for i in within], changed)
    said = summary(metric, worst.reason, found, terms, worst.p_value, then)
    count = counted(len(verdicts), "slice")
    where = f"{of.name}, {of.truth.n:,} examples of {count} by {slicing_name(by)}"
    if outcome is Outcome.PASS:
        where = f"All {count} by {slicing_name(by)} hold, {of.name} by least"
    parts = [f"{where}: {said}"]
    if unjudged and outcome is not Outcome.FAIL:
        parts.append(f"Not judged: {_few(unjudged)}. Test on more of them, or put rare slices together by a function.")
    if gained:
        parts.append(f"Better than chance explains: {', '.join(gained)}; suspect a leak of test examples.")
        if settings.leaks == "fail":
            outcome, reason = Outcome.FAIL, Reason.GAIN
            parts.append("--gate-leaks=fail makes that a failure: bless this run if the gain is earned.")
    numbers = measured(metric, found, worst.p_value)
    details = [f"{of.name}: {numbers}", explain(metric, worst.reason, found, terms, power), losses]
    flips = flips_of(baseline, evidence.runs_of(model, task), evidence.truths[task])
    details += [others_in_words(verdicts, by), flips_in_words(flips, evidence.truths[task])]
    return gate.verdict(
        model,
        evidence,
        outcome,
        " ".join(parts),
        metric=metric.name,
        reason=reason,
        value=found.now,
        threshold=_threshold(metric, found.before, terms.margin),
        n=evidence.truths[task].n,
        seeds=found.seeds,
        p_value=worse.p_value,
        margin=terms.margin,
        power=power,
        level=worse.level,
        lost=lost,
        gained=bool(gained),
        details=" ".join(filter(None, details)),
        slices=verdicts,
        flips=flips,
    )


def _few(unjudged: Sequence[SliceVerdict]) -> str:
    """Slices that are not judged, with the reason of the first."""
    return f"{named(unjudged)} ({unjudged[0].sure})"
