"""Wants: what a setting is to hold, as `accuracy>=0.97 p99<=5ms`, read from the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fitgate.errors import FitgateError
from fitgate.record import MetricEntry
from fitgate.report.view.words import is_share

OPTION = "--want"
EXAMPLE = "accuracy>=0.97 p99<=5ms"
TYPICAL, THROUGHPUT, COST, LOAD, SIZE = "typical", "throughput", "cost", "load", "size"
TIMES = {"ms": 1e-3, "us": 1e-6, "s": 1.0}
# What each is written in, the most usual first, in which it is kept, and whether it is to be at least so much.
FIGURES: Mapping[str, tuple[Mapping[str, float], bool]] = {
    TYPICAL: (TIMES, False),
    LOAD: (TIMES, False),
    THROUGHPUT: ({"/s": 1.0}, True),
    COST: ({"USD": 1.0, "": 1.0}, False),
    SIZE: ({"MiB": 2.0**20, "KiB": 2.0**10, "GiB": 2.0**30}, False),
}
PERCENTILE = re.compile(r"p([1-9]\d?)")
_WANT = re.compile(r"([^\s,<>=]+)\s*(<=|>=)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\s,<>=\d]*)(?=[\s,]|$)")
_BETWEEN = re.compile(r"[\s,]*")


class WantError(FitgateError):
    """What is wanted can't be read."""


@dataclass(frozen=True)
class Want:
    """One thing that a setting is to hold.

    Attributes:
        text: as it was written, without spaces.
        name: of a figure of `FIGURES`, a percentile of single queries, or a metric.
        at_least: whether it is to be at least `bound`, rather than at most.
        bound: in seconds, examples a second, US dollars or bytes, or in the metric's unit.
    """

    text: str
    name: str
    at_least: bool
    bound: float

    @property
    def percentile(self) -> int | None:
        """Which percentile of single queries it is of; None for another figure."""
        match = PERCENTILE.fullmatch(self.name)
        return int(match[1]) if match else None

    @property
    def is_metric(self) -> bool:
        """Whether it is of the answers, rather than of how they are given."""
        return self.percentile is None and self.name not in FIGURES


def read_wants(text: str, metrics: Iterable[MetricEntry]) -> tuple[Want, ...]:
    """Read what is wanted: each a name, `<=` or `>=`, and a number with its unit; spaces or commas between them.

    Args:
        text: as `accuracy>=0.97 p99<=5ms`.
        metrics: those that records have.

    Raises:
        WantError: if there is none, or one can't be read or is of a figure or metric that there is not.
    """
    known = {metric.name: metric for metric in metrics}
    wants: list[Want] = []
    place = _gap(text, 0)
    while place < len(text):
        match = _WANT.match(text, place)
        if match is None:
            raise _unread(text[place:])
        wants.append(_want(match, known))
        place = _gap(text, match.end())
    if not wants:
        raise _unread(text)
    return tuple(wants)


def _gap(text: str, place: int) -> int:
    match = _BETWEEN.match(text, place)
    return match.end() if match else place


def _want(match: re.Match[str], metrics: Mapping[str, MetricEntry]) -> Want:
    name, relation, number, unit = match.groups()
    text, at_least = f"{name}{relation}{number}{unit}", relation == ">="
    units, more = FIGURES.get(name, (TIMES, False))
    is_figure = name in FIGURES or PERCENTILE.fullmatch(name) is not None
    if is_figure and name in metrics:
        raise WantError(
            f"{OPTION} {text}",
            found=f"{name!r}, which is a metric of the records, too",
            expected="a name of one thing",
            next_step="give the metric another name, and measure anew",
        )
    if not math.isfinite(float(number)) or (is_figure and float(number) < 0):
        raise WantError(
            f"{OPTION} {text}",
            found=number,
            expected="a finite number, and none below 0 of times, rates, costs and sizes",
            next_step="correct the number",
        )
    if not is_figure:
        if (metric := metrics.get(name)) is None:
            raise _unknown(text, name, metrics)
        units, more = {"": 1.0}, metric.higher_is_better
        if is_share(metric) and not 0 <= float(number) <= 1:
            raise WantError(
                f"{OPTION} {text}",
                found=number,
                expected="a share, from 0 to 1",
                next_step=f"write {float(number) / 100:g}, if it is percent",
            )
    if unit not in units:
        raise WantError(
            f"{OPTION} {text}",
            found=f"the unit {unit!r}" if unit else "a number without a unit",
            expected=f"{_either([of for of in units if of])} after it" if any(units) else "a number alone",
            next_step=f"write it as {name}{relation}{number}{next(iter(units))}",
        )
    if at_least is not more:
        better = ">=" if more else "<="
        raise WantError(
            f"{OPTION} {text}",
            found=relation,
            expected=f"{better}: {'more' if more else 'less'} of it is better",
            next_step=f"write {name}{better}{number}{unit}",
        )
    return Want(text, name, at_least, float(number) * units[unit])


def _unread(text: str) -> WantError:
    return WantError(
        OPTION,
        found=repr(text.strip()) if text.strip(" ,") else "nothing",
        expected="a name, <= or >=, and a number with its unit",
        next_step=f"write it as {OPTION} {EXAMPLE!r}",
    )


def _unknown(text: str, name: str, metrics: Mapping[str, MetricEntry]) -> WantError:
    close = get_close_matches(name, [*metrics, *FIGURES, "p50", "p99"], n=1)
    return WantError(
        f"{OPTION} {text}",
        found=f"{name!r}, which no record has",
        expected=f"a metric ({', '.join(metrics) or 'none is recorded'}), a percentile such as p99, or one of "
        f"{', '.join(FIGURES)}",
        next_step=f"did you mean {close[0]}" if close else "name one of these",
    )


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
