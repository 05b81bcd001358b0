"""The executor: one way to run work in processes of its own, here or on a cluster."""

from fitgate.executor.errors import ExecutorError, ProcessDied, TimeLimitExceeded
from fitgate.executor.exchange import load, save
from fitgate.executor.executor import Executor
from fitgate.executor.place import Place, core_numbers
from fitgate.executor.process import Process, run

__all__ = [
    "Executor",
    "ExecutorError",
    "Place",
    "Process",
    "ProcessDied",
    "TimeLimitExceeded",
    "core_numbers",
    "load",
    "run",
    "save",
]
