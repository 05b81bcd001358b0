"""Differences between entrants of a comparison, besides their speed: what else changed, and what is computed."""

from __future__ import annotations

from collections.abc import Sequence

from fitgate.machine import changes
from fitgate.metrics import right
from fitgate.report.entrant import Entrant
from fitgate.report.tables import threads
from fitgate.runs.evaluation import Evaluation
from fitgate.statistics import McNemar

DIFFERENT = 0.01  # p-value, two-sided, below which two accuracies differ
# What a library's version can touch: the models whose implementation names it, or all for None.
TOUCHED = {"jax": "models.cnn", "jaxlib": "models.cnn", "flax": "models.cnn", "optax": "models.cnn", "torch": "torch"}


def difference(first: Entrant, other: Entrant, model: str) -> str | None:
    """What tells that a machine computes something else; None if nothing does."""
    mine, theirs = first.evaluation(model), other.evaluation(model)
    if mine is None or theirs is None or first.record.data is None:
        return None
    truth = first.record.data.test_labels
    test = McNemar.between(right(truth, mine.predictions), right(truth, theirs.predictions))
    p_value = min(1.0, 2 * min(test.p_value, 1 - test.p_value))
    if p_value >= DIFFERENT:
        return None
    return f"computes something else: {-100 * test.size:+.2f} points, McNemar's p = {p_value:.1g}"


def warnings(first: Entrant, others: Sequence[Entrant], models: Sequence[str]) -> str:
    """What differs besides the machine, and which models that touches."""
    told = []
    for other in others:
        a, b = first.record, other.record
        for change in changes(a.environment, b.environment):
            library = change.split()[0]
            if library in ("processor", "cores", "system", "accelerator", "BLAS", "pytest", "pytest-benchmark"):
                continue  # that is the machine, or touches no model
            told.append(f"{other.name}: {change}; touches {_touched(first, models, library)}")
        if a.threads != b.threads:
            told.append(
                f"{other.name}: threads {threads(a)} -> {threads(b)}; touches every model that works in parallel"
            )
        for model in models:
            dtypes = [_dtype(entrant.evaluation(model)) for entrant in (first, other)]
            if dtypes[0] != dtypes[1]:
                told.append(f"{other.name}: scores are {dtypes[0]} -> {dtypes[1]}; touches {model}")
        if a.commit != b.commit:
            told.append(f"{other.name}: commit {(a.commit or 'none')[:12]} -> {(b.commit or 'none')[:12]}; touches all")
    for entrant in (first, *others):
        if (workers := max(record.workers for record in entrant.records)) > 1:
            told.append(f"{entrant.name}: {workers} processes timed at once; touches all of its times")
    return "## Warnings\n\n" + "\n".join(f"- {words}." for words in told) if told else ""


def _touched(first: Entrant, models: Sequence[str], library: str) -> str:
    if library not in TOUCHED:
        return "all models"
    of = {f.model: f.implementation for f in first.record.fits}
    return ", ".join(m for m in models if TOUCHED[library] in of.get(m, "")) or "no model here"


def _dtype(evaluation: Evaluation | None) -> str:
    return str(evaluation.scores.dtype) if evaluation is not None and evaluation.scores is not None else "none"
