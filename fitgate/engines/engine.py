"""An engine: how a fitted model is converted, and how what comes of that is loaded where it serves."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from fitgate.errors import FitgateError
from fitgate.machine.modules import missing

NATIVE = "native"
ALL = "all"
NUMBERS = "biuf"  # kinds of dtype


def named(model: str, engine: str = NATIVE) -> str:
    """What errors and reports call a model as an engine serves it: `knn`, or `knn by onnx`."""
    return model if engine == NATIVE else f"{model} by {engine}"


class EngineError(FitgateError):
    """An engine that is declared wrongly, or that there is not."""


class NotServed(Exception):
    """A model that an engine can't serve; its text says why, as a clause."""


def check_numbers(X: Any) -> None:
    """Refuse examples other than an array of numbers `(n, features)`.

    Raises:
        NotServed: if they are others.
    """
    import numpy as np

    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in NUMBERS:
        return
    found = f"{X.dtype} of shape {X.shape}" if isinstance(X, np.ndarray) else type(X).__name__
    raise NotServed(f"it takes arrays of numbers (n, features), not {found}: the model may name its own engine")


class Predictor(Protocol):
    """What an engine loads: it answers as the estimator does that it was made from.

    Where the estimator has `predict_proba` or `decision_function`, it may have these, too, with the same columns; they
    are then compared.
    """

    def predict(self, X: Any) -> Any:
        """Predictions `(n,)`, or `(n, outputs)`, of examples as the estimator takes them."""


@dataclass(frozen=True)
class Engine:
    """A way to serve a fitted model.

    Attributes:
        name: what `--fit-engines`, test ids and reports call it: lower case, digits and underscores.
        convert: from a copy of a fitted estimator and the test split's X, for its type and shape, to bytes; in the
            session's process, or in one of its own where the model has a time limit. It raises `NotServed`, or any
            other error, where it can't: that is a row of the report.
        load: from these bytes to what predicts, in a process in which nothing else is loaded: it imports what it needs.
        requires: modules without which it converts and serves nothing.
        serves_by: those of them without which it can't load what was converted elsewhere; all where none is named.
        description: a line for the report.

    Raises:
        EngineError: if its name is malformed, or one that options take.
    """

    name: str
    convert: Callable[[Any, Any], bytes] = field(repr=False)
    load: Callable[[bytes], Predictor] = field(repr=False)
    requires: tuple[str, ...] = field(default=(), kw_only=True, repr=False)
    serves_by: tuple[str, ...] = field(default=(), kw_only=True, repr=False)
    description: str = field(default="", kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name) or self.name in (NATIVE, ALL):
            raise EngineError(
                "an engine's name",
                found=repr(self.name),
                expected=f"lower-case letters, digits and underscores, a letter first, and neither {NATIVE} nor {ALL}",
                next_step="rename the engine",
            )

    def converted(self, estimator: Any, X: Any) -> bytes:
        """What a fitted estimator comes to.

        Raises:
            NotServed: if a module is missing, or the conversion gives no bytes.
            Exception: what converting raises.
        """
        if lacking := missing(self.requires):
            raise NotServed(f"{self.name} needs {', '.join(lacking)}, which is not installed")
        content = self.convert(estimator, X)
        if not isinstance(content, bytes):
            raise NotServed(f"its conversion gives {type(content).__name__}, expected bytes")
        return content
