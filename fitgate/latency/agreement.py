"""Agreement: whether what a model answers while it is timed is what it was evaluated by.

After MLPerf Inference's compliance test TEST01, "accuracy in performance mode" (MLCommons, inference_policies and
inference/compliance, `TEST01/README.md`): answers of a timed run are sampled, and held to those of the accuracy run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.latency.examples import Rows

# Of an audit, where the model does in truth what it should: chosen so that a hundred models, timed in four scenarios
# every day of a month, see about one false alarm, and most see none, as answers hardly ever differ at all.
SIGNIFICANCE = 1e-4
# Of answers that are numbers, times their spread: a batch of another size sums in another order, and float32 keeps
# seven digits, of which long sums lose some.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Agreement:
    """How timed answers compare with evaluated ones, of one scenario.

    Attributes:
        n: examples that were asked about; of one that was asked several times, one answer was drawn.
        differing: how many of the answers differ.
        worse, better: how many of those are farther from the truth than the evaluated one, and how many nearer.
        p_value: one-sided, of the hypothesis that differing answers are as likely to be better as worse.
        fault: what makes an answer no answer at all, in words; empty for nothing.
    """

    n: int
    differing: int = 0
    worse: int = 0
    better: int = 0
    p_value: float = 1.0
    fault: str = ""

    @property
    def passed(self) -> bool:
        """Whether the timed answers may count for those of the evaluated model."""
        return not self.fault and self.p_value >= SIGNIFICANCE


def agreement(
    answers: Sequence[tuple[Rows, NDArray[Any]]],
    evaluated: NDArray[Any],
    truth: NDArray[Any],
    numbers: bool,
    seed: int = 0,
) -> Agreement:
    """Hold answers that were given while a model was timed to those of its evaluation.

    Answers may differ a little where they were as near to another class as to this: batches of other sizes are summed
    in another order. So may those of a model that draws at random. Neither makes answers *worse* on average: among
    those that differ, the sign test (McNemar's exact test, for classes) asks whether more are worse than chance gives.

    Args:
        answers: places in the test split `(size,)`, and what came, of each query.
        evaluated: the evaluation's predictions `(n,)` or `(n, outputs)`.
        truth: the test split's target, of the same shape.
        numbers: whether the task asks for numbers, which differ where they are farther apart than `TOLERANCE` times
            the standard deviation of the target.
        seed: of the draw among several answers about one example.
    """
    asked = sum(len(rows) for rows, _ in answers)
    if fault := next(filter(None, (_fault(rows, given, evaluated, numbers) for rows, given in answers)), ""):
        return Agreement(asked, fault=fault)
    if not asked:
        return Agreement(0)
    rows, given = _one_each(answers, seed)
    was, true = evaluated[rows], truth[rows]
    if numbers:
        is_near = np.abs(given - was) <= TOLERANCE * np.std(truth, axis=0)
        off, before = (np.abs(a - true).reshape(len(rows), -1).sum(axis=1) for a in (given, was))
    else:
        is_near = given == was
        off, before = (~_whole(a == true) for a in (given, was))
    differs = ~_whole(is_near)
    worse, better = int((differs & (off > before)).sum()), int((differs & (off < before)).sum())
    return Agreement(len(rows), int(differs.sum()), worse, better, sign_test(worse, worse + better))


def largest_difference(first: NDArray[Any], second: NDArray[Any]) -> float | None:
    """The largest absolute difference of numbers; None where shapes differ, or one is not finite."""
    if first.shape != second.shape:
        return None
    found = float(np.max(np.abs(first.astype(np.float64) - second.astype(np.float64)), initial=0.0))
    return found if np.isfinite(found) else None


def sign_test(successes: int, n: int) -> float:
    """One-sided p-value of so many successes of n, or more, where success and failure are equally likely; exact."""
    from scipy.stats import binom

    return float(binom.sf(successes - 1, n, 0.5))


def _fault(rows: Rows, given: NDArray[Any], evaluated: NDArray[Any], numbers: bool) -> str:
    """Why an answer to a query can't be one; empty if it can."""
    expected = (len(rows), *evaluated.shape[1:])
    if given.shape != expected:
        return f"an answer of shape {given.shape} to {len(rows)} examples, where {expected} was expected"
    if _is_text(given) != _is_text(evaluated):
        return f"an answer such as {given.flat[0]!r}, where the evaluation's were such as {evaluated.flat[0]!r}"
    if numbers and not (given.dtype.kind in "biuf" and np.isfinite(given).all()):
        return f"an answer of {given.dtype} that is no finite number"
    return ""


def _one_each(answers: Iterable[tuple[Rows, NDArray[Any]]], seed: int) -> tuple[Rows, NDArray[Any]]:
    """One answer about each example that was asked about, whichever: repeated ones would count as evidence twice."""
    rows = np.concatenate([rows for rows, _ in answers])
    given = np.concatenate([given for _, given in answers])
    order = np.random.default_rng(seed).permutation(len(rows))
    found, first = np.unique(rows[order], return_index=True)
    return found, given[order][first]


def _whole(equal: Any) -> NDArray[np.bool_]:
    """Which examples are equal in all of their outputs `(n,)`."""
    return np.asarray(np.all(np.reshape(equal, (len(equal), -1)), axis=1))


def _is_text(labels: NDArray[Any]) -> bool:
    return labels.dtype.kind in "US" or (labels.dtype.kind == "O" and any(isinstance(x, str) for x in labels.flat))
