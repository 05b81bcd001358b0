"""Every model holds to every gate that it declares."""

from fitgate.checks import test_gate

__all__ = ["test_gate"]
