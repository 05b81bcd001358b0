"""What fitting and predicting take of the memory, under `--fit-memory`."""

from fitgate.checks import test_memory

__all__ = ["test_memory"]
