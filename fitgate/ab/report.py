"""The reports of A/B comparisons: of one session, and of the proof that they can be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from fitgate.ab.comparison import Comparison
from fitgate.ab.proof import Proof, Trial
from fitgate.ab.session import ARMS, SIGNIFICANCE, SLICE
from fitgate.ab.verdict import MARGIN, POWER, SEEN, Finding, judge
from fitgate.gates import Outcome
from fitgate.report.tables import MARKS, fold, table
from fitgate.report.view.ab import AbRow, AbView
from fitgate.statistics import proportion_interval
from fitgate.text import counted

RULE = f"""\
Base and control are two fits of one revision, made apart; the candidate is compared with both. Every block starts a
fresh process of each of the three, which loads its fitted models and warms up. They take turns in rounds of slices of
{1e3 * SLICE:g} ms, in random order and then backwards, so that what slows the machine slows all alike; a slice gives
the median of its queries, a block the median ratio of its rounds. A model is FAIL if its log ratios to the base, block
by block, lie above zero by a sign-flip test, and those to the control too (p, the greater of the two, is under
{SIGNIFICANCE:g} after Holm's adjustment for all models), and it is at least {MARGIN:.0%} slower than either. So a
control that differs from the base excuses no slowdown. A model is INCONCLUSIVE if a slowdown of {SEEN:.0%} would FAIL
less than {POWER:.0%} of the time, and the same tests, turned around, do not rule it out. That power is of this very
rule, by the bootstrap over the blocks, at their spread and with the control as far from the base as it was. All run in
this environment: a change of dependencies is not compared."""


def verdict(findings: Sequence[Finding]) -> tuple[Outcome, str]:
    """The outcome of a session, and its reason in words."""
    by = Counter(finding.outcome for finding in findings)
    if by[Outcome.FAIL]:
        slower = ", ".join(f"{f.model} by {f.ratio - 1:.1%}" for f in findings if f.outcome is Outcome.FAIL)
        return Outcome.FAIL, f"slower: {slower}"
    if by[Outcome.INCONCLUSIVE]:
        blind = ", ".join(f.model for f in findings if f.outcome is Outcome.INCONCLUSIVE)
        return Outcome.INCONCLUSIVE, (
            f"a slowdown of {SEEN:.0%} could have been missed for {blind}. Repeat on a quieter machine, "
            "or with more --blocks or --seconds"
        )
    none = "the model is not" if len(findings) == 1 else f"none of {counted(len(findings), 'model')} is"
    return Outcome.PASS, f"{none} significantly slower by {MARGIN:.0%}"


def view(of: Comparison) -> AbView:
    """What a comparison came to, for the comment on a pull request."""
    findings = judge(of.ratios)
    outcome, reason = verdict(findings)
    return AbView(
        outcome,
        reason,
        rows=tuple(
            AbRow(f.model, f.outcome, f.base_seconds, f.candidate_seconds, f.ratio, (f.low, f.high)) for f in findings
        ),
        about=f"fitgate ab timed {_short(of.candidate)} and {_short(of.base)} in turns, in fresh processes on one "
        f"machine (scenario {of.scenario}; {of.environment.cpu}). A model fails if it is slower than each of two fits "
        f"of the base, by {MARGIN:.0%} or more, with p < {SIGNIFICANCE:g}.",
    )


def render(of: Comparison) -> str:
    """The report of a comparison, in markdown."""
    where, findings = of.environment, judge(of.ratios)
    blocks = len(of.ratios[0].base)
    parts = [
        f"# Latency of `{_short(of.candidate)}` against `{_short(of.base)}`",
        f"**{': '.join(verdict(findings))}**",
        f"Scenario {of.scenario}, {counted(blocks, 'block')}, {len(ARMS) * blocks} fresh processes.",
        _findings(findings),
        fold("How this is judged", RULE),
        f"{where.cpu}, {counted(where.cores, 'core')}; Python {where.python}; "
        + ", ".join(f"{name} {version}" for name, version in where.libraries.items()),
    ]
    return "\n\n".join(parts) + "\n"


def render_proof(proof: Proof) -> str:
    """The report of a proof, in markdown."""
    asked, where = proof.asked, proof.asked.environment
    sessions = len({trial.session for trial in proof.trials})
    family = proof.trials[0].ratios
    judged = {
        scenario: [_judged(trial, proof.slowdowns) for trial in trials]
        for scenario, trials in _by_scenario(proof.trials).items()
    }
    most, least = proportion_interval(0, sessions)[1], proportion_interval(sessions, sessions)[0]
    parts = [
        "# How far the latency gate can be believed",
        _proof_line(judged, proof.slowdowns),
        f"{sessions} sessions of one revision against itself, each as `fitgate ab` does it: working trees of its own, "
        f"every arm's models fitted apart, then {len(family[0].base)} blocks of three fresh processes, each of which "
        f"times each of the {len(family)} models for {asked.seconds:g} s. The models of a session are one family of "
        "tests, in each scenario.",
        "## Nothing changed",
        _alarms(judged),
        "The last column takes each session again with each slowdown of each model, and counts those in which a model "
        "that was not slowed is FAIL.",
        "## One model slowed",
        "A slowdown is injected into one model's measured times: all of the candidate's are multiplied by it. (To idle "
        "after each query would be no slowdown of a known size: the query after it takes longer, too.) Counted are the "
        f"sessions of {sessions} in which this model is FAIL; the 95 % interval of none is 0 to {most:.1%}, of all "
        f"{least:.1%} to 100%. INCONCLUSIVE and the ratios are those without a slowdown. The worst come first.",
        _catches(judged, proof.slowdowns),
        f"The gate asks for a ratio of at least {1 + MARGIN:g} to base and to control, which a slowdown of just "
        f"{MARGIN:.0%} shows by luck alone.",
        fold("How a session is judged", RULE),
        f"{proof.seconds_taken / 60:.0f} minutes on {where.cpu}, {counted(where.cores, 'core')}, {proof.lanes} "
        f"sessions at a time, each on a core of its own; Python {where.python}; commit `{asked.commit}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _proof_line(judged: Mapping[str, Sequence[_Judged]], slowdowns: Sequence[float]) -> str:
    """What a proof comes to, in a line: how often it alarms though nothing changed, and what it catches."""
    trials = [trial for of_scenario in judged.values() for trial in of_scenario]
    alarms = sum(any(finding.outcome is Outcome.FAIL for finding in trial.clean) for trial in trials)
    parts = []
    for slowdown in slowdowns:
        found = [
            finding.outcome is Outcome.FAIL
            for trial in trials
            for (model, injected), findings in trial.slowed.items()
            for finding in findings
            if (finding.model, injected) == (model, slowdown)
        ]
        parts.append(f"by {slowdown:.0%} in {sum(found):,} of {len(found):,}")
    return (
        f"**With nothing changed, {alarms:,} of {len(trials):,} sessions failed; one model slowed failed "
        f"{', '.join(parts)}.**"
    )


class _Judged(NamedTuple):
    """The findings of one trial, without a slowdown, and with one in a model, by model and slowdown."""

    clean: list[Finding]
    slowed: dict[tuple[str, float], list[Finding]]


def _judged(trial: Trial, slowdowns: Sequence[float]) -> _Judged:
    models = [ratios.model for ratios in trial.ratios]
    injected = {(m, slowdown): judge(trial.ratios, {m: slowdown}) for m in models for slowdown in slowdowns}
    return _Judged(judge(trial.ratios), injected)


def _by_scenario(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    return {name: [t for t in trials if t.scenario == name] for name in dict.fromkeys(t.scenario for t in trials)}


def _alarms(judged: Mapping[str, Sequence[_Judged]]) -> str:
    """How many sessions without a change had a FAIL, scenario by scenario."""
    rows = []
    for scenario, trials in judged.items():
        alarms = sum(any(f.outcome is Outcome.FAIL for f in trial.clean) for trial in trials)
        low, high = proportion_interval(alarms, len(trials))
        others = [
            any(f.outcome is Outcome.FAIL and f.model != model for f in findings)
            for trial in trials
            for (model, _), findings in trial.slowed.items()
        ]
        blind = sum(any(f.outcome is Outcome.INCONCLUSIVE for f in trial.clean) for trial in trials)
        counts = [str(len(trials)), str(alarms), f"{low:.1%} to {high:.1%}", str(blind)]
        rows.append([scenario, *counts, f"{sum(others)} of {len(others)}"])
    headers = ["scenario", "sessions", "with a FAIL", "95 % interval of the rate", "with an INCONCLUSIVE"]
    headers += ["FAIL of a model not slowed"]
    return table(headers, rows, right=1)


def _catches(judged: Mapping[str, Sequence[_Judged]], slowdowns: Sequence[float]) -> str:
    """How many sessions each slowdown of each model failed, the worst model and scenario first, and all together."""
    rows, totals = [], []
    for scenario, trials in judged.items():
        for i, model in enumerate(finding.model for finding in trials[0].clean):
            clean = [trial.clean[i] for trial in trials]
            alarms = sum(finding.outcome is Outcome.FAIL for finding in clean)
            caught = [
                sum(trial.slowed[model, slowdown][i].outcome is Outcome.FAIL for trial in trials)
                for slowdown in slowdowns
            ]
            blind = sum(finding.outcome is Outcome.INCONCLUSIVE for finding in clean)
            low, median, high = np.quantile([finding.ratio for finding in clean], [0.05, 0.5, 0.95])
            counts = [alarms, *caught, blind]
            cells = [model, scenario, *map(str, counts), f"{median:.3f} ({low:.3f} to {high:.3f})"]
            rows.append(((-alarms, sum(caught), low - high), cells))
            totals.append([len(trials), *counts])
    headers = ["model", "scenario", "unchanged", *(f"{slowdown:.0%} slower" for slowdown in slowdowns)]
    headers += ["INCONCLUSIVE", "time ratio: median (5 % to 95 %)"]
    of, *sums = np.sum(totals, axis=0)
    last = ["all", "", *(f"{count} of {of}" for count in sums), ""]
    return table(headers, [*(cells for _, cells in sorted(rows)), last], right=2)


def _findings(findings: Sequence[Finding]) -> str:
    rows = [
        [
            f.model,
            f"{MARKS[f.outcome]} {f.outcome}",
            f"{f.ratio:.3f} ({f.low:.3f} to {f.high:.3f})",
            f"{f.p_value:.2g}",
            f"{f.power:.0%}",
            f"{f.to_base:.3f}, {f.to_control:.3f}",
            f"{f.control:.3f} (p = {f.control_p_value:.2g})",
            f"{1e3 * f.base_seconds:.4g}",
            f"{1e3 * f.candidate_seconds:.4g}",
        ]
        for f in findings
    ]
    headers = [
        "model",
        "verdict",
        "time ratio (95 % interval)",
        "p",
        f"power at {SEEN:.0%}",
        "to base, to control",
        "control to base",
        "base, ms",
        "candidate, ms",
    ]
    return table(headers, rows, right=2)


def _short(commit: str | None) -> str:
    return "this tree" if commit is None else commit[:12] + ("-dirty" if commit.endswith("-dirty") else "")
