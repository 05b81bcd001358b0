"""Every model holds to the checks that any estimator is to pass."""

from fitgate.checks import test_contract

__all__ = ["test_contract"]
