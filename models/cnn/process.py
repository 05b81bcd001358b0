"""The process: JAX's devices and its cache of programs, as the models of this plugin have them wherever they run."""

from __future__ import annotations

import platform

from models.cnn.compilation import keep_programs
from models.cnn.devices import use_all_cores

_prepared = False


def prepare_process() -> None:
    """Have JAX use all cores, if it has not begun, and keep what it compiles in the user's cache."""
    from fitgate.data import cache_directory

    global _prepared
    _prepared = True
    use_all_cores()
    keep_programs(cache_directory() / f"xla-{platform.node()}")  # compiled for this machine's processor


def is_prepared() -> bool:
    """Whether this process was."""
    return _prepared
