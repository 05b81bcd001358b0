"""Protocols that an estimator may offer beyond scikit-learn's: each is optional, and works for anybody's model.

An estimator offers one by having its members; there is nothing to inherit from. A wrapper, such as a pipeline, offers
what it has itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

P = TypeVar("P")


class DecisionFunction(Protocol):
    """Scores: float `(n,)` of a binary classifier, higher for the second class, else `(n, classes)`."""

    def decision_function(self, X: Any) -> Any: ...


class Probabilities(Protocol):
    """Probabilities of the classes, float `(n, classes)`, in the order of `classes_`."""

    def predict_proba(self, X: Any) -> Any: ...


class KnowsClasses(Protocol):
    """Tells its classes, as scikit-learn's classifiers do.

    Attributes:
        classes_: `(classes,)`, in the order of the columns of scores and probabilities; of several labels a list of
            these.
    """

    classes_: Any


class Compiles(Protocol):
    """Tells how long it compiled just in time, so that reports can tell that apart from training and predicting.

    Attributes:
        compile_seconds_: wall time in seconds by what was compiled: `fit`, or `predict[n]` for a batch of `n`; of
            what was compiled again, as after it was loaded, the last time.
    """

    compile_seconds_: dict[str, float]


class CachesCompilation(Protocol):
    """Tells what it was spared by a cache of compiled programs; reports then say CACHED.

    Attributes:
        compile_saved_seconds_: by the same names, how much longer compiling took when it was not in the cache.
    """

    compile_saved_seconds_: dict[str, float]


class StatesExecution(Protocol):
    """Tells on what and how it computed.

    Attributes:
        execution_: in words, as `2 cpu devices`.
    """

    execution_: str


class TrainingLoss(Protocol):
    """Tells its training loss, as scikit-learn's networks do.

    Attributes:
        loss_curve_: a number for each epoch.
    """

    loss_curve_: Sequence[float]


class ValidationScores(Protocol):
    """Tells its accuracy on held-out examples, as scikit-learn's networks do.

    Attributes:
        validation_scores_: a number for each epoch, or None.
    """

    validation_scores_: Sequence[float] | None


class DeviceMemory(Protocol):
    """Tells how much of an accelerator's memory it took.

    Attributes:
        device_bytes_: the most that was in use, in bytes; None where the device does not tell.
    """

    device_bytes_: int | None


class RoundTrip(Protocol):
    """Sends examples to a device and as many numbers back as predictions, without computing them."""

    def round_trip(self, X: Any) -> None: ...


class Exports(Protocol):
    """Gives its trained network as `jax.export` serialises it, for the engine `jax_export`."""

    def export(self, dtype: Any, platforms: Sequence[str]) -> bytes:
        """The function from examples `(n, features)` of a dtype, any number of them, to logits `(n, classes)`."""


class FitsSeeds(Protocol):
    """Trains several seeds as one program.

    Attributes:
        fits_seeds_at_once: whether it does so on its devices.
    """

    fits_seeds_at_once: bool

    def fit_seeds(self, X: Any, y: Any, seeds: Sequence[int]) -> list[Any]:
        """Fitted estimators, one for each seed, in their order."""


class TakesWeights(Protocol):
    """Takes learned weights in the place of a fit, such as those of a `.safetensors` file."""

    def import_weights(self, weights: Mapping[str, Any]) -> None:
        """Become what was fitted, by its arrays, by name.

        Raises:
            Exception: if they are not those of such an estimator.
        """


class GivesWeights(Protocol):
    """Gives what it learned, all that `import_weights` needs, as named arrays of numbers or truth values."""

    def export_weights(self) -> Mapping[str, Any]: ...


class Pipeline(Protocol):
    """scikit-learn's pipelines: named steps, of which the last decides.

    Attributes:
        steps: pairs of a name and an estimator.
    """

    steps: Sequence[tuple[str, Any]]


class Wraps(Protocol):
    """scikit-learn's meta-estimators: one estimator inside another.

    Attributes:
        estimator: the one inside.
    """

    estimator: Any


def offered(estimator: object, protocol: type[P]) -> P | None:
    """The estimator, seen as what offers a protocol; None if it lacks one of its members.

    Members are looked up on the object: scikit-learn makes methods appear and vanish with an estimator's parameters.
    """
    members = {*vars(protocol).get("__annotations__", {}), *(name for name in vars(protocol) if name[0] != "_")}
    return cast(P, estimator) if all(hasattr(estimator, name) for name in members) else None


def compile_seconds(estimator: object) -> dict[str, float]:
    """Seconds that an estimator says it compiled, by what; empty where it says nothing."""
    compiles = offered(estimator, Compiles)
    stated = {} if compiles is None else compiles.compile_seconds_
    return {what: float(given) for what, given in stated.items() if given is not None and math.isfinite(given)}
