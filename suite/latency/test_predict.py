"""How long predicting takes, in MLPerf's scenarios, warmed up and without compilation."""

import pytest

from fitgate.latency.timing import SCENARIOS, ReplayClock, Timing, batches, plan, round_trip
from fitgate.runs.training import compile_seconds

pytestmark = pytest.mark.latency
CLOCK = ReplayClock()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.benchmark(timer=CLOCK)
def test_predict(model, scenario, trained, dataset, calibrated, benchmark, emit):
    benchmark.group = f"predict {scenario.name}"
    task, size = model.timed_task, scenario.batch_size or len(dataset.test)
    estimator = trained(model).on(task).estimator
    work = model.work(estimator) if model.work else None
    benchmark.extra_info |= {"model": model.name, "task": task.name, "batch_size": size}
    calibrated(model)

    first = compiling = there_and_back = None
    if size == len(dataset.test) and (known := slow_evaluation(trained(model), scenario, dataset)):
        benchmark.pedantic(CLOCK.replay, args=(known,))
    else:
        before = sum(compile_seconds(estimator).values())
        queries = batches(dataset.test.images, size)
        asked = plan(estimator.predict, queries, scenario, dataset.profile)
        first, compiling = asked.first_seconds, sum(compile_seconds(estimator).values()) - before
        benchmark.pedantic(estimator.predict, setup=lambda: ((next(queries),), {}), rounds=asked.queries)
        there_and_back = round_trip(estimator, queries) if benchmark.enabled else None

    if benchmark.enabled:
        seconds = [round(s, 9) for s in benchmark.stats.stats.data]
        emit(
            Timing(
                model=model.name,
                task=task.name,
                scenario=scenario.name,
                batch_size=size,
                seconds=seconds,
                first_seconds=first,
                compile_seconds=compiling or None,
                round_trip_seconds=there_and_back,
                kernel=work.kernel if work else "",
                work_per_image=work.per_image if work else None,
            )
        )


def slow_evaluation(trained_model, scenario, dataset):
    """What predicting the whole test split took once, where that is too long to do again; else None."""
    evaluation = trained_model.evaluation(trained_model.model.timed_task)
    if evaluation.compile_seconds:
        return None  # not warmed up
    return evaluation.predict_seconds if 2 * evaluation.predict_seconds > scenario.seconds(dataset.profile) else None
