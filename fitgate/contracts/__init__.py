"""Contracts: what any fitted estimator is to hold to, whatever it answers, each a check of its own."""

from fitgate.contracts.checks import CHECKS, Check
from fitgate.contracts.subject import Broken, Inapplicable, Subject, Unanswered, Unfitted

__all__ = ["CHECKS", "Broken", "Check", "Inapplicable", "Subject", "Unanswered", "Unfitted"]
