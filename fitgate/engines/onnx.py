"""ONNX: scikit-learn's estimators converted by skl2onnx, and served by ONNX Runtime without scikit-learn."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.engines.engine import check_numbers
from fitgate.machine import usable_cores
from fitgate.protocols import DecisionFunction, KnowsClasses, Probabilities, offered

SCORES, CLASSES = "fitgate.scores", "fitgate.classes"  # keys of the model's metadata


def convert(estimator: Any, X: Any) -> bytes:
    """A fitted estimator as an ONNX model, whose metadata say which scores it gives.

    Args:
        estimator: one that skl2onnx knows, on the features as they are; its input becomes float32 `(n, features)`.
        X: examples, `(n, features)`, numbers.

    Raises:
        NotServed: if X is no such array.
        Exception: whatever skl2onnx raises of an estimator that it can't convert.
    """
    check_numbers(X)
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.multiclass import OneVsOneClassifier

    estimator, method, options = _with_plain_labels(estimator), "", {}
    if offered(estimator, Probabilities) is not None:
        method, options = "predict_proba", {"zipmap": False}
    elif offered(estimator, DecisionFunction) is not None:
        method, options = "decision_function", {"zipmap": False, "raw_scores": True}
    if isinstance(_last(estimator), OneVsOneClassifier):
        options.pop("raw_scores", None)  # it gives no others
    inputs, last = [("X", FloatTensorType([None, X.shape[1]]))], id(_last(estimator))
    try:
        model = to_onnx(estimator, initial_types=inputs, options={last: options} if options else None)
    except NameError:  # of options that its converter lacks, as that of LinearSVC, which makes no maps at all
        options.pop("zipmap", None)
        model = to_onnx(estimator, initial_types=inputs, options={last: options} if options else None)
    return with_scores(model, method, estimator)


def _with_plain_labels(of: Any) -> Any:
    """A fitted estimator whose labels are int64 where they are other whole numbers, of which skl2onnx knows few.

    What it is made of is copied as far as there are labels in it; arrays of what it learned are shared.
    """
    from sklearn.base import BaseEstimator

    if type(of) in (list, tuple):
        return type(of)(map(_with_plain_labels, of))
    if not isinstance(of, BaseEstimator):
        return of
    plain = copy(of)
    for name, value in vars(of).items():
        vars(plain)[name] = _plain(value) if name == "classes_" else _with_plain_labels(value)
    return plain


def _plain(labels: Any) -> Any:
    """Labels, of several outputs a list of them, as int64 where they are whole numbers or truth values."""
    if isinstance(labels, list):
        return list(map(_plain, labels))
    return labels.astype(np.int64) if isinstance(labels, np.ndarray) and labels.dtype.kind in "biu" else labels


def _last(estimator: Any) -> Any:
    """What classifies: of a pipeline its last step, to which skl2onnx hands no options of the pipeline."""
    from sklearn.pipeline import Pipeline

    return _last(estimator[-1]) if isinstance(estimator, Pipeline) else estimator


def with_scores(model: Any, method: str, estimator: Any) -> bytes:
    """An ONNX model with metadata that `load` reads, serialised.

    Args:
        model: of one input `(n, features)`; its outputs are predictions and, for a classifier, scores.
        method: which scores these are, `predict_proba` or `decision_function`; empty for none.
        estimator: that it was made from.
    """
    knows = offered(estimator, KnowsClasses)
    for key, value in {SCORES: method, CLASSES: str(0 if knows is None else len(knows.classes_))}.items():
        model.metadata_props.add(key=key, value=value)
    return bytes(model.SerializeToString())


def load(content: bytes) -> Any:
    """What predicts by an ONNX model, on as many of the processor's cores as this process may use."""
    session = opened(content)
    about = session.get_modelmeta().custom_metadata_map
    kinds = {"predict_proba": _Probable, "decision_function": _Deciding}
    return kinds.get(about.get(SCORES, ""), _Session)(session, int(about.get(CLASSES, 0)))


def opened(content: bytes) -> Any:
    """An ONNX model as ONNX Runtime has it, on as many of the processor's cores as this process may use."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores()
    options.log_severity_level = 3  # errors: it warns of shapes that skl2onnx leaves open
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


class _Session:
    def __init__(self, session: Any, classes: int):
        self._session, self._classes = session, classes
        self._input, outputs = session.get_inputs()[0].name, [output.name for output in session.get_outputs()]
        self._predictions, self._scores = outputs[:1], outputs[1:2]

    def predict(self, X: Any) -> NDArray[Any]:
        """Predictions `(n,)`, or `(n, outputs)` of several."""
        found = self._run(self._predictions, X)
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found

    def _run(self, output: list[str], X: Any) -> NDArray[Any]:
        found: NDArray[Any] = self._session.run(output, {self._input: np.asarray(X, np.float32)})[0]
        return found


class _Probable(_Session):
    def predict_proba(self, X: Any) -> NDArray[Any] | list[NDArray[Any]]:
        """Probabilities `(n, classes)`; of several labels, by trees and neighbours, such for each."""
        found = self._run(self._scores, X)
        return list(found) if found.ndim == 3 else found


class _Deciding(_Session):
    def decision_function(self, X: Any) -> NDArray[Any]:
        """Scores `(n, classes)`; of two classes those of the second, `(n,)`."""
        found = self._run(self._scores, X)
        return found.reshape(len(found), -1)[:, -1] if self._classes == 2 else found
