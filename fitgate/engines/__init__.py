"""Engines: ways to serve a fitted model other than the estimator as it is."""

from fitgate.engines.artefact import Artefact, pack, unpack
from fitgate.engines.builtin import ENGINES, JAX_EXPORT, ONNX, PORTABLE, SKOPS, TREELITE, is_portable
from fitgate.engines.engine import ALL, NATIVE, Engine, EngineError, NotServed, named
from fitgate.engines.fileformat import ArtefactError

__all__ = [
    "ALL",
    "ENGINES",
    "JAX_EXPORT",
    "NATIVE",
    "ONNX",
    "PORTABLE",
    "SKOPS",
    "TREELITE",
    "Artefact",
    "ArtefactError",
    "Engine",
    "EngineError",
    "NotServed",
    "is_portable",
    "named",
    "pack",
    "unpack",
]
