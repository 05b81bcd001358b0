"""Errors of records."""

from __future__ import annotations

from fitgate.errors import FitgateError


class RecordError(FitgateError):
    """A record that can't be used."""


class NoRecordError(RecordError):
    """JSON of something else than a record."""


class UnfinishedError(RecordError):
    """The record of a run that was cut off, or still goes on, where one is needed that has ended."""
