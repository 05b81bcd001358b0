"""Tests of speed and memory: they measure, for pytest-benchmark and for the record, and audit what they measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from fitgate.data import Dataset
from fitgate.engines import Engine
from fitgate.latency.audit import Audit, Auditor
from fitgate.latency.opened import answers_of, timing_of
from fitgate.latency.serving import BOUND
from fitgate.latency.timing import BATCH, SERVER, ReplayClock, Scenario
from fitgate.model import Model, Work
from fitgate.plugin.serving import Serving
from fitgate.plugin.timer import Timed, Timer
from fitgate.plugin.trained import TrainedModel
from fitgate.record import EngineEntry, Entry
from fitgate.runs.memory import Memory
from fitgate.tasks import Task

AuditorOf = Callable[[Timed], Auditor]
Trained = Callable[[Model], TrainedModel]
DataOf = Callable[[Task], Dataset]
Emit = Callable[[Entry], None]
CLOCK = ReplayClock()
# Where a test fails before anything is timed, its failure says all, though a project make errors of warnings.
UNTIMED = pytest.mark.filterwarnings("ignore:Benchmark fixture was not used at all")


@UNTIMED
@pytest.mark.latency
@pytest.mark.benchmark(group="fit", timer=CLOCK)
def test_fit(model: Model, task: Task, trained: Trained, benchmark: Any) -> None:
    """How long fitting takes: the one training that the session does anyway, replayed to pytest-benchmark."""
    fit = trained(model).on(task).fit
    if fit.seconds is None:
        pytest.skip(f"{model.name} was not trained here")
    if fit.cached:
        pytest.skip(f"the fit of {model.name} on {task.name} is CACHED")
    benchmark.extra_info |= {"model": model.name, "task": task.name, "compile_seconds": fit.compile_seconds}
    benchmark.pedantic(CLOCK.replay, args=(fit.seconds,))


@UNTIMED
@pytest.mark.latency
@pytest.mark.benchmark(timer=CLOCK)
def test_predict(
    model: Model,
    engine: Engine | None,
    scenario: Scenario,
    trained: Trained,
    data_of: DataOf,
    timer: Timer,
    serving: Serving,
    auditor_of: AuditorOf,
    timing_factor: float,
    calibrated: Callable[[Model], None],
    keep: Callable[[Timed, Work | None], None],
    benchmark: Any,
    emit: Emit,
) -> None:
    """How long predicting takes, in MLPerf's scenarios, warmed up and without compilation, in a process of its own.

    Under `--fit-engines` also by engines that the fitted model is converted for. One that does not serve it is skipped;
    one that answers so that a gate of the model fails, which its own answers clear, fails, be timings on or off.

    It fails where what was timed is not the evaluated model's work: see `fitgate.latency.audit`.
    """
    _check_askable(model)
    task, subject = model.timed_task, trained(model)
    n = len(data_of(task).test)
    if not scenario.fits(n):
        pytest.skip(f"the test split has {n:,} examples, fewer than a batch of {scenario.batch_size:,}")
    size = min(scenario.batch_size or n, n)
    benchmark.group = f"predict {scenario.label}"
    benchmark.extra_info |= {"model": model.name, "task": task.name, "batch_size": size}
    estimator = subject.on(task).estimator
    if engine is not None:
        benchmark.extra_info |= {"engine": engine.name}
        _serve(serving.held(subject, engine).entry)
    if not benchmark.enabled:
        pytest.skip("timings are off")
    timed, work = serving.timed(subject, engine), model.work(estimator) if model.work else None
    calibrated(model)
    answered = timer.ask(timed, scenario)
    timing = timing_of(answered, model.name, task.name, scenario.name, size, timed.engine)
    if work:
        timing = msgspec.structs.replace(timing, kernel=work.kernel, work_per_example=work.per_example)
    replay(benchmark, timing.seconds)
    emit(timing)
    auditor, answers = auditor_of(timed), answers_of(answered)
    if engine is None and scenario.name != BATCH:
        audits = auditor.audits(scenario.name, answers, size, timing.typical, timing_factor)
    else:  # batches are as `multi`; compiled trees find a repeated example's nodes in the processor's caches
        audits = [auditor.agreement(scenario.name, answers)]
    _believe(audits, emit)
    keep(timed, work)


@UNTIMED
@pytest.mark.latency
@pytest.mark.server
@pytest.mark.benchmark(group="predict server", timer=CLOCK)
def test_serve(
    model: Model,
    trained: Trained,
    timer: Timer,
    auditor_of: AuditorOf,
    timing_factor: float,
    benchmark: Any,
    emit: Emit,
) -> None:
    """How many queries a second a model answers in time, where they arrive at random: only under `--fit-server`.

    It fails where what was timed is not the evaluated model's work: see `fitgate.latency.audit`.
    """
    _check_askable(model)
    task, timed = model.timed_task, Timed(trained(model))
    timed.subject.on(task)
    if not benchmark.enabled:
        pytest.skip("timings are off")
    answered = timer.opened(timed).ask(SERVER)
    served = answered.asked.served
    if served is None:
        seconds = timing_factor * SERVER.seconds
        pytest.skip(f"{model.name} is too slow for an honest p99 of arrivals within {seconds:g} s")
    timing = timing_of([answered], model.name, task.name, SERVER.name, 1)
    timing = msgspec.structs.replace(timing, rate=served.rate, bound=BOUND)
    benchmark.extra_info |= {"model": model.name, "task": task.name, "rate": served.rate, "p99_bound": BOUND}
    replay(benchmark, timing.seconds)
    emit(timing)
    fastest = min(timing.seconds)
    _believe(auditor_of(timed).audits(SERVER.name, answers_of([answered]), 1, fastest, timing_factor), emit)


@pytest.mark.latency
@pytest.mark.memory
def test_memory(model: Model, trained: Trained, memory_of: Callable[[TrainedModel], Memory], emit: Emit) -> None:
    """What fitting and predicting take of the memory, each in a process of its own: only under `--fit-memory`."""
    if not model.is_trained:
        pytest.skip(f"{model.name} was not trained here")
    emit(memory_of(trained(model)))


def _check_askable(model: Model) -> None:
    """Skip the test of a model of which there are predictions alone."""
    if model.predictions is not None:
        pytest.skip(f"of {model.name} there are predictions alone: nothing that can be timed")


def _serve(entry: EngineEntry) -> None:
    """Skip the test of an engine that does not serve the model, and fail that of one that answers otherwise."""
    if entry.reason:
        pytest.skip(f"{entry.engine} does not serve {entry.model}: {entry.reason}")
    if entry.fault:
        pytest.fail(f"{entry.model} by {entry.engine} can't be judged on {entry.task}: {entry.fault}", pytrace=False)
    if entry.lost:
        lost = [f"{v.gate}: {v.outcome}: {v.message}" for v in entry.verdicts if v.gate in entry.lost]
        alone = f"{entry.model} by {entry.engine} fails gates that {entry.model} itself does not"
        pytest.fail(f"{alone}: {'; '.join(lost)}", pytrace=False)


def _believe(audits: Sequence[Audit], emit: Emit) -> None:
    """Record audits of a timing, and fail its test where one failed."""
    for audit in audits:
        emit(audit)
    if failed := [audit.message for audit in audits if audit.passed is False]:
        pytest.fail(f"this timing can't be believed: {'; '.join(failed)}", pytrace=False)


def replay(benchmark: Any, seconds: Sequence[float]) -> None:
    """Hand to pytest-benchmark what was measured elsewhere."""
    values = iter(seconds)
    benchmark.pedantic(CLOCK.replay, setup=lambda: ((next(values),), {}), rounds=len(seconds))
