"""Metrics of predicted numbers, as scikit-learn has them; of several outputs, their mean."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from fitgate.metrics.metric import Array, Metric


def _distances(target: Array, predictions: Array) -> Array:
    off = np.abs(predictions.astype(np.float64) - target)
    return np.asarray(off if off.ndim == 1 else off.mean(axis=1))


def _mae(target: Array, predictions: Array) -> float:
    from sklearn.metrics import mean_absolute_error

    return float(mean_absolute_error(target, predictions))


def _rmse(target: Array, predictions: Array) -> float:
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(target, predictions))


def _r2(target: Array, predictions: Array) -> float:
    from sklearn.metrics import r2_score

    return float(r2_score(target, predictions))


def _error(name: str, compute: Callable[..., float], label: str, terms: Callable[..., Array] | None = None) -> Metric:
    """One that is in the target's unit."""
    return Metric(
        name,
        compute,
        label=label,
        higher_is_better=False,
        range=(0.0, math.inf),
        unit="",
        target="numbers",
        terms=terms,
    )


NUMBERS = (
    _error("mae", _mae, "MAE", _distances),
    _error("rmse", _rmse, "RMSE"),
    Metric("r2", _r2, label="R²", range=(-math.inf, 1.0), unit="", target="numbers"),
)
