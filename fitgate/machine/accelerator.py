"""Accelerators: what NVIDIA's driver tells of the machine's GPUs, without a library that would start them."""

from __future__ import annotations

import csv
import shutil
import subprocess
from functools import cache

import msgspec

# What `nvidia-smi --help-query-gpu` calls them, in the order of the fields below.
QUERY = (
    "name",
    "driver_version",
    "memory.total",
    "clocks.max.sm",
    "clocks.applications.graphics",
    "enforced.power.limit",
    "power.max_limit",
)
SECONDS = 20  # where no daemon keeps the driver loaded, it starts for each question


class Accelerator(msgspec.Struct, frozen=True):
    """A GPU; None for what its driver does not tell.

    Attributes:
        name, driver: as the driver has them.
        memory_mib: its memory, in MiB.
        most_mhz: the highest clock of its processors.
        set_mhz: the clock that is set for applications.
        watts: the power that it may draw now.
        most_watts: the power that it may be allowed.
    """

    name: str
    driver: str
    memory_mib: float | None = None
    most_mhz: float | None = None
    set_mhz: float | None = None
    watts: float | None = None
    most_watts: float | None = None


@cache
def accelerators() -> tuple[Accelerator, ...]:
    """The machine's GPUs by `nvidia-smi`, asked once in a process; empty where that is missing, or finds none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError):  # it is there without a driver, in images of containers
        return ()
    rows = csv.reader(answer.stdout.splitlines(), skipinitialspace=True)
    return tuple(Accelerator(row[0], row[1], *map(_number, row[2:])) for row in rows if len(row) == len(QUERY))


def _number(text: str) -> float | None:
    """A number; None of what stands where there is none, such as `[N/A]`."""
    try:
        return float(text)
    except ValueError:
        return None
