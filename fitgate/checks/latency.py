"""Tests of speed and memory: they measure, for pytest-benchmark and for the record, and audit what they measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from fitgate.data import Dataset
from fitgate.latency.audit import Audit, Auditor
from fitgate.latency.queries import Asker
from fitgate.latency.serving import BOUND, serve
from fitgate.latency.timing import SCENARIOS, SERVER, ReplayClock, Scenario, Timing, plan, round_trip
from fitgate.model import Model
from fitgate.plugin.trained import TrainedModel
from fitgate.record import Entry
from fitgate.runs import compile_seconds
from fitgate.runs.memory import Memory
from fitgate.runs.training import failing
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
    auditor_of: AuditorOf,
    timing_factor: float,
    calibrated: Callable[[Model], None],
    benchmark: Any,
    emit: Emit,
) -> None:
    """How long predicting takes, in MLPerf's scenarios, warmed up and without compilation.

    It fails where what was timed is not the evaluated model's work: see `fitgate.latency.audit`.
    """
    benchmark.group = f"predict {scenario.name}"
    task = model.timed_task
    test = data_of(task).test
    size = min(scenario.batch_size or len(test), len(test))
    estimator, auditor = trained(model).on(task).estimator, auditor_of(trained(model))
    asker = Asker(estimator.predict)
    work = model.work(estimator) if model.work else None
    benchmark.extra_info |= {"model": model.name, "task": task.name, "batch_size": size}
    calibrated(model)

    first = compiling = there_and_back = None
    audits: list[Audit] = []
    if size == len(test) and (known := _slow_evaluation(trained(model), timing_factor * scenario.seconds)):
        benchmark.pedantic(CLOCK.replay, args=(known,))
    else:
        before = sum(compile_seconds(estimator).values())
        queries = auditor.queries.of(size)
        with failing(model.name, task.name, "predict"):
            asked = plan(asker, queries, scenario, timing_factor)
            first, compiling = asked.first_seconds, sum(compile_seconds(estimator).values()) - before
            benchmark.pedantic(asker, setup=_next_of(queries), rounds=asked.queries)
            if benchmark.enabled:
                there_and_back = round_trip(estimator, queries)
                median = benchmark.stats.stats.median
                audits = auditor.audits(scenario.name, estimator.predict, asker.answers, size, median, timing_factor)

    if benchmark.enabled:
        emit(
            Timing(
                model=model.name,
                task=task.name,
                scenario=scenario.name,
                batch_size=size,
                seconds=[round(s, 9) for s in benchmark.stats.stats.data],
                first_seconds=first,
                compile_seconds=compiling or None,
                round_trip_seconds=there_and_back,
                kernel=work.kernel if work else "",
                work_per_example=work.per_example if work else None,
                repeated=asker.repeated,
            )
        )
        _believe(audits, emit)


@pytest.mark.latency
@pytest.mark.benchmark(group="predict server", timer=CLOCK)
def test_serve(
    model: Model, trained: Trained, auditor_of: AuditorOf, timing_factor: float, benchmark: Any, emit: Emit
) -> None:
    """How many queries a second a model answers in time, where they arrive at random and one by one.

    It fails where what was timed is not the evaluated model's work: see `fitgate.latency.audit`.
    """
    if not benchmark.enabled:
        pytest.skip("timings are off")
    task = model.timed_task
    seconds, auditor = timing_factor * SERVER.seconds, auditor_of(trained(model))
    predict, queries = trained(model).on(task).estimator.predict, auditor.queries.of(1)
    asker = Asker(predict)
    with failing(model.name, task.name, "predict"):
        first = plan(asker, queries, SERVER, timing_factor).first_seconds
        served = serve(asker, queries, seconds)
    if served is None:
        pytest.skip(f"{model.name} is too slow for an honest p99 of arrivals within {seconds:g} s")

    with failing(model.name, task.name, "predict"):
        fastest = min(served.latencies)
        audits = auditor.audits(SERVER.name, predict, asker.answers, 1, fastest, timing_factor)
    latencies = [round(latency, 9) for latency in served.latencies]
    benchmark.extra_info |= {"model": model.name, "task": task.name, "rate": served.rate, "p99_bound": BOUND}
    benchmark.pedantic(CLOCK.replay, setup=_next_of(iter(latencies)), rounds=len(latencies))
    emit(
        Timing(
            model=model.name,
            task=task.name,
            scenario=SERVER.name,
            batch_size=1,
            seconds=latencies,
            first_seconds=first,
            rate=served.rate,
            bound=BOUND,
            repeated=asker.repeated,
        )
    )
    _believe(audits, emit)


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


def _next_of(values: Iterator[Any]) -> Callable[[], tuple[tuple[Any], dict[str, Any]]]:
    """What pytest-benchmark calls before each round: the arguments of the function that it times."""
    return lambda: ((next(values),), {})


def _slow_evaluation(subject: TrainedModel, available: float) -> float | None:
    """What predicting the whole test split took once, where that is too long to do again; else None."""
    evaluation = subject.evaluation(subject.model.timed_task)
    if evaluation.compile_seconds:
        return None  # not warmed up
    return evaluation.predict_seconds if 2 * evaluation.predict_seconds > available else None
