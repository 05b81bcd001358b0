"""Errors of comparisons."""

from __future__ import annotations

from fitgate.errors import FitgateError


class ComparisonError(FitgateError):
    """Revisions that can't be had or compared, or a model that fails in one of them."""
