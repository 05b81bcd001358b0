"""Consistency: what a record says in two places is the same in both, and no figure is one that there can't be."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitgate.data.checks import joined
from fitgate.errors import FitgateError
from fitgate.gates import GATES, BaselineError, Verdict
from fitgate.gates.soundness import check_content
from fitgate.metrics import METRICS
from fitgate.record.agreement import evaluations, output_faults, seed_faults, settings_faults, verdict_faults
from fitgate.record.arrays import ARRAY_KEYS, decode_array
from fitgate.record.entries import KeptData, KeptModel, Misclassified, TaskEntry
from fitgate.record.evidence import check_gates, with_scorers, wrong_values
from fitgate.record.outline import FitOutline, Outline
from fitgate.record.plausibility import fit_faults, metric_faults, negative, timing_faults, twice
from fitgate.record.record import Record
from fitgate.record.serving import engine_faults
from fitgate.runs import Evaluation, Fit
from fitgate.tasks import CLASSES

Array = NDArray[Any]


def faults(record: Record, *, upgraded: bool = False) -> Iterator[str]:
    """What is wrong with a record, each as a noun; each is looked for where all before was right.

    Args:
        record: as it was read.
        upgraded: whether it is of an older schema, whose verdicts have no declared gates.
    """
    for looked_for in (_settings, twice, _data, _tasks, _slices, _outputs, _gates, _baselines, _measured):
        yield from looked_for(record)
    yield from _verdicts(record, declared=not upgraded and record.status != "running")
    yield from wrong_values(record, with_scorers(record, METRICS))
    yield from seed_faults(record)
    yield from _examples(record)
    yield from _weak_slices(record)


def outline_faults(outline: Outline, *, upgraded: bool = False) -> Iterator[str]:
    """What is wrong with an outline, each as a noun; no more than can be seen without the arrays.

    Args:
        outline: as it was read.
        upgraded: whether it is of an older schema, whose verdicts have no declared gates.
    """
    yield from settings_faults(outline)
    yield from twice(outline)
    digests = {data.name: data.digest for data in outline.datasets}
    tasks = {task.name: task.dataset for task in outline.tasks}
    for task in outline.tasks:
        if task.dataset not in digests:
            yield f"task {task.name} on data {task.dataset!r}, which is not described"
        if not task.target.shape:
            yield f"a target of {task.name} of no shape"
    yield from metric_faults(outline.metrics)
    yield from output_faults(outline)
    fits: list[Fit | FitOutline] = [*outline.fits, *(run.fit for run in outline.seed_runs)]
    yield from fit_faults(fits, {task: digests[data] for task, data in tasks.items() if data in digests})
    yield from timing_faults(outline.timings)
    yield from verdict_faults(outline, declared=not upgraded)
    yield from seed_faults(outline)


def _settings(record: Record) -> Iterator[str]:
    yield from settings_faults(record)
    yield from negative("the session", [record.wall_seconds])


def _data(record: Record) -> Iterator[str]:
    for data in record.datasets:
        if data.folds is not None and (fault := data.folds.fault):
            yield f"{fault} of {data.name}"
        if data.labels.ndim < 1 or len(data.labels) != data.n_outputs or data.n_train < 0 or data.groups < 0:
            yield f"{data.n_outputs} test examples of {data.name} with labels of shape {data.labels.shape}"
        if data.group_of is not None and not _are_places(data.group_of, data.n_outputs, data.groups):
            yield f"groups of {data.name} of shape {data.group_of.shape} for {data.n_outputs} test examples"
        if data.digest != joined(data.digests):
            yield f"a digest of {data.name} that is not that of its parts"
        if data.image_shape is not None and not all(0 < length < 2**31 for length in data.image_shape):
            yield f"images of {data.name} of shape {data.image_shape}"


def _tasks(record: Record) -> Iterator[str]:
    counts = {data.name: data.n_outputs for data in record.datasets}
    for task in record.tasks:
        if task.dataset not in counts:
            yield f"task {task.name} on data {task.dataset!r}, which is not described"
        elif task.target.ndim not in (1, 2) or len(task.target) != counts[task.dataset] or not task.target.size:
            yield f"a target of {task.name} of shape {task.target.shape} for {counts[task.dataset]} test examples"
        if not task.metrics:
            yield f"task {task.name} without a metric"
        if task.kind in CLASSES and task.target.ndim != 1:
            yield f"a target of {task.name} of shape {task.target.shape}, and of kind {task.kind}"
        if task.classes is not None and not _are_classes(task.classes, task.target):
            yield f"classes of {task.name} that are not those of its target"
        count = 0 if task.classes is None else len(task.classes)
        if task.costs is not None and (task.costs.shape != (count, count) or task.costs.dtype.kind != "f"):
            yield f"costs of {task.name} of shape {task.costs.shape} for {count} classes"
    yield from metric_faults(record.metrics)


def _are_classes(classes: Array, target: Array) -> bool:
    if classes.ndim != 1 or target.ndim != 1 or (classes.dtype.kind in "US") != (target.dtype.kind in "US"):
        return False
    distinct = np.unique(classes)
    return np.array_equal(distinct, classes) and bool(np.isin(target, classes).all())


def _slices(record: Record) -> Iterator[str]:
    counts = {task.name: len(task.target) for task in record.tasks}
    for entry in record.slices:
        where, found = f"slices by {entry.by} of {entry.task}", entry.slices
        if entry.task not in counts or (found is None) != bool(entry.fault):
            yield f"{where}, which are not described"
        elif found is not None and (
            len(set(found.names)) < len(found.names)
            or not _are_places(found.places, counts[entry.task], len(found.names))
        ):
            yield f"{where} in {len(found.names)} names, of shape {found.places.shape}"


def _are_places(places: Array, n: int, count: int) -> bool:
    """Whether each of n outputs has a place among so many, and each place an output."""
    return places.shape == (n,) and places.dtype.kind == "u" and np.array_equal(np.unique(places), np.arange(count))


def _outputs(record: Record) -> Iterator[str]:
    yield from output_faults(record)
    tasks = {task.name: task for task in record.tasks}
    data = {task: record.dataset(task) for task in tasks}
    for e in evaluations(record):
        where = f"{e.model} on {e.task}"
        if e.task in tasks:
            yield from _shapes(where, e, tasks[e.task])
        yield from negative(where, [e.predict_seconds, e.score_seconds, e.compile_seconds, e.further_seconds])
    fits = [*record.fits, *(run.fit for run in record.seed_runs)]
    yield from fit_faults(fits, {task: of.digest for task, of in data.items() if of is not None})


def _shapes(where: str, e: Evaluation, task: TaskEntry) -> Iterator[str]:
    n, columns = len(task.target), None if task.classes is None else len(task.classes)
    for name, output in (("scores", e.scores), ("probabilities", e.probabilities)):
        if output is None:
            continue
        fits = output.ndim == 1 or (output.ndim == 2 and (columns is None or output.shape[1] == columns))
        if output.dtype.kind != "f" or len(output.shape[:1]) == 0 or output.shape[0] != n or not fits:
            yield f"{name} of dtype {output.dtype} and shape {output.shape} of {where}, for {n} test examples"


def _gates(record: Record) -> Iterator[str]:
    tasks = {task.name: task for task in record.tasks}
    for gate in record.gates:
        if gate.kind in GATES and gate.task in tasks:
            metric = gate.parameters.get("metric")
            of_metric = any(field.name == "metric" for field in dataclasses.fields(GATES[gate.kind]))
            if of_metric and metric not in tasks[gate.task].metrics:
                yield f"a gate {gate.gate} of {gate.model} on {gate.task}, which has no metric {str(metric)[:40]!r}"
    try:
        check_gates(record, with_scorers(record, METRICS))
    except FitgateError as error:
        yield f"{error.where} with {error.found}"


def _verdicts(record: Record, declared: bool) -> Iterator[str]:
    for v in record.verdicts:
        where, data = f"{v.gate} of {v.model} on {v.task}", record.dataset(v.task)
        n, outputs = (2**31, 2**31) if data is None else (data.n_tested, data.n_outputs)
        if not 0 <= v.n <= n or not 0 <= v.seeds < 2**31 or not all(0 <= i < outputs for i in v.lost):
            yield f"a verdict on {where} by {v.n} examples and {v.seeds} seeds, of {n} examples"
        if v.flips is not None and not all(0 <= i < outputs for i in (*v.flips.lost, *v.flips.won)):
            yield f"a verdict on {where} of examples that there are not"
        if v.slices and v.kind in GATES:
            yield from _of_slices(record, v, where)
    yield from verdict_faults(record, declared)


def _of_slices(record: Record, verdict: Verdict, where: str) -> Iterator[str]:
    """What is wrong with a verdict on slices, beside what a record's slices are."""
    sizes = [
        {entry.slices.names[i]: count for i, count in enumerate(np.bincount(entry.slices.places).tolist())}
        for entry in record.slices
        if entry.task == verdict.task and entry.slices is not None
    ]
    names = {one.name for one in verdict.slices}
    if not any(names == of.keys() and all(0 <= one.n <= of[one.name] for one in verdict.slices) for of in sizes):
        yield f"a verdict on {where} of {len(verdict.slices)} slices that are not the record's"


