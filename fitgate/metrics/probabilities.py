"""Metrics of predicted probabilities, whose columns are the task's classes, or its labels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fitgate.metrics.metric import Array, Bound, Metric, PairedTest
from fitgate.statistics import CalibrationRise, calibration_error, calibration_rise, calibration_upper_bound

LEAST = float(np.finfo(np.float64).eps)  # what scikit-learn takes a probability of 0 for
LEAST_OF_LABEL = float(np.finfo(np.float32).eps)  # baselines keep float32: nearer to 1 it knows no numbers


def _log_losses(target: Array, probabilities: Array, classes: Array | None = None) -> Array:
    """Minus the logarithm of the probability that the true class was given; of labels, the mean over them."""
    if target.ndim == 2:
        likely = np.clip(probabilities.astype(np.float64), LEAST_OF_LABEL, 1 - LEAST_OF_LABEL)
        return np.asarray(0.0 - np.log(np.where(target, likely, 1 - likely)).mean(axis=1))
    true = probabilities[np.arange(len(target)), _places(target, probabilities, classes)].astype(np.float64)
    return np.asarray(0.0 - np.log(np.clip(true, LEAST, 1.0)))  # 0, not -0, of certainty


def _log_loss(target: Array, probabilities: Array, classes: Array | None = None) -> float:
    return float(_log_losses(target, probabilities, classes).mean())


def _squared_distances(target: Array, probabilities: Array, classes: Array | None = None) -> Array:
    """The squared distance to the truth: of the second class where there are two, else summed over the classes.

    So scikit-learn has the Brier score. Of labels, it is the mean over them.
    """
    likely = probabilities.astype(np.float64)
    if target.ndim == 2:
        return np.asarray(((likely - target) ** 2).mean(axis=1))
    places = _places(target, likely, classes)
    distances = ((likely - np.eye(likely.shape[1])[places]) ** 2).sum(axis=1)
    return np.asarray(distances / 2 if likely.shape[1] == 2 else distances)


def _brier(target: Array, probabilities: Array, classes: Array | None = None) -> float:
    return float(_squared_distances(target, probabilities, classes).mean())


def happened_and_stated(target: Array, probabilities: Array, classes: Array | None) -> tuple[Array, Array]:
    """What happened, and its stated probability: the second of two classes; of more, that the likeliest is right."""
    if target.ndim == 2:
        raise ValueError("no calibration error of several labels at once, expected classes")
    likely = probabilities.astype(np.float64)
    places = _places(target, likely, classes)
    if likely.shape[1] == 2:
        return places == 1, likely[:, 1]
    return places == likely.argmax(axis=1), likely.max(axis=1)


def _calibration_error(target: Array, probabilities: Array, classes: Array | None = None) -> float:
    return calibration_error(*happened_and_stated(target, probabilities, classes))


def _calibration_bound(target: Array, probabilities: Array, confidence: float, classes: Array | None = None) -> float:
    return calibration_upper_bound(*happened_and_stated(target, probabilities, classes), confidence)


def _calibration_rise(target: Array, before: Array, now: Array, classes: Array | None = None) -> CalibrationRise:
    happened, stated = zip(*(happened_and_stated(target, one, classes) for one in (before, now)), strict=True)
    return calibration_rise(happened, stated)


def _places(target: Array, likely: Array, classes: Array | None) -> NDArray[np.intp]:
    """The column of each example's true class."""
    known = np.unique(target) if classes is None else classes
    if likely.ndim != 2 or likely.shape[1] != len(known):
        raise ValueError(f"probabilities of shape {likely.shape} for {len(known)} classes, expected a column for each")
    return np.searchsorted(known, target)


PROBABILITIES = (
    Metric(
        "log_loss",
        _log_loss,
        terms=_log_losses,
        label="log loss",
        reads="probabilities",
        higher_is_better=False,
        range=(0.0, math.inf),
        unit="",
        target="classes",
        knows_classes=True,
    ),
    Metric(
        "brier",
        _brier,
        terms=_squared_distances,
        label="Brier score",
        reads="probabilities",
        higher_is_better=False,
        range=(0.0, 2.0),
        unit="",
        target="classes",
        knows_classes=True,
    ),
    Metric(
        "calibration_error",
        _calibration_error,
        label="calibration error",
        reads="probabilities",
        higher_is_better=False,
        target="classes",
        knows_classes=True,
        bound=Bound("gamma", _calibration_bound),
        paired=PairedTest("a z-test of the squared errors", _calibration_rise),
    ),
)
