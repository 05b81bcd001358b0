"""Where the images come from, whether they are what they claim to be, and how they are split."""

from suite.harness.datasets.cache import cache_directory
from suite.harness.datasets.dataset import DataError, Dataset, Split
from suite.harness.datasets.sources import MNIST_DIR_VARIABLE, load

__all__ = ["MNIST_DIR_VARIABLE", "DataError", "Dataset", "Split", "cache_directory", "load"]
