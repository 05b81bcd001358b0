"""Baselines: what earlier seeds of a model made of the test split, example by example."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from fitgate.arrays import as_plain
from fitgate.gates.origin import Origin, nearest
from fitgate.machine import Environment
from fitgate.metrics import Metric, Outputs
from fitgate.runs import Evaluation, SeedRun

SCHEMA = 4
SHOWN = 8  # hexadecimal digits of the data's digest that name a file
Array = NDArray[Any]


class BlessedSet(msgspec.Struct, frozen=True):
    """The baselines that were blessed together.

    Attributes:
        when: they were, to the microsecond; later than any set whose files it replaced.
        id: random, its own.
        files: their paths in the directory of baselines, with slashes.
    """

    when: Annotated[datetime, msgspec.Meta(tz=True)]
    id: str
    files: list[str]


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
        blessed: with which others; None in files of schema 2 and older, and in what is not yet blessed.
        execution: on what and how the estimator said that it computed; empty where it said nothing, and in files of
            schema 3 and older.
        others: where its outputs in other environments come from.
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
    blessed: BlessedSet | None = None
    execution: str = ""
    others: list[Origin] = []

    @property
    def origins(self) -> list[Origin]:
        """Where its outputs come from: first those that it began with, by which models are judged."""
        own = Origin(self.environment, self.seeds, self.content, self.execution, self.commit)
        return [own, *self.others]


class Kept(msgspec.Struct, frozen=True, eq=False):
    """Outputs of some seeds, as a baseline keeps them; the attributes are those of `Baseline`."""

    predictions: Array
    ranks: Array | None = None
    probabilities: Array | None = None

    @property
    def arrays(self) -> tuple[Array, Array | None, Array | None]:
        """All three."""
        return self.predictions, self.ranks, self.probabilities

    @property
    def digest(self) -> str:
        """SHA-256, in hex."""
        return digest_of(*self.arrays)

    def part(self, rows: Array) -> Kept:
        """Those for some of the examples, by their places; ranks are counted among these."""
        ranks, likely = self.ranks, self.probabilities
        return Kept(
            self.predictions[:, rows],
            None if ranks is None else np.stack([ranks_of(of_seed[rows]) for of_seed in ranks]),
            None if likely is None else likely[:, rows],
        )

    def gave(self, i: int, outputs: Outputs) -> bool:
        """Whether its i-th seed gave just these outputs: predictions, scores that rank the same, and probabilities."""
        pairs: list[tuple[Array, Array]] = [(self.predictions[i], outputs.predictions)]
        if self.ranks is not None and outputs.scores is not None:
            pairs.append((self.ranks[i], ranks_of(outputs.scores)))
        if self.probabilities is not None and outputs.probabilities is not None:
            pairs.append((self.probabilities[i], outputs.probabilities.astype(np.float32)))
        return all(np.array_equal(earlier, now) for earlier, now in pairs)


class Baseline(msgspec.Struct, frozen=True, tag=True, eq=False, dict=True):
    """A model's output on the test split, with each of several seeds.

    Attributes:
        about: where it comes from.
        predictions: `(seeds, n)`, or `(seeds, n, labels)`.
        ranks: uint16 or uint32 `(seeds, n)`, each score's place among its seed's, ties sharing one: all that a metric
            may ask of scores; None where the task's metrics read none.
        probabilities: float32 `(seeds, n, classes)`; None where the task's metrics read none.
        others: the outputs of some of its seeds in other environments, in the order of `about.others`.
    """

    about: About
    predictions: Array
    ranks: Array | None = None
    probabilities: Array | None = None
    others: list[Kept] = []

    @cached_property
    def outputs(self) -> list[Outputs]:
        """What metrics read, seed by seed; ranks are floats, as scores are, for metrics to calculate with."""
        none = [None] * len(self.predictions)
        ranks = none if self.ranks is None else [of_seed.astype(np.float64) for of_seed in self.ranks]
        probabilities = none if self.probabilities is None else list(self.probabilities)
        return [Outputs(*of_seed) for of_seed in zip(self.predictions, ranks, probabilities, strict=True)]

    def values(self, metric: Metric, target: NDArray[Any]) -> list[float]:
        """A metric of each seed, in their order."""
        return [metric.value(target, outputs) for outputs in self.outputs]

    @property
    def kept(self) -> list[Kept]:
        """Its outputs by environment, in the order of `about.origins`."""
        return [Kept(self.predictions, self.ranks, self.probabilities), *self.others]

    def part(self, rows: Array) -> Baseline:
        """What it holds of some of the examples, by the places of their outputs."""
        first, *others = (kept.part(rows) for kept in self.kept)
        return Baseline(self.about, *first.arrays, others)

    def gave(
        self, outputs: Sequence[Outputs], seeds: Sequence[int], environment: Environment, execution: str = ""
    ) -> bool:
        """Whether it has just these outputs for their seeds, in an environment that is like the run's.

        Where it knows none such, those of any environment will do: what is equal to the last example is the same.

        Args:
            outputs: of a model, one a seed.
            seeds: these, each of which is to have given the same here; a baseline of one seed, as deterministic models
                have, is held against any.
            environment: where the model ran.
            execution: on what and how its estimator says that it computed; empty for nothing.
        """
        pairs = list(zip(self.about.origins, self.kept, strict=True))
        alike = [pair for pair in pairs if not pair[0].changes(environment, execution)]
        return any(self._gave(origin, kept, outputs, seeds) for origin, kept in alike or pairs)

    def _gave(self, origin: Origin, kept: Kept, outputs: Sequence[Outputs], seeds: Sequence[int]) -> bool:
        if len(self.about.seeds) == 1:
            return all(kept.gave(0, some) for some in outputs)
        known = len(seeds) == len(outputs) and all(seed in origin.seeds for seed in seeds)
        pairs = zip(seeds, outputs, strict=True)
        return known and all(kept.gave(origin.seeds.index(seed), some) for seed, some in pairs)

    def changes(self, environment: Environment, execution: str = "") -> list[str]:
        """What differs in a run's environment from the likest that it knows, in words; empty where it knows that."""
        return nearest(self.about.origins, environment, execution)

    @property
    def altered(self) -> str | None:
        """The digest of the arrays that it was written with, where it holds others; None where it holds those."""
        pairs = zip(self.about.origins, self.kept, strict=True)
        return next((origin.content for origin, kept in pairs if origin.content != kept.digest), None)