def _baselines(record: Record) -> Iterator[str]:
    for baseline in record.baselines:
        about = baseline.about
        if len(about.others) != len(baseline.others):
            yield (
                f"{len(baseline.others)} further environments in the baseline of {about.model} on {about.task}, of "
                f"which it describes {len(about.others)}"
            )
            continue
        if baseline.altered:
            yield f"other arrays in the baseline of {about.model} on {about.task} than those it was written with"
        try:
            check_content(baseline, f"the baseline of {about.model} on {about.task}")
        except BaselineError as error:
            yield f"{error.where} with {error.found}"


def _measured(record: Record) -> Iterator[str]:
    yield from timing_faults(record.timings)
    yield from engine_faults(record)
    every: list[KeptModel | KeptData] = [*record.kept_models, *record.kept_data]
    for kept in every:
        if not kept.reason and not re.fullmatch("[0-9a-f]{64}", kept.digest):
            yield f"a kept file of digest {kept.digest[:80]!r}"
    for c in record.calibrations:
        if not c.speeds or min(c.speeds) <= 0:
            yield f"speeds of kernel {c.kernel} that can't be"
    for m in record.memory:
        yield from negative(f"{m.model}'s memory", [m.fit, m.fit_before, m.predict, m.predict_before, m.disk, m.device])


