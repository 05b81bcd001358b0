"""Gates: what was judged, and what was selected and not judged."""

from __future__ import annotations

from dataclasses import dataclass

from fitgate.gates import Declaration, Outcome, Reason, Verdict
from fitgate.gates.settings import LEAST_SEEDS
from fitgate.gates.wording import chance
from fitgate.record import Record
from fitgate.report.view.words import metric_value


@dataclass(frozen=True)
class SliceRow:
    """What a gate came to on a slice of the examples.

    Attributes:
        name: of the slice.
        outcome: what it came to.
        n: test examples of the slice.
        value, against, sure, gained: as of a `GateRow`.
    """

    name: str
    outcome: Outcome
    n: int
    value: str
    against: str
    sure: str
    gained: bool = False


@dataclass(frozen=True)
class GateRow:
    """A gate on a model.

    Attributes:
        model, task: names.
        rule: the gate in symbols.
        outcome: what it came to; None for a gate without a verdict.
        message: what happened, how sure that is, and what to do next.
        gained: whether the model has become better than chance explains, which is to be looked into.
        where: the file and line that declare it; empty where that is not known.
        value: of the metric, as text; empty where there is none.
        against: what the value is held to, as text; empty where that is no number.
        sure: how sure the outcome is, in a few words; empty where nothing says so.
        details: the statistics behind it; empty for none.
        slices: the worst first; empty for a gate that looks at all examples together.
    """

    model: str
    task: str
    rule: str
    outcome: Outcome | None
    message: str
    gained: bool = False
    where: str = ""
    value: str = ""
    against: str = ""
    sure: str = ""
    details: str = ""
    slices: tuple[SliceRow, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether there is nothing to look into."""
        return self.outcome is Outcome.PASS and not self.gained

    @property
    def verdict(self) -> str:
        """The outcome, in words."""
        return self.outcome or "NOT JUDGED"


@dataclass(frozen=True)
class Unblessed:
    """Gates that have no baseline.

    Attributes:
        gates: how many.
        command: trains what may become theirs; empty where the run's own seeds may.
    """

    gates: int
    command: str


def gates(record: Record) -> tuple[GateRow, ...]:
    """All gates: those without a verdict first, then what did not pass, then suspicious gains, then the rest."""
    judged = sorted(record.verdicts, key=lambda v: (ORDER[v.outcome], not v.gained))
    unjudged = (_unjudged(gate, record.status == "finished") for gate in record.unjudged)
    return (*unjudged, *(gate_row(verdict, record) for verdict in judged))


def gate_row(verdict: Verdict, record: Record) -> GateRow:
    """A verdict as a report shows it."""
    metric = record.metric(verdict.metric)

    def shown(number: float | None) -> str:
        return "" if number is None else metric_value(number, metric)

    return GateRow(
        verdict.model,
        verdict.task,
        verdict.gate,
        verdict.outcome,
        verdict.message,
        verdict.gained,
        verdict.where,
        shown(verdict.value),
        shown(verdict.threshold),
        how_sure(verdict, record),
        verdict.details,
        tuple(
            SliceRow(one.name, one.outcome, one.n, shown(one.value), shown(one.threshold), one.sure)
            for one in verdict.slices
        ),
    )


def how_sure(verdict: Verdict, record: Record) -> str:
    """How sure a verdict is, in a few words; empty where nothing says so."""
    settings, metric = record.settings.judge, record.metric(verdict.metric)
    confidence = f"{settings.confidence:.0%} sure"
    if verdict.reason is Reason.SAME_OUTPUT:
        return "same output as its baseline"
    if verdict.bound_of == "value" and verdict.bound is not None:
        side = "at least" if metric.higher_is_better else "at most"
        return f"{side} {metric_value(verdict.bound, metric)}, {confidence}"
    if verdict.bound_of in ("most", "least") and verdict.bound is not None and verdict.p_value is None:
        return f"at {verdict.bound_of} {metric_value(verdict.bound, metric)}, {confidence}"
    if verdict.p_value is None:
        return ""
    if verdict.passed and verdict.bound_of == "lead" and verdict.bound is not None:
        return f"ahead by {metric_value(verdict.bound, metric)} or more, {confidence}"
    failed = verdict.outcome in (Outcome.FAIL, Outcome.WAIVED)
    if verdict.bound_of == "most" and verdict.bound is not None and not failed:
        return f"at most {metric_value(verdict.bound, metric)}, {1 - settings.missed:.0%} sure"
    if failed or verdict.power is None or verdict.margin is None:
        return f"by chance in {chance(verdict.p_value)}"
    return f"{verdict.power:.0%} sure to see a loss of {verdict.margin:g}"


def reasons(record: Record) -> dict[str, str]:
    """The names in a report of the places that say how a model's gates were judged, by the model's name."""
    return {model: f"reasons-{i}" for i, model in enumerate(dict.fromkeys(row.model for row in gates(record)), 1)}


def unblessed(record: Record) -> Unblessed | None:
    """What to do about gates without a baseline; None where there are none."""
    count, profile = record.count(Outcome.NO_BASELINE), record.settings.profile
    option = f" --fit-profile={profile}" if profile else ""
    train = f'pytest{option} -m "not latency" --fit-seeds=20 --fit-seed=2000'
    return Unblessed(count, "" if record.settings.seeds >= LEAST_SEEDS else train) if count else None


def _unjudged(gate: Declaration, finished: bool) -> GateRow:
    message = (
        "It was selected and not judged, so the run fails: see the errors of its test, and run it again."
        if finished
        else "The run ended before it was judged: run it again."
    )
    return GateRow(gate.model, gate.task, gate.gate, None, message, where=gate.where)


ORDER = {outcome: i for i, outcome in enumerate(("FAIL", "WAIVED", "NO BASELINE", "INCONCLUSIVE", "PASS"))}
