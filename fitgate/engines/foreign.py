"""ONNX models of others: what their outputs are is read from the types and shapes that they declare."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.engines.engine import NotServed
from fitgate.engines.onnx import SCORES, load, opened

Array = NDArray[Any]
# What ONNX Runtime calls elements, as NumPy does; text is an object there.
ELEMENTS = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": object,
}
NUMBERS = ("tensor(float)", "tensor(double)", "tensor(float16)")


def load_foreign(content: bytes, classes: Array | None) -> Any:
    """What predicts by an ONNX model that anybody made; it can be pickled.

    Its first output of labels is what it predicts. Its first output of numbers, or of maps from labels to numbers, is a
    column for each class; without labels, the class of the largest.

    Args:
        content: of its file.
        classes: of the task, sorted; None where an example is not of one class.

    Raises:
        NotServed: if ONNX Runtime can't load it, or its inputs or outputs are none of these.
    """
    try:
        session = opened(content)
    except Exception as error:  # its errors have no common class
        raise NotServed(f"ONNX Runtime can't load it ({type(error).__name__}: {error})") from error
    if SCORES in session.get_modelmeta().custom_metadata_map:
        return Ours(content)
    return Regressor(session, content, None) if classes is None else Classifier(session, content, classes)


class Ours:
    """One that fitgate converted, which says itself what its outputs are."""

    def __init__(self, content: bytes):
        self._content, self._loaded = content, load(content)

    def __reduce__(self) -> tuple[Any, ...]:
        return Ours, (self._content,)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._loaded, name)


class _Foreign:
    def __init__(self, session: Any, content: bytes, classes: Array | None):
        self._session, self._content, self._classes = session, content, classes
        inputs = session.get_inputs()
        if len(inputs) != 1 or inputs[0].type not in ELEMENTS:
            named = ", ".join(f"{one.name} of {one.type}" for one in inputs)
            raise NotServed(f"it takes {named}, and one input of examples is expected")
        (self._input,) = inputs
        outputs = session.get_outputs()
        self._labels = next((o.name for o in outputs if o.type in ELEMENTS and o.type not in NUMBERS), None)
        self._numbers = next((o.name for o in outputs if o.type in NUMBERS or o.type.startswith("seq(map(")), None)

    def __reduce__(self) -> tuple[Any, ...]:
        return load_foreign, (self._content, self._classes)

    def _run(self, output: str, X: Any) -> Any:
        return self._session.run([output], {self._input.name: self._examples(X)})[0]

    def _examples(self, X: Any) -> Array:
        """Examples in the type of its input, and in the shape of each where that is fixed, as of images."""
        from scipy.sparse import issparse

        given: Array = np.asarray(X.toarray() if issparse(X) else X, ELEMENTS[self._input.type])
        shape = self._input.shape[1:]
        fixed = all(isinstance(length, int) for length in shape) and math.prod(shape) == math.prod(given.shape[1:])
        return given.reshape(len(given), *shape) if fixed else given


class Regressor(_Foreign):
    """One whose answers are numbers, or several labels each."""

    def predict(self, X: Any) -> Array:
        """Numbers `(n,)`, or `(n, outputs)`."""
        output = self._labels or self._numbers
        assert output is not None, "a model has an output"
        found = np.asarray(self._run(output, X))
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found


class Classifier(_Foreign):
    """One whose answers are classes."""

    def __init__(self, session: Any, content: bytes, classes: Array):
        super().__init__(session, content, classes)
        self.classes_ = classes
        shape = next((o.shape for o in session.get_outputs() if o.name == self._numbers), None)
        if self._labels is None and (not shape or len(shape) != 2 or shape[1] == 1):
            raise NotServed(
                "it gives one number for each example, from which no label follows: export labels beside it"
            )

    def __getattr__(self, name: str) -> Any:
        if name == "predict_proba" and vars(self).get("_numbers"):
            return self._by_class
        raise AttributeError(name)

    def predict(self, X: Any) -> Array:
        """Labels `(n,)`."""
        if self._labels is None:
            return np.asarray(self.classes_[self._by_class(X).argmax(axis=1)])
        return np.asarray(self._run(self._labels, X)).reshape(-1)

    def _by_class(self, X: Any) -> Array:
        """A column for each class; whoever asks sees whether these are probabilities."""
        found = self._run(str(self._numbers), X)
        if isinstance(found, list):  # of maps
            self.classes_ = np.array(list(found[0]))
            return np.array([[row[label] for label in found[0]] for row in found])
        found = np.asarray(found)
        if found.ndim != 2 or found.shape[1] != len(self.classes_):
            raise ValueError(f"it gives numbers of shape {found.shape}, for {len(self.classes_)} classes")
        return found
