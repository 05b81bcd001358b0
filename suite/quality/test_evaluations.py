"""Every model answers for every test example, on the session's data."""

from fitgate.checks import test_every_test_example_has_a_prediction, test_the_training_data_is_the_session_s

__all__ = ["test_every_test_example_has_a_prediction", "test_the_training_data_is_the_session_s"]
