"""How many queries a second a model answers in time, where they arrive at random and one by one."""

import pytest

from fitgate.latency.serving import BOUND, serve
from fitgate.latency.timing import SERVER, ReplayClock, Timing, batches, plan

pytestmark = pytest.mark.latency
CLOCK = ReplayClock()


@pytest.mark.benchmark(group="predict server", timer=CLOCK)
def test_serve(model, trained, dataset, benchmark, emit):
    task = model.timed_task
    predict, queries = trained(model).on(task).estimator.predict, batches(dataset.test.images, SERVER.batch_size)
    seconds = SERVER.seconds(dataset.profile)
    first = plan(predict, queries, SERVER, dataset.profile).first_seconds
    served = serve(predict, queries, seconds)
    if served is None:
        pytest.skip(f"{model.name} is too slow for an honest p99 of arrivals within {seconds:g} s")

    latencies = [round(latency, 9) for latency in served.latencies]
    replayed = iter(latencies)
    benchmark.extra_info |= {"model": model.name, "task": task.name, "rate": served.rate, "p99_bound": BOUND}
    benchmark.pedantic(CLOCK.replay, setup=lambda: ((next(replayed),), {}), rounds=len(latencies))
    if benchmark.enabled:
        emit(
            Timing(model.name, task.name, SERVER.name, 1, latencies, first_seconds=first, rate=served.rate, bound=BOUND)
        )
