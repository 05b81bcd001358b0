"""safetensors: weights of networks as named arrays, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from fitgate.engines.engine import NotServed

Weights = dict[str, NDArray[Any]]


def dumps(weights: Mapping[str, NDArray[Any]]) -> bytes:
    """Named arrays as bytes."""
    import numpy as np
    from safetensors.numpy import save

    return bytes(save({name: np.asarray(array, order="C") for name, array in weights.items()}))


def loads(content: bytes) -> Weights:
    """The arrays, by name.

    Raises:
        NotServed: if it is nothing of the kind.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(content))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:  # of a dtype that NumPy lacks, say
        raise NotServed(f"it is not what safetensors writes ({type(error).__name__}: {error})") from error
