"""The contract of a metric: what it reads, which way is better, how sure a value is, and how two are compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from fitgate.errors import FitgateError
from fitgate.statistics import Change, Folds, bootstrap_fall, bootstrap_lower_bound, normal_power, unspread_bound

BEYOND = 1e-9  # of a metric's range, by which rounding may carry its value

Array = NDArray[Any]
Reads = Literal["predictions", "scores", "probabilities"]
Target = Literal["classes", "numbers", "any"]


class MetricError(FitgateError):
    """A metric that is declared wrongly."""


class Outputs(NamedTuple):
    """What a model gave for the examples of a test split, in their order.

    Attributes:
        predictions: `(n,)`, or `(n, labels)` of a multilabel task.
        scores: float `(n,)` of two classes, higher for what is more likely the second; else `(n, classes)`, or
            `(n, labels)`; None where none were asked for, or there are none. A baseline keeps their ranks, column by
            column: metrics of a regression gate may depend on these alone.
        probabilities: float `(n, classes)`, or of a multilabel task `(n, labels)`; None where none were asked for, or
            there are none. A baseline keeps them as float32.

    Columns of classes are those of the task, sorted, whatever the order in which an estimator has them.
    """

    predictions: Array
    scores: Array | None = None
    probabilities: Array | None = None


class Rates(NamedTuple):
    """How often a floor lets a model pass, over test sets of this size.

    Attributes:
        at_floor: a model whose true value is the floor.
        at_value: one whose true value is the value that was seen.
        needed: right answers that it takes to pass; None where that is not what is counted.
    """

    at_floor: float
    at_value: float
    needed: int | None = None


@dataclass(frozen=True)
class Bound:
    """A one-sided confidence bound of a metric, on the side where the metric is worse.

    Attributes:
        name: of the method, for messages.
        compute: from target, output and confidence, such as 0.99, to the bound.
        rates: from floor, value, bound, number of examples and confidence to how often the floor lets a model pass;
            None for the normal approximation, by the distance between value and bound.
        better: as `compute`, on the side where the metric is better; None where the method has no such bound.
    """

    name: str
    compute: Callable[..., float]
    rates: Callable[[float, float, float, int, float], Rates] | None = None
    better: Callable[[Array, Array, float], float] | None = None


@dataclass(frozen=True)
class PairedTest:
    """A test of two outputs for the same examples.

    Attributes:
        name: of the method, for messages.
        compute: from target, output before and output now to the change; a worsening is positive.
        detail: what a message adds about a change; empty for nothing.
    """

    name: str
    compute: Callable[..., Change]
    detail: Callable[[Any], str] = lambda change: ""

    def describe(self, change: Change) -> str:
        """The method, and what is particular to this change."""
        return ", ".join(filter(None, (self.name, self.detail(change))))


@dataclass(frozen=True)
class Metric:
    """A number that says how good a model's output is.

    Attributes:
        name: what tasks, gates and records call it.
        label: what reports call it; its name if empty.
        compute: from target and the output that it reads to its value.
        reads: which output that is.
        higher_is_better: its direction.
        range: the least and the greatest value that it can have.
        unit: `share` for a number from 0 to 1, whose differences are shown in points of a hundredth; else what the
            value is in, such as `mm`, or empty.
        target: what it judges: `classes`, `numbers`, or `any`. A task with a metric for numbers, and with none for
            classes, is one of numbers, even where they are whole.
        knows_classes: whether `compute`, `terms`, and what bound and test compute, take the task's classes as the
            keyword `classes`: sorted `(classes,)`, those of the columns that they read, or None.
        scorer: the name of scikit-learn's scorer that it was made from; empty for none.
        terms: from target and the output that it reads to each example's term, float64 `(n,)`, of which the value is
            the mean; None where it is no such mean. Of terms, the bootstrap takes a fraction of the time.
        bound: its confidence bound; None for the percentile bootstrap.
        paired: its test of two outputs; None for the paired bootstrap. Both draw again where a resample has no value
            (`compute` gives NaN or raises ValueError), as where a class is missing.
    """

    name: str
    label: str = field(default="", kw_only=True)
    compute: Callable[..., float] = field(repr=False)
    reads: Reads = field(default="predictions", kw_only=True)
    higher_is_better: bool = field(default=True, kw_only=True)
    range: tuple[float, float] = field(default=(0.0, 1.0), kw_only=True)
    unit: str = field(default="share", kw_only=True)
    target: Target = field(default="any", kw_only=True)
    knows_classes: bool = field(default=False, kw_only=True, repr=False)
    scorer: str = field(default="", kw_only=True, repr=False)
    terms: Callable[..., Array] | None = field(default=None, kw_only=True, repr=False)
    bound: Bound | None = field(default=None, kw_only=True, repr=False)
    paired: PairedTest | None = field(default=None, kw_only=True, repr=False)

    @classmethod
    def from_scorer(cls, scorer: Any, name: str = "") -> Metric:
        """The metric of a scikit-learn scorer, with the bootstrap's bound and test; see `fitgate.metrics.scorer`.

        Args:
            scorer: a scorer's name, such as `neg_mean_absolute_error`, or what `make_scorer` made.
            name: what to call the metric; by default the scorer's name.

        Raises:
            MetricError: if there is no scorer of that name, a nameless one gets none, or it can't be computed from
                the target and one output.
        """
        from fitgate.metrics.scorer import metric_of

        return metric_of(scorer, name)

    @property
    def title(self) -> str:
        """What reports call it."""
        return self.label or self.name

    def on(self, classes: Array | None, folds: Folds | None = None, groups: Array | None = None) -> Metric:
        """The metric as it is on a task.

        Args:
            classes: of the task, sorted; None where they are not known.
            folds: of the outputs, whose mean it then is; None for those of one test split.
            groups: of the outputs, `(n,)`, integers from 0 on, where examples depend on each other; None where they
                don't. Folds, which keep groups together, come first.
        """
        own = self._on(classes)
        if folds is not None:
            from fitgate.metrics.folds import across

            return across(own, folds)
        if groups is not None:
            from fitgate.metrics.groups import grouped

            return grouped(own, groups)
        return own

    def _on(self, classes: Array | None) -> Self:
        if not self.knows_classes or classes is None:
            return self
        bound = self.bound and replace(self.bound, compute=partial(self.bound.compute, classes=classes))
        paired = self.paired and replace(self.paired, compute=partial(self.paired.compute, classes=classes))
        compute, terms = partial(self.compute, classes=classes), self.terms and partial(self.terms, classes=classes)
        return replace(self, compute=compute, terms=terms, bound=bound, paired=paired, knows_classes=False)

    def output(self, outputs: Outputs) -> Array | None:
        """What it reads of a model's outputs; None where that is missing, or a number in it is not finite."""
        read = {"predictions": outputs.predictions, "scores": outputs.scores, "probabilities": outputs.probabilities}
        found = read[self.reads]
        if found is None or (found.dtype.kind in "fc" and not np.isfinite(found).all()):
            return None
        return found

    def value(self, target: Array, outputs: Outputs) -> float:
        """Its value; NaN where what it reads is missing or not finite.

        Raises:
            FitgateError: if it computes something else than a number of its range.
        """
        read = self.output(outputs)
        if read is None:
            return math.nan
        computed: Any = self.compute(target, read)
        low, high = self.range
        try:
            if np.asarray(computed).dtype.kind in "SU":  # float would read it
                raise ValueError("text")
            value = float(computed)
        except (TypeError, ValueError, OverflowError):
            raise self._no_value(f"a value of type {type(computed).__name__}") from None
        if value < low - BEYOND or value > high + BEYOND:
            raise self._no_value(f"{value:g}")
        return value

    def _no_value(self, found: str) -> FitgateError:
        return FitgateError(
            f"metric {self.name}",
            found=found,
            expected=f"a number from {self.range[0]:g} to {self.range[1]:g}",
            next_step="correct what computes it, or its range",
        )

    @property
    def confidence_bound(self) -> Bound:
        """Its bound, or the bootstrap's."""
        if self.bound is not None:
            return self.bound
        higher, worst = self.higher_is_better, self.range[0 if self.higher_is_better else 1]
        resampled = partial(bootstrap_lower_bound, self.compute, higher_is_better=higher, worst=worst, terms=self.terms)
        if not self.knows_perfection:
            return Bound("bootstrap", resampled)

        def bound(target: Array, output: Array, confidence: float) -> float:
            # Few mistakes leave no more certainty than none would.
            return min(resampled(target, output, confidence), unspread_bound(1.0, 0.0, len(target), confidence))

        return Bound("bootstrap", bound)

    def both_bounds(self, target: Array, output: Array, confidence: float) -> tuple[float, float]:
        """One-sided confidence bounds on the side where it is worse, and on the one where it is better.

        The latter is as far from the value as the former where its method bounds that side alone: metrics of what is
        mostly right spread farther to the worse side.
        """
        method = self.confidence_bound
        worse = float(method.compute(target, output, confidence))
        if method.better is not None:
            return worse, float(method.better(target, output, confidence))
        return worse, float(np.clip(2 * float(self.compute(target, output)) - worse, *self.range))

    @property
    def knows_perfection(self) -> bool:
        """Whether outputs can be without a mistake, its value then the greatest, which is no proof of a bound."""
        return self.higher_is_better and self.unit == "share" and self.reads != "probabilities"

    def interval(self, target: Array, outputs: Outputs, confidence: float = 0.95) -> tuple[float, float] | None:
        """Its two-sided confidence interval; None where its method bounds one side only, or it has no value."""
        read, method = self.output(outputs), self.confidence_bound
        if read is None or method.better is None:
            return None
        one_sided = (1 + confidence) / 2
        ends = sorted(bound(target, read, one_sided) for bound in (method.compute, method.better))
        return ends[0], ends[1]

    @property
    def paired_test(self) -> PairedTest:
        """Its test of two outputs, or the bootstrap's."""
        if self.paired is not None:
            return self.paired
        test = partial(bootstrap_fall, self.compute, higher_is_better=self.higher_is_better, terms=self.terms)
        return PairedTest("the paired bootstrap", test)

    def rates(self, floor: float, value: float, bound: float, n: int, confidence: float) -> Rates:
        """How often a floor lets a model pass."""
        method = self.confidence_bound
        if method.rates is not None:
            return method.rates(floor, value, bound, n, confidence)
        from scipy.stats import norm

        error = abs(value - bound) / float(norm.ppf(confidence))
        return Rates(1 - confidence, normal_power(self.lead(value, floor), error, 1 - confidence))

    @property
    def worsening(self) -> str:
        """What becoming worse is, in a word."""
        return "fall" if self.higher_is_better else "rise"

    def step(self, n: int) -> float:
        """By how much one of n examples can change a mean over them; 0 where values have no end."""
        low, high = self.range
        return (high - low) / n if math.isfinite(high - low) else 0.0

    def lead(self, value: float, other: float) -> float:
        """By how much a value is better than another."""
        return value - other if self.higher_is_better else other - value

    def shown(self, value: float) -> str:
        """A value: four decimals of a share, five significant digits of anything else, with its unit."""
        return f"{value:.4f}" if self.unit == "share" else f"{value:.5g} {self.unit}".strip()

    def difference(self, size: float, signed: bool = True) -> str:
        """A difference of two values, as `+1.71 points`."""
        number, unit = (100 * size, "point") if self.unit == "share" else (size, self.unit)
        if not signed:
            shown = f"{number:g}"
        else:
            shown = f"{0.0 + number:+.2f}" if self.unit == "share" else f"{0.0 + number:+.4g}"
        plural = "s" if unit == "point" and shown.lstrip("+-") != "1" else ""
        return f"{shown} {unit}{plural}".strip()


def right(target: Array, predictions: Array) -> NDArray[np.bool_]:
    """Whether each example is right, bool `(n,)`: in all its labels, where there are several."""
    same: NDArray[np.bool_] = np.asarray(target == predictions)
    return same if same.ndim == 1 else np.asarray(same.all(axis=1))
