"""Baselines: what earlier seeds of a model made of the test split, example by example."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.errors import FitgateError
from fitgate.files import written_whole
from fitgate.machine import Environment
from fitgate.metrics import Outputs
from fitgate.runs import Evaluation, SeedRun

if TYPE_CHECKING:
    from fitgate.gates.evidence import Truth

SCHEMA = 2
Array = NDArray[Any]


class BaselineError(FitgateError):
    """A baseline that can't be used."""


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


class Baseline(msgspec.Struct, frozen=True, tag=True, eq=False, dict=True):
    """A model's output on the test split, with each of several seeds.

    Attributes:
        about: where it comes from.
        predictions: `(seeds, n)`, or `(seeds, n, labels)`.
        ranks: uint16 or uint32 `(seeds, n)`, each score's place among its seed's, ties sharing one: all that a metric
            may ask of scores; None where the task's metrics read none.
        probabilities: float32 `(seeds, n, classes)`; None where the task's metrics read none.
    """

    about: About
    predictions: Array
    ranks: Array | None = None
    probabilities: Array | None = None

    @cached_property
    def outputs(self) -> list[Outputs]:
        """What metrics read, seed by seed; ranks are floats, as scores are, for metrics to calculate with."""
        none = [None] * len(self.predictions)
        ranks = none if self.ranks is None else [of_seed.astype(np.float64) for of_seed in self.ranks]
        probabilities = none if self.probabilities is None else list(self.probabilities)
        return [Outputs(*of_seed) for of_seed in zip(self.predictions, ranks, probabilities, strict=True)]

    def holds(self, outputs: Outputs) -> bool:
        """Whether one of its seeds gave just these predictions, scores that rank the same, and these probabilities."""
        pairs: list[tuple[Array | None, Array | None]] = [(self.predictions, outputs.predictions)]
        if self.ranks is not None and outputs.scores is not None:
            pairs.append((self.ranks, ranks_of(outputs.scores)))
        if self.probabilities is not None and outputs.probabilities is not None:
            pairs.append((self.probabilities, outputs.probabilities.astype(np.float32)))
        same = np.ones(len(self.predictions), bool)
        for earlier, now in pairs:
            same &= [np.array_equal(of_seed, now) for of_seed in earlier]  # type: ignore[arg-type, union-attr]
        return bool(same.any())


def collect(runs: Sequence[SeedRun], profile: str, environment: Environment, commit: str | None) -> Baseline:
    """The baseline that runs of one model and task give, by seed."""
    runs = sorted(runs, key=lambda run: run.fit.seed)
    first = runs[0].fit
    predictions = np.stack([_small(run.evaluation.predictions) for run in runs])
    scores = [run.evaluation.scores for run in runs if run.evaluation.scores is not None]
    likely = [run.evaluation.probabilities for run in runs if run.evaluation.probabilities is not None]
    ranks = np.stack([ranks_of(x) for x in scores]) if scores else None
    probabilities = np.stack(likely).astype(np.float32) if likely else None
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
        content=_digest(predictions, ranks, probabilities),
    )
    return Baseline(about, predictions, ranks, probabilities)


def check_baseline(baseline: Baseline, model: str, task: str, runs: Sequence[Evaluation], truth: Truth) -> None:
    """Refuse a baseline of another model, task or dataset.

    Raises:
        BaselineError: if it is such.
    """
    about, subject = baseline.about, f"the baseline of {model} on {task}"
    found = (about.profile, about.model, about.task, about.data_digest)
    expected = (truth.profile, model, task, truth.digest)
    for what, a, b in zip(("profile", "model", "task", "data"), found, expected, strict=True):
        if a != b:
            raise BaselineError(
                subject, found=f"{what} {a}", expected=str(b), next_step="restore the file, or bless a run again"
            )
    shape = runs[0].predictions.shape
    if baseline.predictions.shape[1:] != shape:
        raise BaselineError(
            subject,
            found=f"predictions of shape {baseline.predictions.shape[1:]}",
            expected=str(shape),
            next_step="bless a run again",
        )


def read_baseline(path: Path) -> Baseline | None:
    """Read a baseline; None where there is none. One of an older schema is upgraded.

    Raises:
        BaselineError: if the file is damaged, was edited, or is of an unknown schema.
    """
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        content = msgspec.json.decode(arrays["about"].tobytes())
        if content["schema"] not in {SCHEMA, *UPGRADES}:
            raise BaselineError(
                path,
                found=f"schema {content['schema']!r}",
                expected=f"{SCHEMA} or an older one",
                next_step="use the version of fitgate that wrote it, or bless a run again",
            )
        while content["schema"] != SCHEMA:
            content = UPGRADES[content["schema"]](content)
        about = msgspec.convert(content, About)
        baseline = Baseline(about, arrays["predictions"], arrays.get("ranks"), arrays.get("probabilities"))
    except BaselineError:
        raise
    except Exception as error:  # a damaged archive raises whatever its decompressor or its header makes of it
        raise BaselineError(
            path,
            found=f"a damaged file ({error})",
            expected="a baseline that `fitgate bless` wrote",
            next_step="restore it from git, or bless a run again",
        ) from error
    if about.content != _digest(baseline.predictions, baseline.ranks, baseline.probabilities):
        raise BaselineError(
            path,
            found="other arrays than those it was written with",
            expected=f"arrays of SHA-256 {about.content}",
            next_step="restore the file from git",
        )
    return baseline


def _to_second(about: dict[str, Any]) -> dict[str, Any]:
    """Schema 1 knew no probabilities: it lacks nothing else."""
    return {**about, "schema": 2}


UPGRADES: dict[Any, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _to_second}


def write_baseline(baseline: Baseline, path: Path) -> None:
    """Write a baseline in one step, the same bytes for the same content."""
    arrays = {
        "about": np.frombuffer(msgspec.json.encode(baseline.about), np.uint8),
        "predictions": baseline.predictions,
        "ranks": baseline.ranks,
        "probabilities": baseline.probabilities,
    }
    with written_whole(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            if array is not None:
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_LZMA)


def _small(predictions: Array) -> Array:
    """Predictions in the smallest integers that hold them; strings at their own width."""
    if predictions.dtype.kind == "O":
        return predictions.astype(str)
    if predictions.dtype.kind not in "iu" or predictions.min(initial=0) < 0:
        return predictions
    return predictions.astype(np.min_scalar_type(int(predictions.max(initial=0))))


def ranks_of(scores: Array) -> Array:
    """Each score's place among all, ties sharing one; of several columns, in each column."""
    if scores.ndim == 2:
        return np.stack([ranks_of(column) for column in scores.T], axis=1)
    distinct, places = np.unique(scores, return_inverse=True)
    return places.astype(np.uint16 if len(distinct) <= 2**16 else np.uint32)


def _digest(*arrays: Array | None) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        if array is not None:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
