"""Engines: ways to serve a fitted model other than the estimator as it is."""

from fitgate.engines.artefact import Artefact, pack, unpack
from fitgate.engines.builtin import ENGINES
from fitgate.engines.engine import ALL, NATIVE, Engine, EngineError, NotServed

__all__ = ["ALL", "ENGINES", "NATIVE", "Artefact", "Engine", "EngineError", "NotServed", "pack", "unpack"]
