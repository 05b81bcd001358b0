"""Pixels: pipelines that divide them by 255 and then classify, in ONNX."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fitgate import Engine
from fitgate.engines import onnx


def on_onnx(plain: Callable[[Any], Any] = lambda classifier: classifier) -> Engine:
    """The engine `onnx` for a pipeline whose first step is a function, which skl2onnx can't read, and divides by 255.

    Args:
        plain: from a fitted classifier to one of a class that skl2onnx knows, with what it has learned.
    """
    return Engine("onnx", partial(_converted, plain), onnx.load, requires=("skl2onnx", "onnxruntime"))


def _converted(plain: Callable[[Any], Any], pipeline: Any, X: Any) -> bytes:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MaxAbsScaler

    unit = MaxAbsScaler()
    unit.scale_ = unit.max_abs_ = np.full(X.shape[1], 255.0)
    unit.n_features_in_ = X.shape[1]
    classifier = copy.copy(plain(pipeline[-1]))
    classifier.classes_ = classifier.classes_.astype(np.int64)  # some converters know no other labels that are numbers
    return onnx.convert(make_pipeline(unit, classifier), X)
