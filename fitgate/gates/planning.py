"""Planning: what a regression gate can see, how often it errs and what it costs, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

from fitgate.gates.baseline import Baseline
from fitgate.gates.breakage import examples_to_see, of_baseline, power_of_output
from fitgate.gates.evidence import Evidence
from fitgate.gates.judging import Claim
from fitgate.gates.knowing import knows
from fitgate.gates.limit import on_profile
from fitgate.gates.no_flips import NoFlips
from fitgate.gates.regression import NoRegression
from fitgate.gates.slices import slices_by, value_on
from fitgate.gates.verdict import Verdict
from fitgate.metrics import Metric
from fitgate.statistics import SeedsFall, examples_to_decide, normal_power
from fitgate.statistics.seeds import OF_LAPSES, OF_LOWEST

About = tuple[str, str, str]  # model, task, rule
NO_BASELINE = 'no baseline: pytest -m "not latency" --fit-seeds=20 --fit-seed=2000, then fitgate bless'
LARGER = (40, 100)  # seeds of baselines that one might make
TOO_SMALL = 2.2  # SDs of the seeds, below which a margin is not seen nine times in ten by a baseline of 20


@dataclass(frozen=True)
class Plan:
    """What to expect of a regression gate, of a model whose output is no longer the baseline's.

    Attributes:
        model, task, rule: names; of a gate by slices, with the slice's.
        note: why it can't be planned, or what is wrong with its margin; empty for neither.
        baseline: seeds of the baseline; 0 for none.
        n: test examples.
        margin: in words; of `NoFlips` what may break, and what is said of the margin is said of twice as much.
        in_spreads: the margin, in SDs of the baseline's seeds; None of a deterministic model.
        power: how often a fall of the margin fails.
        alarms: how often a model that is no worse fails.
        open_clean, open_margin: how often the one and the other stay INCONCLUSIVE; None of a deterministic model.
        seeds_clean, seeds_margin: how many seeds they take on average; None of a deterministic model.
        larger: the power with baselines of `LARGER`; None of a deterministic model.
        examples: how many leave nothing undecided, of a deterministic model; None of others.
    """

    model: str
    task: str
    rule: str
    note: str = ""
    baseline: int = 0
    n: int = 0
    margin: str = ""
    in_spreads: float | None = None
    power: float | None = None
    alarms: float | None = None
    open_clean: float | None = None
    open_margin: float | None = None
    seeds_clean: float | None = None
    seeds_margin: float | None = None
    larger: tuple[float, ...] | None = None
    examples: int | None = None


def level_of_each(claims: Sequence[Claim], evidence: Evidence) -> float:
    """The level that each gate with a baseline decides at, while none of the others is rejected."""
    held = [[evidence.baselines.get(need) for need in c.gate.baselines(c.model)] for c in claims]
    count = sum(any(isinstance(one, Baseline) for one in several) for several in held)
    return evidence.settings.significance / max(count, 1)


def plans(claims: Sequence[Claim], evidence: Evidence) -> list[Plan]:
    """A plan for each gate that is held to a baseline, and for each of its slices, as if no model gave its output.

    Args:
        claims: gates of a session, of any kind.
        evidence: truths, metrics, settings and baselines; runs are not looked at, but a gate by slices cuts some.
    """
    level = level_of_each(claims, evidence)
    return [plan for claim in claims for plan in _plans(claim, level, evidence)]


def _plans(claim: Claim, level: float, evidence: Evidence) -> Iterator[Plan]:
    gate, task = claim.gate, claim.gate.task.name
    if not isinstance(gate, NoRegression | NoFlips):
        return
    about, found = (claim.model, task, claim.rule), evidence.baselines.get((claim.model, task))
    if not isinstance(found, Baseline):
        yield Plan(*about, note=NO_BASELINE if found is None else str(found))
    elif isinstance(gate, NoFlips):
        yield _of_flips(about, gate, found, level, evidence)
    elif gate.by is None:
        yield _of_regression(about, gate, found, level, evidence)
    else:
        yield from _of_slices(about, gate, level, evidence)


def _of_slices(about: About, gate: NoRegression, level: float, evidence: Evidence) -> Iterator[Plan]:
    """Each by its own examples, at the least level that it may have among the slices that can be judged."""
    assert gate.by is not None, "only such have slices"
    model, task, rule = about
    slices = slices_by(gate, gate.by, model, evidence)
    if isinstance(slices, Verdict):
        yield Plan(*about, note=slices.message)
        return
    judged = sum(not one.too_few for one in slices)
    for one in slices:
        own, n = (model, task, f"{rule}: {one.name}"), one.truth.n
        if one.too_few:
            yield Plan(*own, n=n, note=f"{one.too_few}: it stays INCONCLUSIVE")
            continue
        assert one.baseline is not None, "slices are made of a sound one"
        yield _of_regression(own, gate, one.baseline, level / judged, replace(evidence, truths={task: one.truth}))


def _of_regression(about: About, gate: NoRegression, baseline: Baseline, level: float, evidence: Evidence) -> Plan:
    task = gate.task.name
    truth, metric = evidence.truths[task], evidence.metric(gate.metric, task)
    margin = gate.margin_on(truth.profile)
    known = [value_on(evidence.metrics[gate.metric], truth, outputs) for outputs in baseline.outputs]
    values = [value for value in known if value is not None]
    if len(values) < len(known):
        return Plan(*about, n=truth.n, note=f"the baseline has no {metric.title} there: bless a run that has")
    size = metric.difference(margin, signed=False)
    if len(values) == 1:
        return _of_examples(about, metric, baseline, size, margin, level, evidence)
    return _of_seeds(about, metric, values, size, margin, level, evidence, knows(baseline, metric, truth))


def _of_flips(about: About, gate: NoFlips, baseline: Baseline, level: float, evidence: Evidence) -> Plan:
    truth, settings = evidence.truths[gate.task.name], evidence.settings
    most = on_profile(gate.at_most, truth.profile)
    assert most is not None, "a claim's gate applies to the profile"
    size = f"{most:.2%} broken"
    if len(baseline.outputs) == 1:
        if truth.folds is not None or truth.groups is not None:
            return Plan(*about, note="of examples in folds or groups: how sure it is shows when it is judged")
        power, examples = power_of_output(truth.n, most, level), examples_to_see(most, level, settings.missed)
        note = (
            f"too few test examples for twice as many breaks, which FAIL in {power:.0%} of cases; {examples:,} would do"
        )
        shown = {"baseline": 1, "n": truth.n, "margin": size, "alarms": level, "examples": examples}
        return Plan(*about, note=note if examples > truth.n else "", power=power, **shown)  # type: ignore[arg-type]
    fall, clean, twice = of_baseline(baseline, truth, most, settings)
    nothing, doubled = (fall.operation(0.0, true, level, settings.missed) for true in (clean, twice))
    seeds = len(baseline.outputs)
    larger = [fall.operation(0.0, twice, level, settings.missed, baseline=max(more, seeds)).fails for more in LARGER]
    return Plan(
        *about,
        baseline=seeds,
        n=truth.n,
        margin=size,
        in_spreads=twice / fall.spread,
        power=doubled.fails,
        alarms=nothing.fails,
        open_clean=nothing.open,
        open_margin=doubled.open,
        seeds_clean=nothing.seeds,
        seeds_margin=max(doubled.seeds, 1 + doubled.fails),  # no seed alone fails
        larger=tuple(larger),
    )


def _of_seeds(
    about: About,
    metric: Metric,
    values: list[float],
    size: str,
    margin: float,
    level: float,
    evidence: Evidence,
    by_lapses: bool,
) -> Plan:
    settings, truth = evidence.settings, evidence.truths[about[1]]
    fall = SeedsFall(
        values,
        values[:1] * max(settings.seeds, 1),
        settings.seeds,
        settings.most_seeds,
        metric.higher_is_better,
        metric.step(truth.counted),
        knows=by_lapses,
    )
    known = {"baseline": len(values), "n": truth.n, "margin": size}
    if not fall.spread:
        return Plan(*about, note="the baseline's seeds do not differ in this metric", **known)  # type: ignore[arg-type]
    clean, at_margin = (fall.operation(margin, true, level, settings.missed) for true in (0.0, margin))
    larger = [
        fall.operation(margin, margin, level, settings.missed, baseline=max(seeds, len(values))) for seeds in LARGER
    ]
    ratio = margin / fall.spread
    least = metric.difference(float(f"{TOO_SMALL * fall.spread:.2g}"), signed=False)
    note = f"a margin of {ratio:.1f} SDs of the seeds: too small for them; 2.2 would be {least}"
    return Plan(
        *about,
        note=note if ratio < TOO_SMALL else "",
        in_spreads=ratio,
        power=at_margin.fails,
        alarms=clean.fails + (OF_LOWEST + by_lapses * OF_LAPSES) * level,
        open_clean=clean.open,
        open_margin=at_margin.open,
        seeds_clean=clean.seeds,
        seeds_margin=at_margin.seeds,
        larger=tuple(one.fails for one in larger),
        **known,  # type: ignore[arg-type]
    )


def _of_examples(
    about: About,
    metric: Metric,
    baseline: Baseline,
    size: str,
    margin: float,
    level: float,
    evidence: Evidence,
) -> Plan:
    """By the error of the metric itself: that of a difference is as large where outputs are correlated by a half."""
    truth, confidence, missed = evidence.truths[about[1]], evidence.settings.confidence, evidence.settings.missed
    (outputs,) = baseline.outputs
    read = metric.output(outputs)
    assert read is not None, "its value is finite"
    value = metric.value(truth.target, outputs)
    bound = float(metric.confidence_bound.compute(truth.target, read, confidence))
    error, n = abs(value - bound) / NormalDist().inv_cdf(confidence), truth.n
    power = normal_power(margin, error, level)
    examples = examples_to_decide(n, error, margin, level, missed)
    note = f"too few test examples for a fall of its margin, which FAILs in {power:.0%} of cases; {examples:,} would do"
    return Plan(
        *about,
        note=note if examples > n else "",
        baseline=1,
        n=n,
        margin=size,
        power=power,
        alarms=level,
        examples=examples,
    )
