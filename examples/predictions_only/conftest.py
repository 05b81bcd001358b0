"""Loans whose outcome is known by now, and what a vendor's model had said of each: nothing is trained here."""

import csv
from pathlib import Path

from fitgate import Dataset, Floor, Model, NoRegression, Task

with Path(__file__).with_name("outcomes.csv").open() as file:
    ROWS = list(csv.DictReader(file))
LOANS = Dataset.of_test_split(
    "loans", [row["outcome"] for row in ROWS], ids=[row["loan"] for row in ROWS], source="made up"
)
REPAID = Task(
    "repaid", LOANS, metrics=("roc_auc", "log_loss", "accuracy"), question="Is the loan repaid, or is it lost?"
)
VENDOR = Model(
    "vendor",
    predictions="2026-09.csv",
    gates=(Floor(REPAID, "roc_auc", 0.75), NoRegression(REPAID, "log_loss", margin=0.05)),
    description="the vendor's model, as of its monthly file",
)


def pytest_fitgate_models():
    return [VENDOR]
