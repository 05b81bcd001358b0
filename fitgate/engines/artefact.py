"""Artefacts: fitted models as an engine has them, and bytes that hold several arrays."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from numpy.typing import NDArray

from fitgate.engines.engine import Engine


class Artefact(NamedTuple):
    """A fitted model, converted.

    Attributes:
        engine: that serves it.
        content: what it loads.
        seconds: wall time of the conversion.
    """

    engine: Engine
    content: bytes
    seconds: float


def pack(content: bytes, **arrays: NDArray[Any]) -> bytes:
    """Bytes with arrays beside them, such as the labels of the classes; none may hold objects."""
    import numpy as np

    with io.BytesIO() as file:
        parts: dict[str, Any] = {"content": np.frombuffer(content, np.uint8), **arrays}
        np.savez(file, **parts)
        packed = file.getvalue()
    unpack(packed)  # fails here rather than where it is loaded
    return packed


def unpack(packed: bytes) -> tuple[bytes, dict[str, NDArray[Any]]]:
    """What `pack` took.

    Raises:
        ValueError: if it holds objects, or is nothing of the kind.
    """
    import numpy as np

    with io.BytesIO(packed) as file, np.load(file, allow_pickle=False) as parts:
        arrays = {name: parts[name] for name in parts.files}
    return arrays.pop("content").tobytes(), arrays
