"""Tests of speed and memory: they measure, for pytest-benchmark and for the record, and audit what they measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from fitgate.data import Dataset
from fitgate.latency.audit import Audit, Auditor
from fitgate.latency.serving import BOUND
from fitgate.latency.timing import SCENARIOS, SERVER, ReplayClock, Scenario
from fitgate.model import Model
from fitgate.plugin.timer import Timer, answers_of, timing_of
from fitgate.plugin.trained import TrainedModel
from fitgate.record import Entry
from fitgate.runs.memory import Memory
from fitgate.tasks import Task

AuditorOf = Callable[[TrainedModel], Auditor]
Trained = Callable[[Model], TrainedModel]
DataOf = Callable[[Task], Dataset]
Emit = Callable[[Entry], None]
CLOCK = ReplayClock()


@pytest.mark.latency
@pytest.mark.benchmark(group="fit", timer=CLOCK)
def test_fit(model: Model, task: Task, trained: Trained, benchmark: Any) -> None:
    """How long fitting takes: the one training that the session does anyway, replayed to pytest-benchmark."""
    fit = trained(model).on(task).fit
    benchmark.extra_info |= {"model": model.name, "task": task.name, "compile_seconds": fit.compile_seconds}
    benchmark.pedantic(CLOCK.replay, args=(fit.seconds,))


@pytest.mark.latency
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.benchmark(timer=CLOCK)
def test_predict(
    model: Model,
    scenario: Scenario,
    trained: Trained,
    data_of: DataOf,
    timer: Timer,
    auditor_of: AuditorOf,
    timing_factor: float,
    calibrated: Callable[[Model], None],
    benchmark: Any,
    emit: Emit,
) -> None:
    """How long predicting takes, in MLPerf's scenarios, warmed up and without compilation, in a process of its own.

    It fails where what was timed is not the evaluated model's work: see `fitgate.latency.audit`.
    """
    task, subject = model.timed_task, trained(model)
    size = min(scenario.batch_size or len(data_of(task).test), len(data_of(task).test))
    benchmark.group = f"predict {scenario.name}"
    benchmark.extra_info |= {"model": model.name, "task": task.name, "batch_size": size}
    estimator = subject.on(task).estimator
    if not benchmark.enabled:
        pytest.skip("timings are off")
    work = model.work(estimator) if model.work else None
    calibrated(model)
    answered = timer.ask(subject, scenario)
    timing = timing_of(answered, model.name, task.name, scenario.name, size)
    if work:
        timing = msgspec.structs.replace(timing, kernel=work.kernel, work_per_example=work.per_example)
    replay(benchmark, timing.seconds)
    emit(timing)
    audits = auditor_of(subject).audits(scenario.name, answers_of(answered), size, timing.typical, timing_factor)
    _believe(audits, emit)


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
    task, subject = model.timed_task, trained(model)
    subject.on(task)
    if not benchmark.enabled:
        pytest.skip("timings are off")
    answered = timer.opened(subject).ask(SERVER)
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
    _believe(auditor_of(subject).audits(SERVER.name, answers_of([answered]), 1, fastest, timing_factor), emit)


@pytest.mark.latency
@pytest.mark.memory
def test_memory(model: Model, trained: Trained, memory_of: Callable[[TrainedModel], Memory], emit: Emit) -> None:
    """What fitting and predicting take of the memory, each in a process of its own: only under `--fit-memory`."""
    emit(memory_of(trained(model)))


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
