"""Where the images come from, whether they are what they claim to be, and how they are split."""

from fitgate.data.cache import cache_directory
from fitgate.data.dataset import DataError, Dataset, Split
from fitgate.data.sources import MNIST_DIR_VARIABLE, load

__all__ = ["MNIST_DIR_VARIABLE", "DataError", "Dataset", "Split", "cache_directory", "load"]
