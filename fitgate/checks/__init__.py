"""The generic tests: `from fitgate.checks import *` in a test file gives a project all of them."""

from fitgate.checks.contracts import test_contract
from fitgate.checks.latency import test_fit, test_memory, test_predict, test_serve
from fitgate.checks.quality import (
    test_every_test_example_has_a_prediction,
    test_gate,
    test_seed,
    test_the_training_data_is_the_session_s,
)

__all__ = [
    "test_contract",
    "test_every_test_example_has_a_prediction",
    "test_fit",
    "test_gate",
    "test_memory",
    "test_predict",
    "test_seed",
    "test_serve",
    "test_the_training_data_is_the_session_s",
]
