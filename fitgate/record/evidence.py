"""From a record to what judging needs: the evidence, and the claims that it is to be judged by."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NoReturn

from fitgate.data import Dataset, Slices
from fitgate.errors import FitgateError
from fitgate.gates import (
    GATES,
    Baseline,
    BaselineError,
    Claim,
    Declaration,
    Evidence,
    Gate,
    Judgement,
    Need,
    Reason,
    Truth,
    judge,
)
from fitgate.gates.candidate import Candidate
from fitgate.metrics import METRICS, Metric
from fitgate.metrics.scorer import scorer_metric
from fitgate.record.entries import TaskEntry
from fitgate.record.errors import RecordError
from fitgate.record.record import Record
from fitgate.runs import SeedRun, same_output
from fitgate.tasks import Task

RELATIVE, ABSOLUTE = 1e-6, 1e-9  # by which a metric may differ between machines and versions of its library


def evidence(record: Record, metrics: Mapping[str, Metric]) -> Evidence:
    """All that a record holds for gates to look at.

    Args:
        record: of a run, finished or going on.
        metrics: by name.
    """
    failures = {(f.model, f.task): str(f) for f in record.failures}
    runs = {(e.model, e.task): [e] for e in record.evaluations}
    several = seed_runs(record)
    runs |= {key: [run.evaluation for run in of_key] for key, of_key in several.items()}
    seeds = {(fit.model, fit.task): [fit.seed] for fit in record.fits}
    seeds |= {key: [run.fit.seed for run in of_key] for key, of_key in several.items()}
    fits = (*(of_key[0].fit for of_key in several.values()), *record.fits)
    skipped = {(m.name, task): m.skipped for m in record.models if m.skipped for task in m.tasks}
    baselines: dict[tuple[str, str], Baseline | FitgateError] = {
        (b.about.model, b.about.task): b for b in record.baselines
    }
    baselines |= {
        (b.model, b.task): BaselineError(b.where, found=b.found, expected=b.expected, next_step=b.next_step)
        for b in record.unusable_baselines
    }
    return Evidence(
        truths=truths(record),
        metrics=metrics,
        settings=record.settings.judge,
        environment=record.environment,
        runs={key: of_key for key, of_key in runs.items() if key not in failures},
        missing={**skipped, **failures},
        baselines=baselines,
        seeds=seeds,
        executions={(fit.model, fit.task): fit.execution for fit in fits if fit.execution},
        waivers=record.waivers,
        today=record.day,
        own={(e.model, e.task): e for e in record.evaluations},
        disturbed={(one.model, one.task, one.disturbance): one for one in record.disturbed},
    )


def truths(record: Record) -> dict[str, Truth]:
    """What is true of the test split, by task."""
    data = {entry.name: entry for entry in record.datasets}
    slices: dict[str, dict[str, Slices | str]] = {}
    for entry in record.slices:
        slices.setdefault(entry.task, {})[entry.by] = entry.fault if entry.slices is None else entry.slices
    return {
        task.name: Truth(
            of.profile,
            of.digest,
            task.target,
            of.labels,
            of.class_names,
            task.kind,
            task.classes,
            of.folds,
            of.group_of,
            slices.get(task.name, {}),
            task.costs,
        )
        for task in record.tasks
        if (of := data.get(task.dataset)) is not None
    }


def seed_runs(record: Record) -> dict[tuple[str, str], list[SeedRun]]:
    """The runs with several seeds, by model and task, in the order of the seeds."""
    found: dict[tuple[str, str], dict[int, SeedRun]] = {}
    for run in record.seed_runs:
        found.setdefault((run.fit.model, run.fit.task), {})[run.fit.seed] = run
    return {key: [runs[seed] for seed in sorted(runs)] for key, runs in found.items()}


def found_deterministic(record: Record) -> dict[tuple[str, str], int]:
    """The models and tasks of which seeds were found to change nothing, with the number of seeds that show it.

    Models that are declared deterministic are not among them; those that are declared stochastic are, for they ignore
    their seeds (see `ignored_seeds`).
    """
    found = {model.name for model in record.models if model.stochastic is not False}
    return {
        key: len(runs)
        for key, runs in seed_runs(record).items()
        if key[0] in found and same_output([run.evaluation for run in runs])
    }


def ignored_seeds(record: Record) -> dict[tuple[str, str], int]:
    """Of these, the models that are declared stochastic: identical output is no evidence of how their seeds spread."""
    declared = {model.name for model in record.models if model.stochastic}
    return {key: seeds for key, seeds in found_deterministic(record).items() if key[0] in declared}


def claims(record: Record, kinds: Mapping[str, type[Gate]], metrics: Mapping[str, Metric] = METRICS) -> list[Claim]:
    """The gates that a record's session selected, made again from their declarations.

    Raises:
        RecordError: if the kind of one, or a metric of its task, is not known, or the run was cut off before its task
            was described.
    """
    for entry in record.tasks:
        for name in entry.metrics:
            _check_known("metric", name, metrics, f"task {entry.name}")
    tasks = {entry.name: _task(entry, metrics) for entry in record.tasks}
    found = []
    for declared in record.gates:
        where = declared.named
        _check_known("gate of kind", declared.kind, kinds, where)
        _check_known("gate on task", declared.task, tasks, where)
        found.append(_claim(record, declared, kinds, tasks[declared.task]))
    return found


def check_gates(record: Record, metrics: Mapping[str, Metric]) -> None:
    """Refuse gates of the library's own that come to another rule than they are called by; see `claims`.

    Raises:
        FitgateError: if there is one, or its task has a name that no task can have.
    """
    tasks = {task.name: task for task in record.tasks if metrics.keys() >= set(task.metrics)}
    for declared in record.gates:
        if declared.kind in GATES and declared.task in tasks:
            _claim(record, declared, GATES, _task(tasks[declared.task], metrics))


def _task(entry: TaskEntry, metrics: Mapping[str, Metric]) -> Task:
    task = Task(entry.name, _absent(entry.dataset), metrics=tuple(entry.metrics))
    task.resolve(metrics)
    return task


def _claim(record: Record, declared: Declaration, kinds: Mapping[str, type[Gate]], task: Task) -> Claim:
    gate = kinds[declared.kind].restored(declared, task)
    _check_rule(record, gate, declared)
    return Claim(declared.model, gate, declared.gate)


def _check_rule(record: Record, gate: Gate, declared: Declaration) -> None:
    """Refuse parameters that come to another rule than the one by which the gate is called."""
    data = record.dataset(declared.task)
    try:
        rule = gate.rule(record.settings.profile if data is None else data.profile)
    except (TypeError, ValueError, AttributeError, KeyError) as error:  # parameters of another type
        rule = f"no rule ({type(error).__name__}: {error})"
    if rule != declared.gate:
        raise RecordError(
            declared.named,
            found=f"parameters of a gate that come to {rule}",
            expected=declared.gate,
            next_step="restore the record, or repeat the run",
        )


def _check_known(what: str, name: str, known: Mapping[str, object], where: str) -> None:
    if name not in known:
        raise RecordError(
            where,
            found=f"a {what} {name}",
            expected=f"one of {', '.join(sorted(known)) or 'those that the run described: there are none'}",
            next_step="run this in the project that declares it, of a run that was not cut off",
        )


def judge_again(record: Record, kinds: Mapping[str, type[Gate]], metrics: Mapping[str, Metric] = METRICS) -> Judgement:
    """The verdicts that a record's evidence gives, by the settings that were in force.

    A gate that its session did not come to judge stays a FAIL, whatever evidence others left; of a session that was
    stopped, it has no verdict.

    Raises:
        RecordError: if it holds no declared gates, or one of a kind that is not known.
    """
    described = {task.name for task in record.tasks}
    if record.status == "running" and any(gate.task not in described for gate in record.gates):
        raise RecordError(
            f"the run of {record.started}",
            found=f"one that was cut off, with {len(record.gates)} gates selected and {len(record.verdicts)} judged",
            expected="outputs to judge by",
            next_step="see why its process ended, as a model may have ended it, and run it again",
        )
    if not record.gates:
        raise RecordError(
            f"the run of {record.started}",
            found="no gates",
            expected="those whose tests its session selected; a run of latency alone has none",
            next_step="declare gates, and run them, too",
        )
    known = with_scorers(record, metrics)
    _check_values(record, known)
    judgement = judge(claims(record, kinds, known), evidence(record, known))
    unjudged = {(v.model, v.task, v.gate): v for v in record.verdicts if v.reason is Reason.NOT_JUDGED}
    verdicts = [unjudged.get((v.model, v.task, v.gate), v) for v in judgement.verdicts]
    if record.status != "finished":
        judged = {(v.model, v.task, v.gate) for v in record.verdicts}
        verdicts = [v for v in verdicts if (v.model, v.task, v.gate) in judged]
    return judgement._replace(verdicts=verdicts)


def _check_values(record: Record, metrics: Mapping[str, Metric]) -> None:
    """Refuse values of a project's own metrics that its outputs do not give; of others, reading the record did."""
    own = {name: metric for name, metric in metrics.items() if name not in METRICS}
    if (fault := next(wrong_values(record, own), None)) is not None:
        raise RecordError(
            f"the run of {record.started}",
            found=fault,
            expected="values of the outputs beside them",
            next_step="restore the record, or repeat the run",
        )


