"""Agreement: whether settings, values and verdicts bear each other out, as far as it shows without arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, overload

from fitgate.gates import GATES, Outcome, Reason, Verdict
from fitgate.gates.settings import MOST_BUDGET
from fitgate.record.evidence import ABSOLUTE, RELATIVE
from fitgate.record.outline import EvaluationOutline, Outline, VerdictOutline
from fitgate.record.plausibility import negative
from fitgate.record.record import Record
from fitgate.runs import Evaluation

Whole = Record | Outline
Evaluated = Evaluation | EvaluationOutline
Judged = Verdict | VerdictOutline

BY_BASELINE = {Reason.SAME_OUTPUT, Reason.NO_FALL, Reason.SMALL_FALL}
DENY_PASS = {
    Reason.BOUND_MISSES,
    Reason.NO_LEAD,
    Reason.COLLAPSE,
    Reason.FALL,
    Reason.FRAGILE,
    Reason.GAIN,
    Reason.PERFECT,
    Reason.SLICE_MISSES,
    Reason.BEYOND,
    Reason.LOW_POWER,
    Reason.NO_BASELINE,
    Reason.BAD_BASELINE,
    Reason.NO_VALUE,
    Reason.BROKEN_GATE,
    Reason.NOT_EVALUATED,
    Reason.NOT_JUDGED,
}


def settings_faults(of: Whole) -> Iterator[str]:
    """What is wrong with when a run began, how, and on what, each as a noun."""
    settings, judge = of.settings, of.settings.judge
    try:
        datetime.fromisoformat(of.started)
    except ValueError:
        yield f"a run that began at {of.started[:40]!r}"
    shares = {"confidence": judge.confidence, "significance": judge.significance, "missed share": judge.missed}
    for name, share in shares.items():
        if not (0.5 if name == "confidence" else 0) < share < 1:  # half of all bounds at 0.5 bound nothing
            yield f"a {name} of {share:g}"
    counts = {
        "seeds": (settings.seeds, 0),
        "seeds to judge by": (judge.seeds, 0),
        "most seeds": (judge.most_seeds, 0),
        "threads": (settings.threads, 1),
        "workers": (of.workers, 1),
        "cores": (of.environment.cores, 1),
        **{f"threads of {name}": (count, 0) for name, count in of.threads.items()},
    }
    for name, (count, least) in counts.items():
        if count is not None and not least <= count < 2**31:
            yield f"{count} {name}"
    if judge.most_seeds > max(MOST_BUDGET, judge.seeds):  # each is a look, which takes its time to plan
        yield f"a budget of {judge.most_seeds} seeds"
    for gpu in of.environment.accelerators:
        yield from negative(gpu.name, [gpu.memory_mib, gpu.most_mhz, gpu.set_mhz, gpu.watts, gpu.most_watts])
    yield from negative("the session", [settings.timing, of.environment.memory_gib])


@overload
def evaluations(of: Record) -> list[Evaluation]: ...
@overload
def evaluations(of: Outline) -> list[EvaluationOutline]: ...
def evaluations(of: Whole) -> list[Any]:
    """The evaluations of a record: of the session's own fits, of further seeds, and of disturbed test splits."""
    return [*of.evaluations, *(run.evaluation for run in of.seed_runs), *under(of).values()]


def under(of: Whole) -> dict[tuple[str, str, str], Any]:
    """The evaluations of disturbed test splits, by model, task and disturbance."""
    pairs = ((one, one.evaluation) for one in of.disturbed)
    return {(one.model, one.task, str(one.disturbance)): e for one, e in pairs if e is not None}


def output_faults(of: Whole) -> Iterator[str]:
    """What is wrong with whose outputs they are, and how many, each as a noun."""
    tasks = {task.name: task for task in of.tasks}
    for run in of.seed_runs:
        if (run.fit.model, run.fit.task) != (run.evaluation.model, run.evaluation.task):
            yield f"a fit of {run.fit.model} on {run.fit.task} with the outputs of another"
    for (model, task, disturbance), e in under(of).items():
        if (model, task) != (e.model, e.task):
            yield f"{model} on {task} under {disturbance} with the outputs of another"
    for e in evaluations(of):
        where = f"{e.model} on {e.task}"
        if e.task in tasks:
            asked = tasks[e.task]
            shape, n = tuple(asked.target.shape), asked.target.shape[0]
            if tuple(e.predictions.shape) != shape or e.n != n:
                yield f"predictions of shape {tuple(e.predictions.shape)} of {where} for {e.n} test examples, of {n}"
            if e.metrics.keys() != set(asked.metrics):
                yield f"metrics of {where} other than the task's"
        elif of.status != "running":
            yield f"outputs of {where}, a task that is not described"
        found = e.predictions.shape[0] if e.predictions.shape else 1
        if not e.predictions.shape or e.n != found:
            yield f"{found} predictions of {where} for {e.n} test examples"


