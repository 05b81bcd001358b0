"""What keeps a campaign from being run."""

from fitgate.errors import FitgateError


class SabotageError(FitgateError):
    """A defect that can't be planted, or gates that can't be tried."""
