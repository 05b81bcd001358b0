"""Calibration kernels of JAX's accelerator: the same pieces of work as the library gives the processor."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from fitgate.machine import Kernel

GEMM_SIDE = 4_096
COPY_FLOATS = 2**26
TRANSFER_FLOATS = 2**22


def accelerator_kernels() -> list[Kernel]:
    """Kernels of JAX's default device, where that is no CPU, and JAX was imported by a model."""
    if "jax" not in sys.modules:
        return []
    import jax

    device = jax.devices()[0]
    return [] if device.platform == "cpu" else kernels(device)


def kernels(device: Any) -> list[Kernel]:
    """Kernels of a device."""
    platform = device.platform
    return [
        Kernel(f"{platform} gemm", "GFLOP/s", lambda: _product(device), 2 * GEMM_SIDE**3 / 1e9),
        Kernel(f"{platform} copy", "GB/s", lambda: _copy(device), 2 * 4 * COPY_FLOATS / 1e9),
        Kernel(f"{platform} transfer", "GB/s", lambda: _transfer(device), 2 * 4 * TRANSFER_FLOATS / 1e9),
        Kernel(f"{platform} dispatch", "k calls/s", lambda: _copy(device, floats=1), 1e-3),
    ]


def _product(device: Any, side: int = GEMM_SIDE) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    a = jax.device_put(jnp.ones((side, side), jnp.float32), device)
    return _finished(jax.jit(lambda x: jnp.matmul(x, x, precision="highest")), a)


def _copy(device: Any, floats: int = COPY_FLOATS) -> Callable[[], Any]:
    import jax
    import jax.numpy as jnp

    return _finished(jax.jit(lambda x: x + 1), jax.device_put(jnp.ones(floats, jnp.float32), device))


def _transfer(device: Any, floats: int = TRANSFER_FLOATS) -> Callable[[], Any]:
    """To the device and back."""
    import jax

    host = np.ones(floats, np.float32)
    return lambda: np.asarray(jax.device_put(host, device) + 0)


def _finished(program: Callable[[Any], Any], x: Any) -> Callable[[], Any]:
    """The program's call and the wait for its end: a device works on after the call has returned."""
    return lambda: program(x).block_until_ready()
