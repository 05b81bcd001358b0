"""Where the images come from, whether they are what they claim to be, and how they are split."""

from suite.harness.datasets.dataset import DataError, Dataset, Split
from suite.harness.datasets.sources import SOURCES_HELP, load

__all__ = ["SOURCES_HELP", "DataError", "Dataset", "Split", "load"]
