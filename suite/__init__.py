"""digit-bench: trained classifiers, tested like code. These are the names that a model's author needs."""

from fitgate.gates.gates import Above, Floor
from fitgate.gates.regression import NoRegression
from fitgate.model import Model, Work
from fitgate.tasks import DIGITS, FIVES, TRAITS

__all__ = ["DIGITS", "FIVES", "TRAITS", "Above", "Floor", "Model", "NoRegression", "Work"]
