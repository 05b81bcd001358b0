"""Sabotage: known defects, planted in a project's own models to see which of them its gates catch.

`fitgate.sabotage.campaign` runs a campaign, and `fitgate.sabotage.report` renders it.
"""

from fitgate.sabotage.catalogue import generic_defects
from fitgate.sabotage.defect import CONTROL, Defect, Requirement
from fitgate.sabotage.errors import SabotageError

__all__ = ["CONTROL", "Defect", "Requirement", "SabotageError", "generic_defects"]
