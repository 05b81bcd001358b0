"""The machine: what it is, how busy it is, how fast it can be, and how much of it a session may use."""

from fitgate.machine.accelerator import Accelerator
from fitgate.machine.conditions import Condition, condition
from fitgate.machine.energy import Meter
from fitgate.machine.environment import (
    Environment,
    changes,
    distributions_of,
    environment,
    library_versions,
    machine_changes,
    usable_cores,
)
from fitgate.machine.kernels import KERNELS, Calibration, Kernel, calibrate
from fitgate.machine.threads import ThreadsError, check_threads, few_threads, limit_threads, thread_counts

__all__ = [
    "KERNELS",
    "Accelerator",
    "Calibration",
    "Condition",
    "Environment",
    "Kernel",
    "Meter",
    "ThreadsError",
    "calibrate",
    "changes",
    "check_threads",
    "condition",
    "distributions_of",
    "environment",
    "few_threads",
    "library_versions",
    "limit_threads",
    "machine_changes",
    "thread_counts",
    "usable_cores",
]
