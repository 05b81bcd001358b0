"""The reports of A/B comparisons: of one session, and of the proof that they can be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fitgate.ab.proof import Proof
from fitgate.ab.session import SIGNIFICANCE, SLICE, Session
from fitgate.ab.verdict import MARGIN, POWER, SEEN, Finding
from fitgate.gates import Outcome
from fitgate.report.tables import MARKS, table
from fitgate.statistics import proportion_interval

RULE = f"""\
Every block starts a fresh process of each arm, which loads the arm's fitted models and warms up. They take turns in
rounds of slices of {1e3 * SLICE:g} ms, in random order and then backwards, so that what slows the machine slows all
alike; a slice gives the median of its queries, a block the median ratio of its rounds. A model is FAIL if its log
ratios, block by block, lie above zero by a sign-flip test at p < {SIGNIFICANCE:g}, after Holm's adjustment for all
models, and it is at least {MARGIN:.0%} slower. The control is the base against itself, in the same blocks: where that
is slower or faster by the same rule, the verdict is INCONCLUSIVE. So it is where a slowdown of {SEEN:.0%} would be
found with a power under {POWER:.0%} (by Student's t, at this spread of the blocks). Both arms run in this environment:
a change of dependencies is not compared."""


def verdict_line(findings: Sequence[Finding]) -> str:
    """The outcome of a session, in one line."""
    by = Counter(finding.outcome for finding in findings)
    if by[Outcome.FAIL]:
        slower = ", ".join(f"{f.model} by {f.ratio - 1:.1%}" for f in findings if f.outcome is Outcome.FAIL)
        return f"FAIL: slower: {slower}"
    if by[Outcome.INCONCLUSIVE]:
        blind = [f.model for f in findings if f.outcome is Outcome.INCONCLUSIVE and f.power < POWER]
        uneven = [f.model for f in findings if f.outcome is Outcome.INCONCLUSIVE and f.power >= POWER]
        reasons = [f"the base differs from itself for {', '.join(uneven)}"] if uneven else []
        reasons += [f"a slowdown of {SEEN:.0%} could have been missed for {', '.join(blind)}"] if blind else []
        return f"INCONCLUSIVE: {'; '.join(reasons)}. Repeat on a quieter machine, or with more --blocks or --seconds"
    return f"PASS: none of {len(findings)} models is significantly slower by {MARGIN:.0%}"


def render(session: Session, findings: Sequence[Finding]) -> str:
    """The report of a session, in markdown."""
    where = session.environment
    blocks = 1 + max(reading.block for reading in session.readings)
    parts = [
        f"# Latency of `{_short(session.candidate)}` against `{_short(session.base)}`",
        f"**{verdict_line(findings)}**",
        f"Scenario {session.scenario}, {blocks} blocks, {len(session.readings)} fresh processes.",
        _findings(findings),
        RULE,
        f"{where.cpu}, {where.cores} cores; Python {where.python}; "
        + ", ".join(f"{name} {version}" for name, version in where.libraries.items()),
    ]
    return "\n\n".join(parts) + "\n"


def render_proof(proof: Proof) -> str:
    """The report of a proof, in markdown."""
    where = proof.environment
    rows = []
    for slowdown in proof.slowdowns:
        caught = [t.outcome is Outcome.FAIL for t in proof.trials if t.slowdown == slowdown]
        ratios = sorted(t.ratio for t in proof.trials if t.slowdown == slowdown)
        low, high = proportion_interval(sum(caught), len(caught))
        span = f"{ratios[len(ratios) // 20]:.3f} to {ratios[-1 - len(ratios) // 20]:.3f}"
        what = "none (A/A)" if slowdown == 0 else f"{slowdown:.0%}"
        blind = sum(t.outcome is Outcome.INCONCLUSIVE for t in proof.trials if t.slowdown == slowdown)
        counted = [str(len(caught)), str(sum(caught)), f"{low:.1%} to {high:.1%}", str(blind)]
        rows.append([what, *counted, f"{ratios[len(ratios) // 2]:.3f}", span])
    headers = [
        "injected slowdown",
        "sessions",
        "FAIL",
        "95 % interval of the rate",
        "INCONCLUSIVE",
        "median ratio seen",
        "from 5 % to 95 %",
    ]
    parts = [
        "# How far the latency gate can be believed",
        f"{len({t.session for t in proof.trials})} sessions of this tree against itself: {proof.blocks} blocks of ABBA "
        f"each, so {3 * proof.blocks} fresh processes, asking `{proof.model}` for single examples for "
        f"{proof.seconds:g} s each. The rule is the gate's own, for one model, its control included. A slowdown is "
        "injected into the measured times: all of the candidate's are multiplied by it. (To idle after each query "
        "would be no slowdown of a known size: the query after it takes longer, too.)",
        table(headers, rows, right=1),
        f"A slowdown of {MARGIN:.0%} stands at the margin itself: the gate asks for a ratio of at least "
        f"{1 + MARGIN:g}, which about half of such sessions show.",
        RULE,
        f"{proof.seconds_taken / 60:.0f} minutes on {where.cpu}, {where.cores} cores, {proof.lanes} sessions at a "
        f"time, each on a core of its own; Python {where.python}; commit `{proof.commit}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _findings(findings: Sequence[Finding]) -> str:
    rows = [
        [
            f.model,
            f"{MARKS[f.outcome]} {f.outcome}",
            f"{f.ratio:.3f} ({f.low:.3f} to {f.high:.3f})",
            f"{f.p_value:.2g}",
            f"{f.power:.0%}",
            "-" if f.control is None else f"{f.control:.3f} (p = {f.control_p_value:.2g})",
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
        "control",
        "base, ms",
        "candidate, ms",
    ]
    return table(headers, rows, right=2)


def _short(commit: str | None) -> str:
    return "this tree" if commit is None else commit[:12] + ("-dirty" if commit.endswith("-dirty") else "")
