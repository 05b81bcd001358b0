"""How long fitting takes: the one training that the session does anyway, replayed to pytest-benchmark."""

import pytest

from fitgate.latency.timing import ReplayClock

pytestmark = pytest.mark.latency
CLOCK = ReplayClock()


@pytest.mark.benchmark(group="fit", timer=CLOCK)
def test_fit(model, task, trained, benchmark):
    fit = trained(model).on(task).fit
    benchmark.extra_info |= {"model": model.name, "task": task.name, "compile_seconds": fit.compile_seconds}
    benchmark.pedantic(CLOCK.replay, args=(fit.seconds,))
