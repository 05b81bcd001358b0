"""Tasks: targets derived from the labels, with the metrics that judge them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["binary", "multiclass", "multilabel"]


@dataclass(frozen=True)
class Task:
    """What a model is asked.

    Attributes:
        name: what test ids and reports call it.
        kind: scikit-learn's type of target.
        question: the task in words.
        target: from labels, uint8 `(n,)`, to the target: `(n,)`, or `(n, n_labels)` where it is multilabel.
        metrics: names of the metrics (see `fitgate.metrics`), the most telling first.
    """

    name: str
    kind: Kind = field(repr=False)
    question: str = field(repr=False)
    target: Callable[[NDArray[np.uint8]], NDArray[np.generic]] = field(repr=False)
    metrics: tuple[str, ...] = field(repr=False)

    @property
    def ranks(self) -> bool:
        """Whether it also asks for scores that rank the examples."""
        return "roc_auc" in self.metrics


def _is_five(labels: NDArray[np.uint8]) -> NDArray[np.generic]:
    return labels == 5


def _digit(labels: NDArray[np.uint8]) -> NDArray[np.generic]:
    return labels


def _large_and_odd(labels: NDArray[np.uint8]) -> NDArray[np.generic]:
    return np.column_stack([labels >= 7, labels % 2 == 1])


FIVES = Task("fives", "binary", "Is it a 5?", _is_five, ("roc_auc", "accuracy", "f1"))
DIGITS = Task("digits", "multiclass", "Which of the ten digits is it?", _digit, ("accuracy", "macro_f1"))
TRAITS = Task("traits", "multilabel", "Is it 7 or more? Is it odd?", _large_and_odd, ("macro_f1", "accuracy"))

TASKS = {task.name: task for task in (FIVES, DIGITS, TRAITS)}
