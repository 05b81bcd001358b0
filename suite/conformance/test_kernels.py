"""The accelerator's calibration kernels, on the device that there is."""

from functools import partial

import jax
import pytest

from fitgate.machine import Kernel, calibrate
from models.cnn import kernels


@pytest.mark.parametrize(
    "prepare",
    [
        partial(kernels._product, side=64),
        partial(kernels._copy, floats=2**10),
        partial(kernels._transfer, floats=2**10),
        partial(kernels._copy, floats=1),
    ],
    ids=["gemm", "copy", "transfer", "dispatch"],
)
def test_a_kernel_runs_on_a_device_and_tells_its_speed(prepare):
    found = calibrate(Kernel("any", "k calls/s", lambda: prepare(jax.devices()[0]), 1e-3), "cnn")
    assert min(found.speeds) > 0


def test_a_processor_is_not_measured_twice():
    names = [kernel.name for kernel in kernels.accelerator_kernels()]
    assert (names == []) == (jax.devices()[0].platform == "cpu")
