"""Errors of work that was given to the executor."""

from __future__ import annotations

from fitgate.errors import FitgateError


class ExecutorError(FitgateError):
    """Work that could not be given to a process or a backend, or whose result could not be had."""


class ProcessDied(ExecutorError):
    """A process that ended, or was killed, before it answered."""


class TimeLimitExceeded(ExecutorError):
    """Work that took longer than its time limit, and was stopped."""
