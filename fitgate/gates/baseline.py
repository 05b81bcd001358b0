"""Baselines: what earlier seeds of a model made of the test split, example by example."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.machine import Environment
from fitgate.runs.evaluation import SeedRun

SCHEMA = 1
Array = NDArray[Any]


class BaselineError(Exception):
    """A baseline that can't be read."""


class About(msgspec.Struct, frozen=True):
    """Where a baseline comes from.

    Attributes:
        schema: version of this layout.
        profile, model, task: names.
        data_digest: SHA-256 of the dataset.
        seeds: of the runs, in the order of the arrays.
        implementation: the estimator's class.
        environment: the machine and its libraries.
        commit: of the working tree; None outside git.
        content: SHA-256 of the arrays.
    """

    schema: int
    profile: str
    model: str
    task: str
    data_digest: str
    seeds: list[int]
    implementation: str
    environment: Environment
    commit: str | None
    content: str


@dataclass(frozen=True, eq=False)
class Baseline:
    """A model's output on the test split, with each of several seeds.

    Attributes:
        about: where it comes from.
        predictions: `(seeds, n)`, or `(seeds, n, labels)`.
        ranks: uint16 or uint32 `(seeds, n)`, each score's place among its seed's, ties sharing one: all that a ROC AUC
            asks of scores; None where the task does not rank.
    """

    about: About
    predictions: Array
    ranks: Array | None

    def holds(self, predictions: Array, scores: Array | None) -> bool:
        """Whether one of its seeds gave just these predictions, and scores that rank the same."""
        same = [np.array_equal(predictions, earlier) for earlier in self.predictions]
        if self.ranks is not None and scores is not None:
            ranks = _ranks(scores)
            same = [equal and np.array_equal(ranks, row) for equal, row in zip(same, self.ranks, strict=True)]
        return any(same)


def baseline_file(directory: Path, profile: str, model: str, task: str) -> Path:
    """Where a baseline lies."""
    return directory / profile / f"{model}-{task}.npz"


def collect(runs: Sequence[SeedRun], profile: str, environment: Environment, commit: str | None) -> Baseline:
    """The baseline that runs of one model and task give, by seed."""
    runs = sorted(runs, key=lambda run: run.fit.seed)
    first = runs[0].fit
    predictions = np.stack([_small(run.evaluation.predictions) for run in runs])
    scores = [run.evaluation.scores for run in runs if run.evaluation.scores is not None]
    ranks = np.stack([_ranks(x) for x in scores]) if scores else None
    about = About(
        schema=SCHEMA,
        profile=profile,
        model=first.model,
        task=first.task,
        data_digest=first.data_digest,
        seeds=[run.fit.seed for run in runs],
        implementation=first.implementation,
        environment=environment,
        commit=commit,
        content=_digest(predictions, ranks),
    )
    return Baseline(about, predictions, ranks)


def read_baseline(path: Path) -> Baseline | None:
    """Read a baseline; None where there is none.

    Raises:
        BaselineError: if the file is damaged, was edited, or is of another schema.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        about = msgspec.json.decode(arrays["about"].tobytes(), type=About)
        predictions, ranks = arrays["predictions"], arrays.get("ranks")
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, msgspec.MsgspecError) as error:
        raise BaselineError(
            f"{path}: not a valid baseline ({error}), expected one that `python -m suite bless` wrote; restore the "
            "file from git, or bless a run again."
        ) from error
    if about.schema != SCHEMA:
        raise BaselineError(f"{path}: found schema {about.schema}, expected {SCHEMA}; bless a run again.")
    if about.content != _digest(predictions, ranks):
        raise BaselineError(f"{path}: its arrays are not those it was written with; restore the file from git.")
    return Baseline(about, predictions, ranks)


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline in one step, the same bytes for the same content."""
    arrays = {
        "about": np.frombuffer(msgspec.json.encode(baseline.about), np.uint8),
        "predictions": baseline.predictions,
    }
    if baseline.ranks is not None:
        arrays["ranks"] = baseline.ranks
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_LZMA)
    os.replace(partial, path)


def _small(predictions: Array) -> Array:
    """Predictions in the smallest integers that hold them."""
    if predictions.dtype == bool or not np.issubdtype(predictions.dtype, np.integer):
        return predictions
    return predictions.astype(np.min_scalar_type(int(predictions.max(initial=0))))


def _ranks(scores: Array) -> Array:
    distinct, places = np.unique(scores, return_inverse=True)
    return places.astype(np.uint16 if len(distinct) <= 2**16 else np.uint32)


def _digest(*arrays: Array | None) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        if array is not None:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
