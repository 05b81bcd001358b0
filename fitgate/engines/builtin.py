"""The engines that come with the library."""

from __future__ import annotations

from fitgate.engines import onnx
from fitgate.engines.engine import Engine

ENGINES = (
    Engine(
        "onnx",
        onnx.convert,
        onnx.load,
        requires=("skl2onnx", "onnxruntime"),
        description="ONNX Runtime, converted by skl2onnx",
    ),
)
