"""Errors of baselines."""

from __future__ import annotations

from fitgate.errors import FitgateError


class BaselineError(FitgateError):
    """A baseline that can't be used."""
