"""The report of a campaign."""

from __future__ import annotations

from collections.abc import Sequence

from fitgate.report.tables import table
from fitgate.sabotage.campaign import Campaign
from fitgate.sabotage.trial import Trial
from fitgate.statistics import proportion_upper_bound

NOTE = """\
Each defect was planted where the harness can't see it, in the estimator; the gates, the data and the baselines were the
suite's own. *Effect* is by how many points the accuracy on the ten digits truly fell: its mean over the seeds that the
defect was trained with, against the baseline's mean. *Margin* is the fall that the model's regression gate answers for.
A defect whose effect is smaller may be caught, and need not be: it does less than seeds do. The significance of each
regression gate is Holm's, among those of all five models. Where a gate that owed a verdict found five seeds too few to
tell, it was given ten others, as it asks: the last row of a defect counts. No seed here is one of a floor's or a
baseline's."""


def render(campaign: Campaign) -> str:
    """The report in markdown."""
    due = [trial for trial in campaign.latest if trial.due]
    caught = [trial for trial in due if trial.caught_by]
    gained = [trial for trial in campaign.trials if trial.effect is not None and trial.effect <= -trial.margin]
    suspected = [trial for trial in gained if trial.suspected]
    refused = [tampering for tampering in campaign.tamperings if tampering.caught]
    where = campaign.environment
    parts = [
        "# Sabotage: what the gates catch",
        "\n".join(
            [
                f"- **{len(caught)} of {len(due)}** defects whose effect is at least the margin were caught"
                f"{_followed(campaign)}{_missed(due)}. Of {_small(campaign.latest)}",
                f"- **{len(suspected)} of {len(gained)}** leaks that gain at least the margin were called one.",
                f"- **{len(refused)} of {len(campaign.tamperings)}** tamperings with the harness were refused.",
                f"- False alarms: {_alarms(campaign.alone)} clean runs with one fresh seed each,",
                f"  {_alarms(campaign.together)} with several.",
            ]
        ),
        NOTE,
        f"## Defects\n\n{_defects(campaign.trials)}",
        f"## Tampering\n\n{_tamperings(campaign)}",
        f"## Clean controls\n\n{_controls(campaign)}",
        f"{campaign.seconds / 60:.1f} minutes on {where.cpu}, {where.cores} cores; Python {where.python}; profile "
        f"{campaign.profile}; commit `{campaign.commit}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _missed(due: Sequence[Trial]) -> str:
    missed = [
        f"{t.model}: {t.defect}, {t.severity}, {'which was called inconclusive' if t.inconclusive else 'which passed'}"
        for t in due
        if not t.caught_by
    ]
    return f"; missed: {'; '.join(missed)}" if missed else ""


def _followed(campaign: Campaign) -> str:
    """How many trials it took more seeds to catch."""
    count = len(campaign.trials) - len(campaign.latest)
    return f", {count} of them with more seeds, for which its gate had asked" if count else ""


def _small(trials: Sequence[Trial]) -> str:
    """What became of the defects that do less than the margin."""
    small = [t for t in trials if not t.due and not t.suspected]
    caught, unsure = sum(bool(t.caught_by) for t in small), sum(bool(t.inconclusive) and not t.caught_by for t in small)
    return f"the {len(small)} that do less, {caught} were caught, {unsure} called inconclusive."


def _alarms(trials: Sequence[Trial]) -> str:
    alarms = sum(bool(trial.caught_by) for trial in trials)
    bound = proportion_upper_bound(alarms, len(trials), 0.95) if trials else 1.0
    return f"**{alarms} of {len(trials)}** (at most {100 * bound:.2f} %, exact one-sided 95 % bound)"


def _defects(trials: Sequence[Trial]) -> str:
    rows = []
    for trial in trials:
        effect = "-" if trial.effect is None else f"{100 * trial.effect:+.2f}"
        numbers = [effect, f"{100 * trial.margin:g}", str(len(trial.seeds))]
        rows.append([trial.family, trial.defect, trial.severity, trial.model, _caught(trial), *numbers])
    headers = ["family", "defect", "severity", "model", "caught by", "effect, points", "margin", "seeds"]
    return table(headers, rows, right=5)


def _caught(trial: Trial) -> str:
    mark = "✅" if trial.caught_by else "❌" if trial.due else "⚠️" if trial.suspected else "·"
    by = "<br>".join(f"`{gate}`" for gate in trial.caught_by)
    otherwise = "suspected of a leak" if trial.suspected else "inconclusive" if trial.inconclusive else "nothing"
    return f"{mark} {by or otherwise}"


def _tamperings(campaign: Campaign) -> str:
    rows = [[t.what, "✅" if t.caught else "❌", t.told.replace("|", "\\|")] for t in campaign.tamperings]
    return table(["what", "refused", "last words"], rows)


def _controls(campaign: Campaign) -> str:
    groups: dict[tuple[str, str, str, int], list[Trial]] = {}
    for trial in [*campaign.alone, *campaign.together]:
        groups.setdefault((trial.model, trial.defect, trial.severity, len(trial.seeds)), []).append(trial)
    rows = [
        [
            *(model, f"{change} {severity}".strip(), str(seeds), str(len(trials))),
            str(sum(bool(t.caught_by) for t in trials)),
            str(sum(bool(t.inconclusive) for t in trials)),
        ]
        for (model, change, severity, seeds), trials in groups.items()
    ]
    return table(["model", "what changed", "seeds a run", "runs", "false alarms", "inconclusive"], rows, right=2)
