"""The report of a campaign."""

from __future__ import annotations

from collections.abc import Sequence

from fitgate.report.escaping import code, md
from fitgate.report.tables import table
from fitgate.sabotage.campaign import Campaign
from fitgate.sabotage.trial import Trial
from fitgate.statistics import proportion_upper_bound

NOTE = """\
Each defect was planted in the estimator, where the gates can't see it; the gates, the data and the baselines were the
project's own. *Effect* is by how much the metric of the model's regression gate became worse: its mean over the seeds
that the model was trained with, against the mean over the baseline's seeds. *Margin* is the fall that this gate answers
for. A defect with a smaller effect may be caught, but need not be. The significance of each regression gate is Holm's,
among those of all the models that took part. Where a gate answered for an effect, but could not decide by these seeds,
the model was trained with twice as many others, as the gate asks: the last row of a defect counts. No seed here is one
that a floor or a baseline was made with."""


TAMPERED = """\
Each was done to the project's own session: its quickest model whose gates pass was made to misbehave, out of sight of
the gates, or a copy of its baselines or its record was changed. *Refused* is a session that failed for this reason,
where the same session passes as it is."""


def render(campaign: Campaign) -> str:
    """The report in markdown; of a campaign of some kinds of trial only, with these alone."""
    controls = [*campaign.alone, *campaign.together]
    parts = ["# Sabotage: what the gates catch", "\n".join(_findings(campaign))]
    if campaign.trials or controls:
        parts.append(NOTE)
    if campaign.trials:
        parts.append(f"## Defects\n\n{_defects(campaign.trials)}")
    if campaign.tamperings:
        parts.append(f"## Tampering\n\n{TAMPERED}\n\n{_tamperings(campaign)}")
    if controls:
        parts.append(f"## Clean controls\n\n{_controls(campaign)}")
    return "\n\n".join([*parts, _circumstances(campaign)]) + "\n"


def _findings(campaign: Campaign) -> list[str]:
    """What the campaign comes to, a line for each kind of trial that it had."""
    lines = []
    if campaign.trials:
        due = [trial for trial in campaign.latest if trial.due]
        caught = [trial for trial in due if trial.caught_by]
        gained = [trial for trial in campaign.trials if trial.effect is not None and trial.effect <= -trial.margin]
        suspected = [trial for trial in gained if trial.suspected]
        lines += [
            f"- **{len(caught)} of {len(due)}** defects whose effect is at least the margin were caught"
            f"{_followed(campaign)}{_missed(due)}. Of {_small(campaign.latest)}",
            f"- **{len(suspected)} of {len(gained)}** leaks that gain at least the margin were suspected.",
        ]
    if campaign.tamperings:
        refused = [tampering for tampering in campaign.tamperings if tampering.caught]
        lines.append(
            f"- **{len(refused)} of {len(campaign.tamperings)}** ways of tampering with a project were refused."
        )
    if campaign.alone or campaign.together:
        lines += [
            f"- False alarms: {_alarms(campaign.alone)} clean runs with one fresh seed each,",
            f"  {_alarms(campaign.together)} with several.",
        ]
    return lines or ["- Nothing was tried: no defect and no tampering is so called."]


def _missed(due: Sequence[Trial]) -> str:
    missed = [
        f"{t.model}: {t.defect}, {t.severity}, {'which was called inconclusive' if t.inconclusive else 'which passed'}"
        for t in due
        if not t.caught_by
    ]
    return f"; missed: {'; '.join(missed)}" if missed else ""


def _followed(campaign: Campaign) -> str:
    """How many trials it took more seeds to decide."""
    count = len(campaign.trials) - len(campaign.latest)
    return f", {count} of them with more seeds, for which its gate had asked" if count else ""


def _small(trials: Sequence[Trial]) -> str:
    """What became of the defects whose effect is less than the margin."""
    small = [t for t in trials if not t.due and not t.suspected]
    caught, unsure = sum(bool(t.caught_by) for t in small), sum(bool(t.inconclusive) and not t.caught_by for t in small)
    return f"the {len(small)} with a smaller effect, {caught} were caught and {unsure} called inconclusive."


def _alarms(trials: Sequence[Trial]) -> str:
    alarms = sum(bool(trial.caught_by) for trial in trials)
    bound = proportion_upper_bound(alarms, len(trials), 0.95) if trials else 1.0
    return f"**{alarms} of {len(trials)}** (at most {100 * bound:.2f} %, exact one-sided 95 % bound)"


def _defects(trials: Sequence[Trial]) -> str:
    units = {trial.unit_shown for trial in trials}
    one_unit = next(iter(units)) if len(units) == 1 else ""
    rows = []
    for trial in trials:
        unit = "" if one_unit else f" {trial.unit_shown}"
        effect = "-" if trial.effect is None else f"{trial.in_unit(trial.effect):+.2f}{unit}"
        margin = f"{trial.in_unit(trial.margin):g}{unit}"
        about = map(md, (trial.family, trial.defect, trial.severity, trial.model))
        rows.append([*about, _caught(trial), effect, margin, str(len(trial.seeds))])
    effects = f"effect, {one_unit}" if one_unit else "effect"
    return table(["family", "defect", "severity", "model", "caught by", effects, "margin", "seeds"], rows, right=5)


def _caught(trial: Trial) -> str:
    mark = "✅" if trial.caught_by else "❌" if trial.due else "⚠️" if trial.suspected else "·"
    by = "<br>".join(code(gate) for gate in trial.caught_by)
    otherwise = "suspected of a leak" if trial.suspected else "inconclusive" if trial.inconclusive else "nothing"
    return f"{mark} {by or otherwise}"


def _tamperings(campaign: Campaign) -> str:
    rows = [[md(t.what), "✅" if t.caught else "❌", md(t.message)] for t in campaign.tamperings]
    return table(["what", "refused", "how the session ended"], rows)


def _controls(campaign: Campaign) -> str:
    groups: dict[tuple[str, str, str, int], list[Trial]] = {}
    for trial in [*campaign.alone, *campaign.together]:
        groups.setdefault((trial.model, trial.defect, trial.severity, len(trial.seeds)), []).append(trial)
    rows = [
        [
            *(model, md(f"{change} {severity}".strip()), str(seeds), str(len(trials))),
            str(sum(bool(t.caught_by) for t in trials)),
            str(sum(bool(t.inconclusive) for t in trials)),
        ]
        for (model, change, severity, seeds), trials in groups.items()
    ]
    return table(["model", "what changed", "seeds a run", "runs", "false alarms", "inconclusive"], rows, right=2)


def _circumstances(campaign: Campaign) -> str:
    where = campaign.environment
    metrics = sorted({trial.metric for trial in campaign.trials if trial.metric})
    parts = [
        f"{campaign.seconds / 60:.1f} minutes on {where.cpu}, {where.cores} cores",
        f"Python {where.python}",
        f"task {campaign.task}" if campaign.task else "",
        f"metric {', '.join(metrics)}" if metrics else "",
        f"profile {campaign.profile}" if campaign.profile else "",
        f"commit `{campaign.commit}`" if campaign.commit else "not in git",
    ]
    return f"{'; '.join(filter(None, parts))}."
