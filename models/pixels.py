"""Pixels: pipelines that divide them by 255 and then classify, in ONNX, and in scikit-learn's own steps alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from fitgate import Engine
from fitgate.engines import ONNX, SKOPS, onnx, skops


def engines(plain: Callable[[Any], Any] = lambda classifier: classifier) -> tuple[Engine, Engine]:
    """The engines `onnx` and `skops` for a pipeline whose first step is a function, which divides by 255.

    skl2onnx can't read it, and no other machine has it: a scaler of scikit-learn's takes its place.

    Args:
        plain: from a fitted classifier to one of scikit-learn's own class, with what it has learned.
    """
    return replace(ONNX, convert=partial(_to_onnx, plain)), replace(SKOPS, convert=partial(_to_skops, plain))


def _to_onnx(plain: Callable[[Any], Any], pipeline: Any, X: Any) -> bytes:
    return onnx.convert(_scaled(plain(pipeline[-1]), X.shape[1]), X)


def _to_skops(plain: Callable[[Any], Any], pipeline: Any, X: Any) -> bytes:
    return skops.convert(_scaled(plain(pipeline[-1]), X.shape[1]), X)


def _scaled(classifier: Any, features: int) -> Any:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler

    unit = MaxAbsScaler()
    unit.scale_ = unit.max_abs_ = np.full(features, 255.0)
    unit.n_features_in_ = features
    return make_pipeline(unit, classifier)
