"""The machine: threads truly limited, memory truly apart, kernels that tell speeds."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from fitgate.machine import KERNELS, Kernel, calibrate, condition, environment
from fitgate.runs import memory
from fitgate.runs.training import ModelFailed
from suite import DIGITS
from tests import fakes

BUSY = """
import json, os, threading, time
import numpy as np
a = np.ones((600, 600), np.float32)
a @ a  # BLAS has started its threads, with all cores
from fitgate.machine import limit_threads, thread_counts
limit_threads(1)
wall, cpu = time.perf_counter(), time.process_time()
threads = [threading.Thread(target=lambda: [a @ a for _ in range(20)]) for _ in range(4)]
[t.start() for t in threads], [t.join() for t in threads]
used = (time.process_time() - cpu) / (time.perf_counter() - wall)
print(json.dumps([used, thread_counts(), os.environ["OMP_NUM_THREADS"]]))
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_threads_are_truly_limited_even_those_that_run_already():
    result = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, check=True)
    used, counts, variable = json.loads(result.stdout)
    assert used < 1.1
    assert (counts["cores"], variable) == (1, "1")
    assert all(count == 1 for count in counts.values())


def test_more_threads_than_cores_are_refused(project):
    project.write("model()")
    result = project.run("--threads", "1000", subprocess=True)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --threads 1000: expected from 1 to *, the cores that this process may use."])


def test_every_kernel_tells_a_speed():
    for kernel in KERNELS:
        found = calibrate(kernel, "m")
        assert len(found.speeds) >= 3
        assert min(found.speeds) > 0


def test_a_kernel_that_the_machine_can_not_run_is_left_out():
    assert calibrate(Kernel("gpu", "GFLOP/s", lambda: None, 1.0), "m") is None


def test_the_condition_and_the_environment_are_told():
    assert condition("start").when == "start"
    here = environment()
    assert here.cores >= 1
    assert here.blas.split()[0] in {"openblas", "mkl", "blis", "flexiblas", "accelerate"}


class Hoarder(fakes.Reader):
    """Holds 64 MiB while it fits, and keeps 32 of them."""

    def fit(self, X, y):
        self.kept = np.ones(2**22)
        (2 * np.ones(2**23)).sum()
        return self

    def predict(self, X):
        return X[:, :10].argmax(axis=1)


def test_memory_is_that_of_processes_of_their_own():
    ballast = np.ones(2**26)  # half a GiB here must not count there
    model = fakes.model(estimator=Hoarder, name="hoarder")
    found = memory.measure(model, DIGITS, fakes.dataset(), 42)
    assert found.fit < ballast.nbytes
    assert 90 < (found.fit - found.fit_before) / 2**20 < 250
    assert (found.predict - found.predict_before) / 2**20 > 30
    assert found.disk / 2**20 == pytest.approx(32, abs=1)
    assert found.device is None


def test_a_model_that_fails_apart_is_named():
    with pytest.raises(ModelFailed, match="reader failed to fit on digits: in a process of its own: RuntimeError"):
        memory.measure(fakes.model(estimator=fakes.Unfittable), DIGITS, fakes.dataset(), 42)


def test_kernels_run_once_before_each_model_s_timings(project):
    project.write("model()", 'model("other")')
    assert project.run("-m", "latency").ret == 0
    assert [(c.kernel, c.before) for c in project.record.calibrations] == [("nothing", "other"), ("nothing", "reader")]
    assert project.record.threads["cores"] >= 1
    assert [c.when for c in project.record.conditions] == ["start", "end"]


def test_memory_is_measured_only_where_it_is_asked_for(project):
    project.write("model()")
    project.pytester.makepyfile(test_apart="from suite.latency.test_memory import pytestmark, test_memory")
    assert project.run("test_apart.py").ret == 5  # nothing is collected
    assert project.run("test_apart.py", "--memory").ret == 0
    (found,) = project.record.memory
    assert found.model == "reader"
    assert "## Memory" in project.report
