"""Soundness: whether a baseline can be compared with, and holds what a model can have given."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fitgate.gates.baseline import Baseline, Kept, baseline_file
from fitgate.gates.errors import BaselineError

if TYPE_CHECKING:
    from fitgate.gates.evidence import Truth

Array = NDArray[Any]
ROUNDING = 1e-3  # of probabilities, which may have been float16


def check_baseline(baseline: Baseline, model: str, task: str, truth: Truth) -> None:
    """Refuse a baseline of another model, task or dataset, or one that holds no output of a model.

    Raises:
        BaselineError: if it is such.
    """
    about, subject = baseline.about, baseline_file(Path(), truth.profile, model, task, truth.digest)
    check_content(baseline, subject)
    found = (about.profile, about.model, about.task, about.data_digest)
    expected = (truth.profile, model, task, truth.digest)
    for what, a, b in zip(("profile", "model", "task", "data"), found, expected, strict=True):
        if a != b:
            raise BaselineError(
                subject, found=f"{what} {a}", expected=str(b), next_step="restore the file, or bless a run again"
            )
    if not is_finite(baseline.predictions, np.unique(truth.target)):
        raise BaselineError(
            subject, found="a NaN or an infinite number", expected="labels of the task", next_step="bless a run again"
        )
    known = truth.classes is None or np.isin(baseline.predictions, truth.classes).any(axis=1)
    if not np.all(known):  # as of predictions that are judged: some may be of no class, but not all
        raise BaselineError(
            subject,
            found="a seed with predictions none of which is a class of the task",
            expected="its classes",
            next_step="restore the file, or bless a run again",
        )
    if baseline.predictions.shape[1:] != truth.target.shape:
        raise BaselineError(
            subject,
            found=f"predictions of shape {baseline.predictions.shape[1:]}",
            expected=str(truth.target.shape),
            next_step="bless a run again",
        )


def check_content(baseline: Baseline, where: object) -> None:
    """Refuse what can be no model's output: numbers that are not finite, no probabilities, shapes that do not fit.

    Args:
        baseline: its arrays.
        where: the file, or whatever names it.

    Raises:
        BaselineError: if it holds such.
    """
    found = _fault(baseline)
    if found is not None:
        raise BaselineError(
            where,
            found=found,
            expected="the output that a model gave with each seed for each test example",
            next_step="bless a run again",
        )


def _fault(baseline: Baseline) -> str | None:
    about, kept = baseline.about, baseline.kept
    for origin, of_origin in zip(about.origins, kept, strict=True):
        if fault := _fault_of(origin.seeds, of_origin):
            return fault
    for origin, of_origin in zip(about.others, baseline.others, strict=True):
        if not set(origin.seeds) <= set(about.seeds):
            return "another environment with seeds that it has not itself"
        if [_form(a) for a in of_origin.arrays] != [_form(a) for a in kept[0].arrays]:
            return "another environment with outputs of another form"
    return None


def _form(array: Array | None) -> tuple[int, ...] | None:
    return None if array is None else array.shape[1:]


def _fault_of(seeds: Sequence[int], kept: Kept) -> str | None:
    predictions, likely = kept.predictions, kept.probabilities
    if predictions.ndim not in (2, 3) or not predictions.size or predictions.dtype.kind not in "biufUS":
        return f"predictions of dtype {predictions.dtype} and shape {predictions.shape}"
    if len(seeds) != len(predictions) or len(set(seeds)) != len(seeds):
        return f"predictions with {len(predictions)} seeds, and {len(set(seeds))} different seeds named"
    further = {"ranks": (kept.ranks, "iu"), "probabilities": (likely, "f")}
    for name, (array, kinds) in further.items():
        if array is None:
            continue
        if array.dtype.kind not in kinds or array.ndim not in (2, 3) or array.shape[:2] != predictions.shape[:2]:
            return f"{name} of dtype {array.dtype} and shape {array.shape} beside predictions of {predictions.shape}"
    if any(a is not None and a.dtype.kind == "f" and not np.isfinite(a).all() for a in (predictions, likely)):
        return "a NaN or an infinite number"
    if likely is not None and (likely.min(initial=0) < -ROUNDING or likely.max(initial=0) > 1 + ROUNDING):
        return "probabilities beyond 0 and 1"
    ranks = kept.ranks
    if ranks is not None and (ranks.min(initial=0) < 0 or ranks.max(initial=0) >= predictions.shape[1]):
        return "ranks beyond the number of examples"
    return None


def is_finite(array: Array | None, labels: Collection[object] = ()) -> bool:
    """Whether no element is a NaN or an infinite number, or the text of one that is none of the task's labels.

    Args:
        array: of any dtype; None for no output.
        labels: that the task has.
    """
    if array is None or array.dtype.kind in "biu":
        return True
    if array.dtype.kind in "fc":
        return bool(np.isfinite(array).all())
    known = set(map(_text, labels))
    return not any(_is_odd_number(text) for text in set(map(_text, array.flat)) - known)


def _text(label: object) -> str:
    return label.decode("latin-1") if isinstance(label, bytes) else str(label)


def _is_odd_number(text: str) -> bool:
    try:
        return not np.isfinite(float(text))
    except ValueError:
        return text in ("None", "<NA>", "NaT")
