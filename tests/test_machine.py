"""The machine: threads truly limited, kernels with speeds, and what a record holds of it."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import version

import pytest
from msgspec.structs import replace

from fitgate.machine import (
    KERNELS,
    Environment,
    Kernel,
    ThreadsError,
    calibrate,
    changes,
    condition,
    distributions_of,
    environment,
    library_versions,
    limit_threads,
    usable_cores,
)

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


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system keeps no process to some cores")
def test_threads_are_truly_limited_even_those_that_run_already():
    result = subprocess.run([sys.executable, "-c", BUSY], capture_output=True, text=True, check=True)
    used, counts, variable = json.loads(result.stdout)
    assert used < 1.1
    assert (counts["cores"], variable) == (1, "1")
    assert all(count == 1 for count in counts.values())


def test_without_affinity_the_libraries_are_limited_and_the_counts_show_it():
    hidden = "import os\nfor name in ('sched_getaffinity', 'sched_setaffinity'):\n    vars(os).pop(name, None)\n"
    result = subprocess.run([sys.executable, "-c", hidden + BUSY], capture_output=True, text=True, check=True)
    _, counts, variable = json.loads(result.stdout)
    assert (counts.pop("cores"), variable) == (os.cpu_count(), "1")
    assert counts
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("count", [0, 100_000])
def test_a_number_of_threads_that_the_machine_does_not_have_is_refused(count):
    with pytest.raises(
        ThreadsError, match=f"--fit-threads: found {count}, expected a number from 1 to {usable_cores()}"
    ):
        limit_threads(count)


def test_every_kernel_has_a_speed():
    for kernel in KERNELS:
        found = calibrate(kernel, "m")
        assert len(found.speeds) >= 3
        assert min(found.speeds) > 0


def test_a_kernel_that_the_machine_can_not_run_is_left_out():
    assert calibrate(Kernel("gpu", "GFLOP/s", lambda: None, 1.0), "m") is None


def test_a_condition_is_of_its_moment():
    found = condition("start")
    assert found.when == "start"
    assert found.load is None or found.load >= 0


def test_an_environment_is_of_this_machine():
    here = environment()
    assert (here.cores, here.python) == (usable_cores(), platform.python_version())
    assert here.cpu
    assert here.blas.split()[0] in {"openblas", "mkl", "blis", "flexiblas", "accelerate"}


def test_the_libraries_are_the_core_s_and_those_that_are_asked_for():
    assert list(library_versions()) == ["fitgate", "numpy", "scipy", "scikit-learn", "pytest", "pytest-benchmark"]
    assert library_versions(["joblib", "no-such-library"])["joblib"] == version("joblib")
    assert "no-such-library" not in environment(["joblib", "no-such-library"]).libraries


def test_modules_come_from_distributions():
    assert distributions_of(["sklearn.svm", "sklearn", "numpy", "os", "no_such_module"]) == ["numpy", "scikit-learn"]


def test_a_new_machine_and_new_libraries_are_changes():
    then = Environment("old chip", 2, 8.0, "Linux x86_64", "3.11.7", {"numpy": "2.3", "torch": "2.6"}, blas="mkl 2025")
    now = replace(then, cpu="new chip", libraries={"numpy": "2.4", "jax": "0.10"}, accelerator="H100")
    assert changes(then, then) == []
    assert changes(then, now) == ["processor old chip -> new chip", "accelerator none -> H100", "numpy 2.3 -> 2.4"]


def test_kernels_run_once_before_each_model_s_timings(project):
    project.write("model()", 'model("other")')
    assert project.run("-m", "latency").ret == 0
    assert [(c.kernel, c.before) for c in project.record.calibrations] == [("nothing", "other"), ("nothing", "reader")]
    assert project.record.threads["cores"] >= 1
    assert [c.when for c in project.record.conditions] == ["start", "end"]
