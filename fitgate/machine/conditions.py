"""Conditions: what of a machine changes from minute to minute."""

from __future__ import annotations

import os

import msgspec


class Condition(msgspec.Struct, frozen=True):
    """How busy, fast and hot the machine was at one moment; None where the system does not say.

    Attributes:
        when: `start` or `end`.
        load: processes that ran or waited, over the last minute.
        mhz: the processor's current frequency.
        celsius: the hottest sensor of the processor.
    """

    when: str
    load: float | None
    mhz: float | None
    celsius: float | None


def condition(when: str) -> Condition:
    """The machine's condition now."""
    import psutil

    load = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    frequency = psutil.cpu_freq() if hasattr(psutil, "cpu_freq") else None
    sensors = psutil.sensors_temperatures() if hasattr(psutil, "sensors_temperatures") else {}
    degrees = [sensor.current for name in ("coretemp", "k10temp", "cpu_thermal") for sensor in sensors.get(name, [])]
    return Condition(when, load, round(frequency.current, 1) if frequency else None, max(degrees, default=None))
