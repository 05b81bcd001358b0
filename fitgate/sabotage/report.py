"""The report of a campaign: misses first, then how often what is seen, and what sound models come to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fitgate.files import figures_beside, write
from fitgate.report.escaping import code, md
from fitgate.report.tables import fold, table
from fitgate.sabotage.campaign import Campaign
from fitgate.sabotage.curve import AT, Curve, curves, draw
from fitgate.sabotage.defect import CONTROL
from fitgate.sabotage.nulls import Nulls
from fitgate.sabotage.tampering import Tampering
from fitgate.sabotage.trial import Effect, Trial
from fitgate.text import counted

FIGURE = "curve.png"
CAPTION = "How often a regression gate fails a model, by how much worse it is. A point is a change, planted in a model."
CAUGHT = 0.9  # of the runs: what gates state of a fall of a margin
NOTE = """\
Each change was planted in the estimator, where the gates can't see it; gates, data and baselines are the project's own.
What it costs was measured on {held_out} seeds that no gate judges, in pairs of a sound and a changed fit, with
Student's 95 % interval. Then {runs} runs were replayed. Each draws its own seeds from {judged} others, the first at
once and the next where a gate asks for it, and is judged by all gates of its model on all tasks, as pytest judges
without options. A deterministic model has one pair and one run."""
CURVES = """\
Between the changes that were tried, shares are those of an isotonic regression; far from them, none is told. An effect
is itself a mean over seeds: a change near a margin may lie on either side of it. Runs of a change share its seeds."""
SOUND = """\
Runs of models that nobody touched, with seeds that their baselines don't have. Baselines that are drawn are of the same
fits, and of as many seeds as the project's own. An unchanged tree gives the baseline's own output, and passes without a
test. So this is the worst that an innocent change can do, to all stochastic models at once. Runs share one pool of
fits, and baselines: they are not independent, and a bound that takes them for it would be too low."""
TAMPERED = """\
Each was done to the project's own session: its quickest model whose gates pass was made to misbehave, out of sight of
the gates, or a copy of its baselines or its record was changed. *Refused* is a session that failed for this reason,
where the same session passes as it is."""


def write_report(campaign: Campaign, path: Path) -> None:
    """Write the page, and its figure into the directory of its name beside it.

    Raises:
        FileError: if one can't be written.
    """
    found = curves(campaign.trials)
    directory = figures_beside(path)
    if found:
        draw(found, directory / FIGURE)
    write(path, render(campaign, f"{directory.name}/{FIGURE}"))


def render(campaign: Campaign, figure: str) -> str:
    """The report in markdown; of a campaign of some kinds of trial only, with these alone.

    Args:
        campaign: what was found.
        figure: path of the curves' figure.
    """
    planted = [trial for trial in campaign.trials if trial.family != CONTROL]
    benign = [trial for trial in campaign.trials if trial.family == CONTROL]
    parts = ["# Sabotage: what the gates catch", "\n".join(_findings(campaign, planted))]
    if missed := [trial for trial in planted if trial.due and trial.share < CAUGHT]:
        parts.append(f"## Missed more often than one time in ten\n\n{_trials(missed)}")
    if accepted := [tampering for tampering in campaign.tamperings if not tampering.caught]:
        parts.append(f"## Tampering that was not refused\n\n{_tamperings(accepted)}")
    if campaign.nulls and (failing := [gate for gate in campaign.nulls.gates if gate[-1]]):
        parts.append(f"## Sound models that failed\n\n{_of_gates(failing, campaign.nulls.runs)}")
    if found := curves(campaign.trials):
        parts.append(f"## From which fall on\n\n![{CAPTION}]({figure})\n\n{CAPTION}")
        parts.append(fold("The same in numbers", f"{_curves(found)}\n\n{CURVES}"))
    if planted:
        parts.append(f"## What was tried\n\n{_grid(planted)}")
        parts.append(fold("How a change was planted, and its cost measured", NOTE.format(**campaign.size._asdict())))
    if benign:
        parts.append(fold("Changes that should not matter", _trials(benign)))
    if campaign.nulls:
        parts.append(
            fold("Sound models, and what an innocent change does at worst", f"{SOUND}\n\n{_nulls(campaign.nulls)}")
        )
    if campaign.tamperings:
        every = f"{TAMPERED}\n\n{_tamperings(campaign.tamperings)}"
        parts.append(fold(f"Tampering: {counted(len(campaign.tamperings), 'way')}, and how each session ended", every))
    return "\n\n".join([*parts, _circumstances(campaign)]) + "\n"


def _findings(campaign: Campaign, planted: Sequence[Trial]) -> list[str]:
    """What the campaign comes to, a line for each kind of trial that it had."""
    lines = []
    if planted:
        due = [trial for trial in planted if trial.due]
        seen = [trial for trial in due if trial.share >= CAUGHT]
        small = [trial for trial in planted if not trial.due and not trial.gained]
        lines.append(
            f"- Changes that cost a margin or more, which is the fall that a gate answers for: "
            f"**{len(seen)} of {len(due)}** failed at least nine runs of ten. Of the {len(small)} that cost less, "
            f"{sum(trial.share >= CAUGHT for trial in small)} did."
        )
    if gained := [trial for trial in planted if trial.gained]:
        noticed = sum(trial.noticed >= CAUGHT * trial.runs for trial in gained)
        lines.append(
            f"- Changes that gain a margin or more, as leaks do: **{noticed} of {len(gained)}** were suspected in at "
            "least nine runs of ten."
        )
    if campaign.nulls:
        lines.append(f"- Sound models: {_share(campaign.nulls.failed, campaign.nulls.runs)} runs failed.")
    if campaign.tamperings:
        refused = sum(tampering.caught for tampering in campaign.tamperings)
        lines.append(f"- Ways of tampering with a project: {_share(refused, len(campaign.tamperings))} were refused.")
    return lines or ["- Nothing was tried: no defect and no tampering is so called."]


def _share(count: int, of: int) -> str:
    return f"**{count:,} of {of:,}**"


def _trials(trials: Sequence[Trial]) -> str:
    rows = [
        [
            *map(md, (trial.defect, trial.severity, trial.model)),
            _effect(trial.worst),
            "-" if trial.worst is None else f"{trial.worst.margins:+.2f}",
            f"{100 * trial.share:.0f}",
            "<br>".join(code(gate.gate) for gate in trial.gates if gate.failed),
        ]
        for trial in sorted(trials, key=lambda trial: trial.share)
    ]
    titles = ["what", "how much", "model", "costs", "in margins", "runs that fail, %", "by"]
    return table(titles, rows)


def _effect(effect: Effect | None) -> str:
    if effect is None:
        return "all: it fails"
    mean = f"{effect.shown(effect.mean):+.2f} {effect.unit_shown} of {md(effect.title)}"
    if effect.low is None or effect.high is None:
        return mean
    return f"{mean} ({effect.shown(effect.low):.2f} to {effect.shown(effect.high):.2f})"


def _curves(found: Sequence[Curve]) -> str:
    rows = [
        [
            *map(md, (curve.model, curve.task, curve.title)),
            *(_percent(curve.fails(at)) for at in AT),
            _percent(curve.passes(1.0)),
            str(len(curve.effects)),
        ]
        for curve in found
    ]
    titles = ["model", "task", "metric", *(f"fails at {at:g}, %" for at in AT), "passes at 1, %", "changes"]
    return table(titles, rows, right=3)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.0f}"


def _grid(planted: Sequence[Trial]) -> str:
    """Of each family and model, how many of the changes that cost a margin or more are caught."""
    models = list(dict.fromkeys(trial.model for trial in planted))
    rows = []
    for family in dict.fromkeys(trial.family for trial in planted):
        cells = []
        for model in models:
            own = [trial for trial in planted if (trial.family, trial.model) == (family, model)]
            due = [trial for trial in own if trial.due]
            caught = sum(trial.share >= CAUGHT for trial in due)
            cells.append(f"{caught} of {len(due)}" + (f"; {rest} small" if (rest := len(own) - len(due)) else ""))
        rows.append([md(family), *cells])
    return table(["family", *map(md, models)], rows)


def _nulls(found: Nulls) -> str:
    rows = [
        ["runs of all gates that fail", _share(found.failed, found.runs)],
        ["where falls are confirmed by fresh seeds", _share(found.confirmed, found.runs)],
        ["runs that none fails and some can't decide", _share(found.inconclusive, found.runs)],
        ["baselines drawn", str(found.baselines) if found.baselines else "none: they are the project's own"],
        ["fits of each stochastic model", ", ".join(f"{md(name)} {count}" for name, count in found.pool.items())],
        ["seeds that the model needs that needs most, on average", f"{found.seeds:.1f}"],
    ]
    return f"{table(['', ''], rows)}\n\n{_of_gates(found.gates, found.runs)}"


def _of_gates(gates: Sequence[tuple[str, str, str, int]], runs: int) -> str:
    rows = [[md(model), md(task), code(rule), _share(failed, runs)] for model, task, rule, failed in gates]
    return table(["model", "task", "gate", "fails"], rows)


def _tamperings(tamperings: Sequence[Tampering]) -> str:
    rows = [[md(t.what), "✅" if t.caught else "❌", md(t.message)] for t in tamperings]
    return table(["what", "refused", "how the session ended"], rows)


def _circumstances(campaign: Campaign) -> str:
    where = campaign.environment
    processors = " and ".join(map(md, campaign.processors or [where.cpu]))
    parts = [
        f"{campaign.seconds / 60:.1f} minutes, beside fits that were kept, on {processors}",
        counted(where.cores, "core"),
        f"Python {where.python}",
        f"tasks {', '.join(map(md, campaign.tasks))}" if campaign.tasks else "",
        f"profile {campaign.profile}" if campaign.profile else "",
        f"commit `{campaign.commit}`" if campaign.commit else "of no commit",
    ]
    return f"{'; '.join(filter(None, parts))}."
