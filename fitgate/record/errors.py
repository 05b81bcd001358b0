"""Errors of records."""

from __future__ import annotations

from fitgate.errors import FitgateError


class RecordError(FitgateError):
    """A record that can't be used."""
