"""digit-bench: trained classifiers, tested like code. These are the names that a model's author needs."""

from suite.harness.gates import Above, Floor
from suite.harness.model import Model, Work
from suite.harness.regression import NoRegression
from suite.harness.tasks import DIGITS, FIVES, TRAITS

__all__ = ["DIGITS", "FIVES", "TRAITS", "Above", "Floor", "Model", "NoRegression", "Work"]
