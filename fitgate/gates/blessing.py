"""Blessing: a run's outputs become the baselines that later runs are compared with."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from msgspec import structs

from fitgate.gates.archive import anchor_file, other_files, page_file, standing_baseline
from fitgate.gates.baseline import Baseline, BlessedSet, baseline_file, collect
from fitgate.gates.candidate import Candidate
from fitgate.gates.drift import drift
from fitgate.gates.errors import BaselineError
from fitgate.gates.settings import LEAST_SEEDS
from fitgate.gates.soundness import check_baseline
from fitgate.gates.stored import encoded
from fitgate.gates.transaction import replace_all
from fitgate.machine import Environment, changes


@dataclass(frozen=True)
class Proposal:
    """A baseline to be written.

    Attributes:
        path: where.
        baseline: what is to stand there.
        before: what stands there now; None if nothing does, or nothing that can be read.
        anchor: the baseline beside it from which drift is measured; None where it is that itself.
        others: the files of baselines of other data that stand beside it.
        candidate: what it is made of.
        summary: what would change, in a line.
        drift: how far it is from the anchor, in a line; empty where that is what stands there now, or itself.
    """

    path: Path
    baseline: Baseline
    before: Baseline | None
    anchor: Baseline | None
    others: Sequence[Path]
    candidate: Candidate
    summary: str
    drift: str = ""


def propose(
    candidates: Mapping[tuple[str, str], Candidate],
    environment: Environment,
    commit: str | None,
    directory: Path,
    least_seeds: int = LEAST_SEEDS,
    *,
    anchor: bool = False,
) -> list[Proposal]:
    """What blessing runs would write into a directory, model by model and task by task.

    What stands there first becomes the anchor of a model, a task and data, and stays it.

    Args:
        candidates: by the names of model and task.
        environment: where they ran.
        commit: of the working tree; None outside git.
        directory: of the baselines.
        least_seeds: how many a stochastic model needs. One whose seeds all gave the same output, whatever its author
            says, needs two, of which one becomes the baseline.
        anchor: whether these become the anchors.

    Raises:
        BaselineError: if there are no runs, or some that can't become baselines (see `Candidate.whole`), or an anchor
            can't be read.
    """
    proposals = []
    for (model, task), candidate in candidates.items():
        runs = candidate.whole(least_seeds)
        place = (directory, candidate.truth.profile, model, task, candidate.truth.digest)
        path, others = baseline_file(*place), other_files(*place)
        baseline = collect(runs, candidate.truth.profile, environment, commit)
        try:
            before, damage = sound(directory, path, candidate), ""
        except BaselineError as error:
            before, damage = None, f", in the place of {error.found}"
        baseline = _with_environments(baseline, before)
        first = None if anchor else _anchor(directory, path, before, baseline, candidate)
        summary = _summary(baseline, before, candidate) + damage
        other = first is not None and (before is None or first.about.content != before.about.content)
        drifted = _since_anchor(baseline, first, candidate) if first is not None and other else ""
        proposals.append(Proposal(path, baseline, before, first, others, candidate, summary, drifted))
    if not proposals:
        raise BaselineError(
            "this run",
            found="no outputs that a gate would be held to",
            expected="those of models with a regression gate, and of that gate's tests",
            next_step="declare one, run pytest with --fit-seeds=20 --fit-seed=2000, and bless that run",
        )
    return proposals


def bless(
    proposals: Sequence[Proposal],
    directory: Path,
    *,
    page: Callable[[Proposal], str],
    replace: bool = False,
) -> None:
    """Write the baselines as one set, with their anchors and pages: all of them, or none.

    Args:
        proposals: what to write.
        directory: of the baselines, for which they were proposed.
        page: what a proposal comes to, for who reads it, as markdown; its baseline has then been blessed.
        replace: whether to delete those of other data that stand beside them.

    Raises:
        BaselineError: if they can't be written, or another process is blessing.
    """
    before = [p.before.about.blessed for p in proposals if p.before is not None and p.before.about.blessed is not None]
    latest = max((blessed.when for blessed in before), default=datetime.min.replace(tzinfo=UTC))
    when = max(datetime.now(UTC), latest + timedelta(microseconds=1))  # clocks go back, too
    names = [proposal.path.relative_to(directory).as_posix() for proposal in proposals]
    together = BlessedSet(when, secrets.token_hex(8), sorted(names))
    files: dict[Path, bytes] = {}
    gone: list[Path] = []
    for p in proposals:
        blessed = structs.replace(p.baseline, about=structs.replace(p.baseline.about, blessed=together))
        files[p.path] = encoded(blessed)
        files[page_file(p.path)] = page(dataclasses.replace(p, baseline=blessed)).encode("utf-8", "backslashreplace")
        if p.anchor is None:
            gone.append(anchor_file(p.path))
        else:
            files[anchor_file(p.path)] = encoded(p.anchor)
        if replace:
            gone += [file for other in p.others for file in (other, anchor_file(other), page_file(other))]
    replace_all(directory, files, gone)


def _with_environments(baseline: Baseline, before: Baseline | None) -> Baseline:
    """With the outputs in other environments that its predecessor has, where the model has stayed the same."""
    if before is None or not before.others:
        return baseline
    then, now = before.about.seeds, baseline.about.seeds
    shared = [seed for seed in then if seed in now]
    outputs = baseline.outputs
    same = all(before.kept[0].gave(then.index(seed), outputs[now.index(seed)]) for seed in shared)
    known = [
        (origin, kept)
        for origin, kept in zip(before.about.others, before.others, strict=True)
        if shared and same and set(origin.seeds) <= set(now)
    ]
    about = structs.replace(baseline.about, others=[origin for origin, _ in known])
    return structs.replace(baseline, about=about, others=[kept for _, kept in known])


def sound(directory: Path, path: Path, candidate: Candidate) -> Baseline | None:
    """What stands at a path; None for nothing.

    Raises:
        BaselineError: if it is damaged, or no baseline of the candidate's model, task and data.
    """
    found, fit = standing_baseline(directory, path), candidate.runs[0].fit
    if found is not None:
        check_baseline(found, fit.model, fit.task, candidate.truth)
    return found


def _anchor(
    directory: Path, path: Path, before: Baseline | None, baseline: Baseline, candidate: Candidate
) -> Baseline | None:
    """What is to be the anchor: the one that there is, else what stood there so far, where that was another."""
    try:
        found = sound(directory, anchor_file(path), candidate)
    except BaselineError as error:
        raise _unusable_anchor(anchor_file(path), error.found, error.expected) from error
    if found is None:
        if before is None or before.about.content == baseline.about.content:
            return None
        return structs.replace(before, about=structs.replace(before.about, others=[]), others=[])
    return found


def _unusable_anchor(where: object, found: str, expected: str) -> BaselineError:
    next_step = "restore it from git, or give --anchor, by which this run becomes the anchor"
    return BaselineError(where, found=found, expected=expected, next_step=next_step)


def _summary(baseline: Baseline, before: Baseline | None, candidate: Candidate) -> str:
    about, metric, target = baseline.about, candidate.metrics[0], candidate.truth.target
    count = len(about.seeds)
    ignored = len(candidate.runs) if candidate.stochastic and len(candidate.runs) > count else 0
    words = f"1 of {ignored} seeds, which gave the same output though stochastic=True is declared" if ignored else ""
    begin = f"{about.model} on {about.task}: {words or _seeds(count)}, {metric.title} "
    own = metric.shown(float(np.mean(baseline.values(metric, target))))
    if before is None:
        return f"{begin}{own}; new"
    lost = len(before.others) - len(baseline.others)
    parts = changes(before.about.environment, about.environment)
    parts += [f"its output in {lost} other environment{'s' * (lost > 1)} is dropped"] if lost else []
    if before.about.content == about.content:
        parts, line = [], f"{begin}{own}; the same output"
    else:
        moved = drift(before, baseline, metric, target)
        line = f"{begin}{own}, which the former has not" if moved is None else f"{begin}{moved.words(metric)}"
    return "; ".join([line, *parts])


def _since_anchor(baseline: Baseline, anchor: Baseline, candidate: Candidate) -> str:
    metric, about = candidate.metrics[0], anchor.about
    moved = drift(anchor, baseline, metric, candidate.truth.target)
    of = f" of {about.blessed.when:%Y-%m-%d}" if about.blessed else ""
    drifted = f"no {metric.title}" if moved is None else f"{metric.title} {moved.words(metric)}"
    return f"since the anchor{of}, {_seeds(len(about.seeds))}: {drifted}"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count > 1)}"