def seed_faults(of: Whole) -> Iterator[str]:
    """What the run with one of several seeds denies of the session's own fit, where that is the same fit."""
    own = {(e.model, e.task): e for e in of.evaluations}
    fits = {(fit.model, fit.task): fit for fit in of.fits}
    for run in of.seed_runs:
        key = run.fit.model, run.fit.task
        fit = fits.get(key)
        same = fit is not None and (fit.seed, fit.seconds) == (run.fit.seed, run.fit.seconds)
        if same and key in own and own[key].metrics != run.evaluation.metrics:
            yield f"other metrics of {key[0]} on {key[1]} than with seed {run.fit.seed}, of which it is the same fit"


def verdict_faults(of: Whole, declared: bool) -> Iterator[str]:
    """What is wrong with verdicts, beside the gates, values and baselines that they speak of, each as a noun.

    Args:
        of: a record, or an outline.
        declared: whether each verdict is of a gate that was selected.
    """
    gates = {(gate.model, gate.task, gate.gate): gate for gate in of.gates}
    values: dict[tuple[str, str, str], list[Evaluated]] = {key: [e] for key, e in under(of).items()}
    for e in (*of.evaluations, *(run.evaluation for run in of.seed_runs)):
        values.setdefault((e.model, e.task, ""), []).append(e)
    higher = {metric.name: metric.higher_is_better for metric in of.metrics}
    baselines = {(baseline.about.model, baseline.about.task) for baseline in of.baselines}
    for v in of.verdicts:
        where = f"{v.gate} of {v.model} on {v.task}"
        if declared and (v.model, v.task, v.gate) not in gates:
            yield f"a verdict on {where}, a gate that was not selected"
        elif declared and gates[v.model, v.task, v.gate].kind != v.kind:
            yield f"a verdict on {where} of another kind than the gate"
        if not all(share is None or 0 <= share <= 1 for share in (v.p_value, v.power, v.level)):
            yield f"a verdict on {where} with a probability that is none"
        if v.kind not in GATES:
            continue
        if v.outcome is Outcome.PASS:
            yield from _denied(v, where, higher.get(v.metric), (v.model, v.task) in baselines)
        runs = values.get((v.model, v.task, v.under), [])
        if v.outcome is Outcome.PASS and not runs:
            yield f"{v.outcome} of {where}, without outputs"
        if v.slices:
            yield from _of_slices(v, where)
            continue
        found = [value for e in runs if (value := e.metrics.get(v.metric)) is not None]
        if v.value is not None and found and not _lies_among(v.value, found):
            yield f"a verdict on {where} of {v.metric} {v.value:.6g}, of which the outputs have {found[0]:.6g}"


def _denied(passed: Judged, where: str, higher: bool | None, has_baseline: bool) -> Iterator[str]:
    """What denies a PASS: its reason, its own bound, or a baseline that the record does not have."""
    if passed.reason in DENY_PASS:
        yield f"a PASS of {where}, although {passed.reason}"
    bound, threshold = passed.bound, passed.threshold
    if passed.bound_of == "value" and higher is not None and bound is not None and threshold is not None:
        low, high = (threshold, bound) if higher else (bound, threshold)
        if low > high + RELATIVE * abs(high) + ABSOLUTE:
            yield f"a PASS of {where} with a bound of {bound:.6g} to a threshold of {threshold:.6g}"
    if passed.reason in BY_BASELINE and not has_baseline:
        yield f"a PASS of {where} by a baseline that there is not"


def _of_slices(verdict: Judged, where: str) -> Iterator[str]:
    values = [one.value for one in verdict.slices]
    if verdict.bound_of not in ("most", "least") and verdict.value not in (None, *values):
        yield f"a verdict on {where} of {verdict.metric} {verdict.value:.6g}, which no slice has"


def _lies_among(value: float, among: Sequence[float]) -> bool:
    """Whether a value is that of a run, or a mean of several."""
    low, high = min(among), max(among)
    slack = RELATIVE * max(abs(low), abs(high)) + ABSOLUTE
    return low - slack <= value <= high + slack
