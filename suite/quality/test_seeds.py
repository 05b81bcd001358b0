"""How much a model owes to its seed: `--fit-seeds K` trains each K times."""

from fitgate.checks import test_seed

__all__ = ["test_seed"]
