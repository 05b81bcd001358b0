"""Notices: what a reader should look into though no gate fails by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fitgate.gates import Outcome
from fitgate.record import DataEntry, Record, ignored_seeds
from fitgate.report.view.words import noun, shortened, training

WORTH_A_LINE = 1e-3  # share of test examples in the training split, which moves an accuracy by that much at most
MOST_CHARACTERS = 300


def notices(record: Record) -> tuple[str, ...]:
    """A line each: test examples in the training split, waivers, seeds that were ignored, and side effects."""
    lines = (*_overlaps(record), *_waivers(record), *_ignored(record), *_effects(record))
    return tuple(shortened(line, MOST_CHARACTERS) for line in lines)


def _overlaps(record: Record) -> Iterator[str]:
    for data in record.datasets:
        if data.overlap and data.overlap >= WORTH_A_LINE * data.n_tested:
            yield overlap_line(data)


def overlap_line(data: DataEntry) -> str:
    """How many test examples models may have seen in training."""
    return (
        f"{data.overlap:,} of {data.n_tested:,} test {noun([data]).many} of {data.name} stand in {training(data)}, "
        f"{data.overlap_alike:,} of them with the same target: metrics are too good where models remember; "
        'overlap="fail" refuses such data'
    )


def _waivers(record: Record) -> Iterator[str]:
    outcomes = {(v.model, v.task, v.gate): v.outcome for v in record.verdicts}
    for waiver in record.waivers:
        outcome = outcomes.get(waiver.key)
        state = "not judged by this run" if outcome is None else f"not in force, as it is {outcome}"
        if record.day > waiver.until:
            state = f"which has ended{'' if outcome is None else f', and the gate is {outcome}'}; take it out"
        yield f"a waiver of {waiver}, {'in force' if outcome is Outcome.WAIVED else state}: {waiver.reason}"


def _ignored(record: Record) -> Iterator[str]:
    for (model, task), seeds in ignored_seeds(record).items():
        yield (
            f"{model} on {task} is declared stochastic, but {seeds} seeds gave the same output, which is no evidence "
            "of a spread: it is judged as deterministic; let build use its seed, or declare stochastic=False"
        )


def _effects(record: Record) -> Iterator[str]:
    """What models changed in their process, each once, however many seeds did it."""
    runs = [run for run in record.seed_runs if run.fit not in record.fits]
    found: Counter[str] = Counter()
    for fit in (*record.fits, *(run.fit for run in runs)):
        found.update(f"{fit.model} on {fit.task}, in fit, {effect}" for effect in fit.side_effects)
    for evaluation in (*record.evaluations, *(run.evaluation for run in runs)):
        name = f"{evaluation.model} on {evaluation.task}, in predict,"
        found.update(f"{name} {effect}" for effect in evaluation.side_effects)
    for line, times in found.items():
        undone = "" if " left " in line else ", which was put back"
        yield f"{line}{undone}{f' ({times} times)' if times > 1 else ''}"
