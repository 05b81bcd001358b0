"""The answer to what is wanted: which setting holds it and costs least, and why the others don't."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fitgate.record import MetricEntry
from fitgate.report.view.measured import Measured
from fitgate.report.view.settings import Setting
from fitgate.report.view.words import Noun, metric_value
from fitgate.report.wants import COST, LOAD, SIZE, THROUGHPUT, TYPICAL, Want
from fitgate.statistics import values_for_percentile


@dataclass(frozen=True)
class Held:
    """Whether a setting holds something that is wanted.

    Attributes:
        want: what.
        holds: whether it does; what is not known does not.
        shown: what it is held by, in words, or why that is not known.
        short: by which share of what is wanted it falls short; infinite where that is not known.
    """

    want: Want
    holds: bool
    shown: str
    short: float


@dataclass(frozen=True)
class AnswerRow:
    """What a setting holds of all that is wanted, and why it is none to choose whatever it holds; empty for nothing."""

    setting: Setting
    held: tuple[Held, ...]
    barred: str

    @property
    def holds(self) -> bool:
        """Whether it holds all of it, and may be chosen."""
        return not self.barred and all(one.holds for one in self.held)

    @property
    def nearness(self) -> tuple[bool, int, float]:
        """The less, the nearer it comes."""
        missed = [one.short for one in self.held if not one.holds]
        return bool(self.barred), len(missed), max(missed, default=0.0)


@dataclass(frozen=True)
class Answer:
    """The answer.

    Attributes:
        chosen: the setting's name; empty where none holds what is wanted.
        line: the answer in a line.
        wants: as they were written.
        rows: all settings: those that hold it as they are ranked, then the others, the nearest first.
    """

    chosen: str
    line: str
    wants: tuple[str, ...]
    rows: tuple[AnswerRow, ...]


@dataclass(frozen=True)
class Rule:
    """By what settings are ranked.

    Attributes:
        figure: of theirs; None where it is not known.
        more: whether more of it is better.
        best: how the best one is named by it.
        shown: a value of it, in words.
    """

    figure: Callable[[Setting], Measured | None]
    more: bool
    best: str
    shown: Callable[[float], str]

    def rank(self, of: Setting) -> float:
        """The less, the better."""
        measured = self.figure(of)
        if measured is None:
            return math.inf
        return -measured.value if self.more else measured.value

    def overlap(self, best: Setting, other: Setting) -> bool:
        """Whether another may be as good as the best, by the ends of their intervals."""
        mine, theirs = self.figure(best), self.figure(other)
        if mine is None or theirs is None:
            return False
        return theirs.most() >= mine.least() if self.more else theirs.least() <= mine.most()


def answer(
    settings: Sequence[Setting], wants: Sequence[Want], metrics: Sequence[MetricEntry], noun: Noun, priced: bool
) -> Answer:
    """The cheapest setting that holds all that is wanted; without prices the one with the highest offline throughput.

    Where some of those that hold it were not timed offline, it is the one with the quickest single answer.

    Args:
        settings: that there are.
        wants: what is wanted.
        metrics: of the records.
        noun: what an example is called.
        priced: whether all machines have prices.
    """
    by_name = {metric.name: metric for metric in metrics}
    rows = tuple(
        AnswerRow(setting, tuple(_held(setting, want, by_name) for want in wants), _barred(setting))
        for setting in settings
    )
    holding = [row for row in rows if row.holds]
    texts = tuple(want.text for want in wants)
    others = sorted((row for row in rows if not row.holds), key=lambda row: row.nearness)
    if not holding:
        return Answer("", _none(others, texts), texts, tuple(others))
    rule = next(rule for rule in _rules(noun, priced) if all(rule.figure(row.setting) for row in holding))
    ranked = sorted(holding, key=lambda row: rule.rank(row.setting))
    line = _line(rule, [row.setting for row in ranked], texts, len(rows))
    return Answer(ranked[0].setting.name, line, texts, (*ranked, *others))


def _rules(noun: Noun, priced: bool) -> list[Rule]:
    """The first of which all settings have the figure is the one."""
    cheapest = Rule(
        lambda of: of.cost, False, "the cheapest", lambda x: f": {_dollars(x)} a million {noun.many}, offline"
    )
    rules = [
        Rule(lambda of: of.offline, True, "the fastest offline", lambda x: f": {x:,.0f} {noun.many} a second"),
        Rule(lambda of: of.single, False, f"the quickest with a single {noun.one}", lambda x: f": {_seconds(x)}"),
        Rule(lambda of: Measured(0.0), False, "the first", lambda x: ""),  # where nothing was timed in all of them
    ]
    return [cheapest, *rules] if priced else rules


def _line(rule: Rule, ranked: Sequence[Setting], texts: Sequence[str], of: int) -> str:
    best, measured = ranked[0], rule.figure(ranked[0])
    shown = rule.shown(measured.value) if measured is not None else ""
    wanted = " ".join(texts)
    if len(ranked) == 1:
        return f"{best.name} is the one that holds {wanted}, of {_settings(of)}{shown}."
    alike = [other.name for other in ranked[1:] if rule.overlap(best, other)]
    doubt = f"; {alike[0]}{f' and {len(alike) - 1} more' if len(alike) > 1 else ''} may be as good" if alike else ""
    return f"{best.name} is {rule.best} of the {len(ranked)} that hold {wanted}, of {_settings(of)}{shown}{doubt}."


def _none(rows: Sequence[AnswerRow], texts: Sequence[str]) -> str:
    none = f"None of {_settings(len(rows))} holds {' '.join(texts)}"
    nearest = rows[0]
    missed = [one.shown for one in nearest.held if not one.holds]
    return f"{none}. {nearest.setting.name} comes nearest: {'; '.join(filter(None, [nearest.barred, *missed]))}."


def _settings(count: int) -> str:
    return "1 setting" if count == 1 else f"{count} settings"


def _barred(setting: Setting) -> str:
    if setting.doubts:
        return f"its timings are not believed ({setting.doubts[0]})"
    return f"its gate {setting.failed[0]} fails" if setting.failed else ""


def _held(setting: Setting, want: Want, metrics: dict[str, MetricEntry]) -> Held:
    measured = _figure(setting, want)
    name = f"{want.name} on {setting.task}" if want.is_metric else want.name
    if measured is None:
        return Held(want, False, f"{name} is not known: {_why_unknown(setting, want)}", math.inf)
    worst = measured.least() if want.at_least else measured.most()
    holds = worst >= want.bound if want.at_least else worst <= want.bound
    short = abs(worst - want.bound) / abs(want.bound) if want.bound else abs(worst)
    metric = metrics.get(want.name) if want.is_metric else None
    shown = _shown(worst, want, metric)
    if worst == measured.value:
        return Held(want, holds, f"{name} is {shown}", short)
    side = "least" if want.at_least else "most"
    return Held(want, holds, f"{name} is {_shown(measured.value, want, metric)}, and at {side} {shown}", short)


def _figure(setting: Setting, want: Want) -> Measured | None:
    """What is to hold; None where it is not known."""
    if want.is_metric:
        return setting.metrics.get(want.name)
    if (q := want.percentile) is not None:
        return setting.percentile(q)
    if want.name in (LOAD, SIZE):
        value = setting.load if want.name == LOAD else setting.size
        return None if value is None else Measured(value)
    return {TYPICAL: setting.single, THROUGHPUT: setting.offline, COST: setting.cost}[want.name]


def _why_unknown(setting: Setting, want: Want) -> str:
    if want.is_metric:
        if setting.differing:
            others = f"{setting.differing:,} of {setting.answers:,} answers differ from the estimator's"
            return f"{others}, and were not evaluated by it"
        return "it was not evaluated"
    if (q := want.percentile) is not None and setting.queries:
        needed, timed = f"{values_for_percentile(q):,}", f"{len(setting.queries):,}"
        return f"it takes {needed} queries, and {timed} were timed; a longer --fit-timing asks more"
    if want.name == COST and setting.offline is not None:
        return f"no price of {setting.machine} was given"
    if want.name == SIZE:
        return "it was not measured; --fit-memory measures an estimator's"
    if want.name == LOAD and setting.single is not None:
        return "it was timed in the session's process"
    return "it was not timed"


def _shown(value: float, want: Want, metric: MetricEntry | None) -> str:
    if metric is not None:
        return metric_value(value, metric)
    if want.name == THROUGHPUT:
        return f"{value:,.0f}/s"
    if want.name == COST:
        return _dollars(value)
    return f"{value / 2**20:.3g} MiB" if want.name == SIZE else _seconds(value)


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def _dollars(value: float) -> str:
    return f"{value:.3g} USD"
