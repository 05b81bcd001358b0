"""Devices: which ones train and predict, how the work is laid out on them, and how they best convolve."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from fitgate.machine import usable_cores

BATCH = "batch"  # the axis of the mesh, over which batches are split


class Devices:
    """The devices that an estimator works on.

    Args:
        devices: of one platform.

    Attributes:
        count: how many there are.
        platform: `cpu`, `gpu` or `tpu`.
        mesh: of all of them, with the one axis `BATCH`.
    """

    def __init__(self, devices: Sequence[jax.Device]):
        self.mesh = Mesh(devices, (BATCH,))
        self.count = len(devices)
        self.platform: str = devices[0].platform
        self._first = devices[0]

    @classmethod
    def named(cls, name: str | None) -> Devices:
        """The devices that a name stands for.

        Args:
            name: None for all devices of JAX's default backend; a backend, such as `cpu`, `gpu` or `tpu`, for all of
                its devices; a backend and a number, such as `cpu:0`, for one.

        Raises:
            ValueError: if there is no such device.
        """
        backend, _, number = (name or "").partition(":")
        try:
            there = jax.devices(backend or None)
            return cls([there[int(number)]] if number else there)
        except (RuntimeError, ValueError, IndexError) as error:
            known = ", ".join(f"{device.platform}:{i}" for i, device in enumerate(jax.devices()))
            raise ValueError(f"device={name!r} is not there, expected a backend or one of {known}") from error

    @property
    def first(self) -> Devices:
        """The first one alone."""
        return Devices([self._first])

    @property
    def peak_bytes(self) -> int | None:
        """The most memory that was in use on the devices, all together; None where they do not tell, as CPUs don't."""
        stats = [device.memory_stats() or {} for device in self.mesh.devices.flat]
        told = all("peak_bytes_in_use" in s for s in stats)
        return sum(s["peak_bytes_in_use"] for s in stats) if told else None

    @property
    def fused(self) -> bool:
        """Whether `ConvMaxPool` runs as one fused matrix product here: the one place that decides.

        XLA's own convolutions are slow on CPUs (openxla/xla#34273), and slower on an H100 as well, by half for one seed
        and by double for many (reports/accelerator.md). TPUs have not been tried.
        """
        return self.platform != "tpu"

    @property
    def at_once(self) -> bool:
        """Whether several seeds are best trained as one program here: a CPU is kept busy by one."""
        return self.platform != "cpu"

    @property
    def execution(self) -> str:
        """What these devices are, and how they convolve, in words."""
        kind = f"{self.platform} device{'s' * (self.count > 1)} ({self._first.device_kind})"
        return f"{self.count} {kind}, convolutions {'fused with pooling' if self.fused else 'by XLA'}"

    def whole(self, tree: Any) -> Any:
        """Arrays put on the devices, all of them on each."""
        return jax.device_put(tree, NamedSharding(self.mesh, PartitionSpec()))

    def split(self, array: Any, axis: int) -> Any:
        """An array put on the devices, an equal part of it on each, cut along an axis."""
        return jax.device_put(array, NamedSharding(self.mesh, PartitionSpec(*[None] * axis, BATCH)))


def use_all_cores() -> None:
    """Let each core be a device of JAX's CPU backend, if that has not started yet.

    XLA makes little use of a second core for one program of this size; two devices, with half of a batch each, do.
    """
    with suppress(RuntimeError):  # once it has started, it keeps the devices that it has
        jax.config.update("jax_num_cpu_devices", min(usable_cores(), 8))
