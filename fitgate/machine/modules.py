"""Modules: whether what something requires is installed, without importing it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable


def missing(modules: Iterable[str]) -> tuple[str, ...]:
    """Those of some modules that are not installed."""
    return tuple(name for name in modules if not _is_installed(name))


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it would be in
        return False
