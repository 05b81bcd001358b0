"""Serving: what a record says of engines does not contradict what it says elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from fitgate.engines import NATIVE
from fitgate.gates import GATES, Outcome
from fitgate.metrics import METRICS
from fitgate.record.entries import EngineEntry
from fitgate.record.evidence import ABSOLUTE, RELATIVE
from fitgate.record.plausibility import negative
from fitgate.record.record import Record
from fitgate.tasks import CLASSES


def engine_faults(record: Record) -> Iterator[str]:
    """What is wrong with engines, and with timings of what they serve, each as a noun."""
    for e in record.engines:
        where = f"{e.model} on {e.task} by {e.engine}"
        yield from negative(where, [e.difference, e.convert_seconds, e.size])
        yield from _answers(record, e, where)
        yield from _metrics(record, e, where)
        yield from _verdicts(record, e, where)
    serving = {(e.model, e.task, e.engine) for e in record.engines if not e.reason}
    for model, task, engine in dict.fromkeys((t.model, t.task, t.engine) for t in record.timings):
        if engine != NATIVE and (model, task, engine) not in serving:
            yield f"timings of {model} on {task} by {engine}, of which it has no answers"


def _answers(record: Record, e: EngineEntry, where: str) -> Iterator[str]:
    data = record.dataset(e.task)
    if not 0 <= e.n < 2**31 or not (e.equal is None or 0 <= e.equal <= 1):
        yield f"equal predictions of {where} that can't be"
    elif data is not None and e.n not in (0, data.n_test):
        yield f"{e.n} answers of {where} for {data.n_test} test examples"
    if e.reason and (e.fault or e.n or e.equal is not None or e.metrics or e.verdicts):
        yield f"answers of {where}, and why there are none"
    if not e.reason and not e.fault and (not e.n or e.equal is None):
        yield f"no answers of {where}, and no reason"


def _metrics(record: Record, e: EngineEntry, where: str) -> Iterator[str]:
    task = record.task(e.task)
    if task is None:
        return
    if not e.metrics.keys() <= set(task.metrics):
        yield f"metrics of {where} other than the task's"
    if e.equal != 1 or task.kind not in CLASSES or record.folds(e.task) is not None:
        return
    own = next((of.metrics for of in record.evaluations if (of.model, of.task) == (e.model, e.task)), {})
    for name, value in e.metrics.items():
        metric = METRICS.get(name) if name in own else None
        if metric is not None and metric.reads == "predictions" and not _same(value, own[name]):
            yield f"another {name} of {where} than the estimator's, with the same predictions"


def _verdicts(record: Record, e: EngineEntry, where: str) -> Iterator[str]:
    judge, outcomes = record.settings.judge, {v.gate: v.outcome for v in e.verdicts}
    failing = {Outcome.FAIL: True, Outcome.INCONCLUSIVE: judge.strict, Outcome.NO_BASELINE: judge.require_baseline}
    for v in e.verdicts:
        if (v.model, v.task) != (e.model, e.task):
            yield f"a verdict on {v.model} on {v.task} among those of {where}"
        if v.outcome is Outcome.PASS and v.kind in GATES and e.metrics.get(v.metric) is None:
            yield f"{v.outcome} of {v.gate} of {where}, without {v.metric}"
        elif v.value is not None and v.kind in GATES and not _same(v.value, e.metrics.get(v.metric)):
            yield f"a verdict on {v.gate} of {where} of {v.metric} {v.value:.6g}, of which it has another"
    if not outcomes.keys() >= set(e.lost):
        yield f"lost gates of {where} that have no verdict"
    elif passed := [gate for gate in e.lost if not failing.get(outcomes[gate])]:
        yield f"{outcomes[passed[0]]} of {passed[0]} of {where}, which is among those lost"


def _same(value: float | None, other: float | None) -> bool:
    """Whether two values of a metric are the same, but for the last digits."""
    if value is None or other is None:
        return value is other
    return abs(value - other) <= RELATIVE * max(abs(value), abs(other)) + ABSOLUTE
