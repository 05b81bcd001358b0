"""Metrics of scikit-learn's scorers: a scorer asks a frozen estimator, which answers with outputs that were stored.

What a scorer reads, and whether it judges classes or numbers, is seen by letting it judge a few made-up examples. It
gets no examples of the task, so it can't ask for their features.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from fitgate.metrics.metric import Array, Metric, MetricError, Reads, Target

Scorer = Callable[[Any, Any, Any], float]

WORDS = np.array(["no", "yes"] * 4)
MORE_WORDS = np.array(["left", "right", "straight"] * 3)  # of which none can be the wrong positive class
LABELS = (np.array([0, 1] * 4), WORDS, MORE_WORDS, np.array([[0, 1], [1, 0], [1, 1]]))
NUMBERS = np.array([0.5, 1.5, 2.25, 3.75, 4.5, 5.125])


def metric_of(scorer: Any, name: str = "") -> Metric:
    """The metric of a scorer; see `Metric.from_scorer`."""
    if isinstance(scorer, str):
        found = scorer_metric(scorer, name or scorer)
        if found is None:
            raise MetricError(
                "Metric.from_scorer",
                found=f"{scorer!r}",
                expected="one of sklearn.metrics.get_scorer_names()",
                next_step="correct the name",
            )
        return found
    if not callable(scorer) or not name:
        raise MetricError(
            "Metric.from_scorer",
            found=f"{scorer!r} and the name {name!r}",
            expected="a scorer's name, or what make_scorer made and a name for it",
            next_step="pass name=" if callable(scorer) else "correct it",
        )
    return _made(scorer, name)


@cache
def scorer_metric(scorer: str, name: str = "") -> Metric | None:
    """The metric of the scorer that scikit-learn has under a name, always the same one; None where it has none."""
    from sklearn.metrics import get_scorer, get_scorer_names

    return _made(get_scorer(scorer), name or scorer, scorer) if scorer in get_scorer_names() else None


def _made(scorer: Scorer, name: str, named: str = "") -> Metric:
    from fitgate.metrics.frozen import ReadsExamples

    try:
        asked, judges_numbers = _probed(scorer, NUMBERS, numbers=True)
        reads = asked.union(*(_probed(scorer, labels, numbers=False)[0] for labels in LABELS))
    except ReadsExamples as error:
        raise MetricError(
            f"metric {name}",
            found="a scorer that reads the examples themselves",
            expected="one that reads the target and what a model answers",
            next_step="leave X to the estimator's methods, or write a gate of your own",
        ) from error
    if len(reads) != 1:
        several = " and ".join(sorted(reads))
        raise MetricError(
            f"metric {name}",
            found=f"a scorer that reads {several}" if several else "a scorer that asks for no output",
            expected="one that reads one output: predictions, scores or probabilities",
            next_step="write it as a function of the target and that output: Metric(name, function)",
        )
    (output,) = reads
    # What judges fractions judges whole numbers too; labels that are words are what only classes can be.
    target: Target = "classes"
    if judges_numbers:
        target = "any" if _probed(scorer, WORDS, numbers=False)[1] else "numbers"
    return Metric(
        name,
        partial(_score, scorer, output, target),
        reads=output,
        range=(-math.inf, math.inf),
        unit="",
        target=target,
        knows_classes=True,
        scorer=named,
    )


def _score(scorer: Scorer, reads: Reads, judges: Target, target: Array, output: Array, classes: Any = None) -> float:
    """What a scorer makes of stored outputs; float32 probabilities of a baseline count like those of today."""
    from fitgate.metrics.frozen import Examples, Frozen

    answers = output.astype(np.float64) if output.dtype.kind == "f" or reads != "predictions" else output
    known = None if judges == "numbers" or (judges == "any" and classes is None) else _classes(target, classes)
    return float(scorer(Frozen(known, reads), Examples(answers), target))


def _probed(scorer: Scorer, target: Array, numbers: bool) -> tuple[set[Reads], bool]:
    """The outputs that a scorer asks for of a target, and whether it can judge such a one.

    Raises:
        ReadsExamples: if it looks into X.
    """
    from fitgate.metrics.frozen import Examples, Probe, ReadsExamples

    probe = Probe(None if numbers else _classes(target))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            scorer(probe, Examples(target), target)
        except ReadsExamples:
            raise
        except Exception:  # whatever a scorer raises of a target that is not its own
            return probe.asked, False
    return probe.asked, True


def _classes(target: Array, classes: Array | None = None) -> Any:
    """The classes of a target as a classifier has them: of several labels, an array for each."""
    if target.ndim == 2:
        return [np.array([0, 1])] * target.shape[1]
    return np.unique(target) if classes is None else classes