def _examples(record: Record) -> Iterator[str]:
    tasks = {task.name: task for task in record.tasks}
    answers = {(e.model, e.task): e.predictions for e in record.evaluations}
    for example in (*record.misclassified, *record.largest_errors, *(e for some in record.lost.values() for e in some)):
        task = tasks.get(example.task)
        if task is None or not 0 <= example.index < len(task.target):
            yield f"example {example.index} of {example.task}, which there is not"
        elif not _same(task.target[example.index], example.label):
            yield f"example {example.index} of {example.task} with another label than the target has"
        if isinstance(example.row, dict) and example.row.keys() == ARRAY_KEYS:
            try:
                decode_array(example.row)
            except ValueError as error:
                yield f"example {example.index} of {example.task}, which is {error}"
    for example in (*record.misclassified, *record.largest_errors):
        yield from _other_answers(example, answers)


def _weak_slices(record: Record) -> Iterator[str]:
    for one in record.weak_slices:
        data = record.dataset(one.task)
        n = 0 if data is None else data.n_tested
        counts = 0 <= one.wrong <= one.n and 0 <= one.others_wrong <= one.others and one.n + one.others <= n
        if not counts or not 0 < one.n < n or not 0 <= one.p_value <= 1:
            yield f"a slice of {one.model} on {one.task} of {one.n} examples, {one.wrong} of them wrong, of {n}"


def _other_answers(example: Misclassified, answers: Mapping[tuple[str, str], Array]) -> Iterator[str]:
    for model, answer in example.answers.items():
        given = answers.get((model, example.task))
        if given is None or not _same(given[example.index], answer):
            yield f"another answer of {model} to example {example.index} of {example.task} than its predictions have"


def _same(element: Any, shown: Any) -> bool:
    """Whether an array's element is what a plain value shows: what is not finite as nothing, objects as their text."""
    plain = element.item() if element.ndim == 0 else element.tolist()
    if shown is None or not isinstance(plain, bool | int | float | str):
        return True
    return plain == (str(shown) if isinstance(plain, str) else shown)
