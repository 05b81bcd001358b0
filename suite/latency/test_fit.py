"""How long fitting takes."""

from fitgate.checks import test_fit

__all__ = ["test_fit"]
