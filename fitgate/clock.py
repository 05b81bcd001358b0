"""The clocks as Python has them, in seconds: a conftest or a model that replaces those of `time` changes none here."""

from collections.abc import Callable
from importlib.machinery import BuiltinImporter
from importlib.util import module_from_spec
from typing import Any

_SPEC: Any = BuiltinImporter.find_spec("time")
_TIME: Any = module_from_spec(_SPEC)  # a copy of the module: the one that all import may be changed by now
_SPEC.loader.exec_module(_TIME)

monotonic: Callable[[], float] = _TIME.monotonic
perf_counter: Callable[[], float] = _TIME.perf_counter
process_time: Callable[[], float] = _TIME.process_time
