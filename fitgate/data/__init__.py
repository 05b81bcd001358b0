"""Data: what models are trained on and judged by, where it comes from, and whether it is what it claims to be."""

from fitgate.data.cache import cache_directory
from fitgate.data.dataset import Dataset
from fitgate.data.errors import DataError
from fitgate.data.folding import CrossValidation
from fitgate.data.slicing import By, Slices, slices_of, slicing_name
from fitgate.data.split import Split, lent

__all__ = [
    "By",
    "CrossValidation",
    "DataError",
    "Dataset",
    "Slices",
    "Split",
    "cache_directory",
    "lent",
    "slices_of",
    "slicing_name",
]
