"""The engines that come with the library."""

from __future__ import annotations

from fitgate.engines import jax_export, onnx, skops, treelite
from fitgate.engines.engine import Engine

ONNX = Engine(
    "onnx",
    onnx.convert,
    onnx.load,
    requires=("skl2onnx", "onnxruntime"),
    serves_by=("onnxruntime",),
    description="ONNX Runtime, converted by skl2onnx",
)
JAX_EXPORT = Engine(
    "jax_export",
    jax_export.convert,
    jax_export.load,
    requires=("jax", "flatbuffers"),
    description="jax.export, compiled by XLA where it is loaded",
)
SKOPS = Engine(
    "skops",
    skops.convert,
    skops.load,
    requires=("skops",),
    description="scikit-learn, from what skops writes",
)
TREELITE = Engine(
    "treelite",
    treelite.convert,
    treelite.load,
    requires=("treelite",),
    description="treelite's compiled code, for forests and boosted trees",
)
ENGINES = (ONNX, TREELITE)  # that may serve any model; a model names others
PORTABLE = {engine.name: engine for engine in (ONNX, TREELITE, JAX_EXPORT, SKOPS)}


def is_portable(engine: Engine) -> bool:
    """Whether what an engine converts to is loaded by the library alone, so that any machine that has it can serve it.

    A model may convert in its own way for an engine of the library's.
    """
    own = PORTABLE.get(engine.name)
    return own is not None and engine.load is own.load
