"""The error of disturbances."""

from fitgate.errors import FitgateError


class DisturbanceError(FitgateError):
    """A disturbance that is declared wrongly, or that examples can't suffer."""
