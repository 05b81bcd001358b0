"""How long predicting takes."""

from fitgate.checks import test_predict

__all__ = ["test_predict"]