def wrong_values(record: Record, metrics: Mapping[str, Metric]) -> Iterator[str]:
    """The metrics' values that are not those of the outputs beside them, as far as the metrics are known.

    Args:
        record: consistent in all else.
        metrics: by name.
    """
    tasks = {task.name: task for task in record.tasks}
    disturbed = (one.evaluation for one in record.disturbed if one.evaluation is not None)
    for e in (*record.evaluations, *(run.evaluation for run in record.seed_runs), *disturbed):
        task = tasks.get(e.task)
        for name, value in e.metrics.items():
            if task is None or name not in metrics:
                continue
            stated = f"no {name}" if value is None else f"{name} {value:.6g}"
            try:
                found = record.own(metrics[name], task).value(task.target, e.outputs)
            except (FitgateError, ValueError, TypeError, IndexError) as error:  # outputs of which there is no such one
                if value is not None:
                    yield f"{stated} of {e.model} on {e.task}, whose outputs have none: {error}"
                continue
            if value is None:
                differs = math.isfinite(found)
            else:
                differs = not math.isclose(found, value, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
            if differs:
                yield f"{stated} of {e.model} on {e.task}, whose outputs give {found:.6g}"


def with_scorers(record: Record, metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    """Metrics by name, with those that a record's session made of scikit-learn's scorers made again."""
    again = ((m.name, scorer_metric(m.scorer, m.name)) for m in record.metrics if m.scorer and m.name not in metrics)
    return {**metrics, **{name: metric for name, metric in again if metric is not None}}


def candidates(
    record: Record, kinds: Mapping[str, type[Gate]], metrics: Mapping[str, Metric] = METRICS
) -> dict[tuple[str, str], Candidate]:
    """What of a record may become baselines, by model and task: what its gates are held to.

    Args:
        record: of a finished run.
        kinds: of gate, by name.
        metrics: by name.

    Raises:
        RecordError: if the run has not finished.
    """
    if record.status != "finished":
        raise RecordError(
            f"the run of {record.started}",
            found=f"one that is {record.status}",
            expected="a finished run",
            next_step="repeat it",
        )
    found: dict[tuple[str, str], Candidate] = {}
    metrics = with_scorers(record, metrics)
    _check_values(record, metrics)
    known, several = truths(record), seed_runs(record)
    fits = {(fit.model, fit.task): fit for fit in record.fits}
    alone = {key: [SeedRun(fits[key], e)] for e in record.evaluations if (key := Need(e.model, e.task)) in fits}
    stochastic = {model.name: model.stochastic for model in record.models}
    first = {task.name: task.metrics[0] for task in record.tasks}
    for claim, declared in zip(claims(record, kinds, metrics), record.gates, strict=True):
        for key in claim.gate.baselines(claim.model):
            own = alone.get(key)
            if own or key in several:
                for what, name, among in (("model", key.model, stochastic), ("task", key.task, known)):
                    _check_known(what, name, among, declared.named)
            runs = own if stochastic.get(key.model) is False else several.get(key, own)
            if runs:
                metric = known[key.task].own(metrics[declared.parameters.get("metric", first[key.task])])
                others = found[key].metrics if key in found else ()
                found[key] = Candidate(runs, stochastic[key.model], known[key.task], (*others, metric))
    return dict(found)


def _absent(name: str) -> Dataset:
    def load() -> NoReturn:
        raise RecordError(
            f"dataset {name}",
            found="a record",
            expected="the data itself",
            next_step="judge from the record alone: a gate never trains",
        )

    return Dataset(name, load)
