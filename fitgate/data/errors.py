"""What is wrong with data."""

from fitgate.errors import FitgateError


class DataError(FitgateError):
    """Data that is missing, damaged, or not what it should be."""
