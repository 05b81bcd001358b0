"""How many queries a second the models answer in time."""

from fitgate.checks import test_serve

__all__ = ["test_serve"]