def baseline_file(directory: Path, profile: str, model: str, task: str, digest: str) -> Path:
    """Where a baseline lies: in a folder for its profile, if it has one, as `forest-digits-83632dfd.npz`.

    Args:
        directory: of all baselines.
        profile: of the data; empty where it has one size.
        model, task: names.
        digest: SHA-256 of the data, in hex.
    """
    return directory / profile / f"{model}-{task}-{digest[:SHOWN]}.npz"


def collect(runs: Sequence[SeedRun], profile: str, environment: Environment, commit: str | None) -> Baseline:
    """The baseline that runs of one model and task give, by seed."""
    runs = sorted(runs, key=lambda run: run.fit.seed)
    first, kept = runs[0].fit, keep([run.evaluation for run in runs])
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
        content=kept.digest,
        execution=first.execution,
    )
    return Baseline(about, kept.predictions, kept.ranks, kept.probabilities)


def keep(evaluations: Sequence[Evaluation]) -> Kept:
    """Outputs in their order, as a baseline keeps them."""
    predictions = np.stack([_small(one.predictions) for one in evaluations])
    scores = [one.scores for one in evaluations if one.scores is not None]
    likely = [one.probabilities for one in evaluations if one.probabilities is not None]
    ranks = np.stack([ranks_of(x) for x in scores]) if scores else None
    return Kept(predictions, ranks, np.stack(likely).astype(np.float32) if likely else None)


def _small(predictions: Array) -> Array:
    """Predictions in the smallest integers that hold them; strings at their own width."""
    predictions = as_plain(predictions)
    if predictions.dtype.kind not in "iu" or predictions.min(initial=0) < 0:
        return predictions
    return predictions.astype(np.min_scalar_type(int(predictions.max(initial=0))))


def ranks_of(scores: Array) -> Array:
    """Each score's place among all, ties sharing one; of several columns, in each column."""
    if scores.ndim == 2:
        return np.stack([ranks_of(column) for column in scores.T], axis=1)
    distinct, places = np.unique(scores, return_inverse=True)
    return places.astype(np.uint16 if len(distinct) <= 2**16 else np.uint32)


def digest_of(*arrays: Array | None) -> str:
    """SHA-256, in hex, of predictions, ranks and probabilities, those that there are."""
    digest = hashlib.sha256()
    for array in arrays:
        if array is not None:
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            if array.nbytes:
                digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
