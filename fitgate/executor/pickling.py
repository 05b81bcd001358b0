"""Pickles that another process can read: by value what it could not import."""

from __future__ import annotations

import io
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle


def dumps(value: Any, by_value: Iterable[ModuleType] = ()) -> bytes:
    """A pickle of a value, for a process with the same `sys.path`; `pickle.loads` reads it.

    Functions and classes go by reference to their module, and by value where their module can't be imported there by
    its name: `__main__`, a conftest, a file that pytest loaded from outside `sys.path`.

    Args:
        value: any that cloudpickle knows: lambdas and closures, too.
        by_value: modules whose functions and classes go by value all the same.
    """
    for module in by_value:
        cloudpickle.register_pickle_by_value(module)
    with io.BytesIO() as file:
        _Pickler(file).dump(value)
        return file.getvalue()


def importable(module: ModuleType) -> bool:
    """Whether another process with this one's `sys.path` finds this very module by its name."""
    parent, _, last = module.__name__.rpartition(".")
    if last in ("__main__", "conftest"):  # every process has its own `__main__`, and a project may have many conftests
        return False
    file = getattr(module, "__file__", None)
    if file is None or any(Path(file).is_relative_to(directory) for directory in _installed()):
        return True  # it is the interpreter's; some of those go by two names
    package = sys.modules.get(parent)
    if package is not None and not importable(package):
        return False
    path = getattr(package, "__path__", None)
    if package is not None and path is None:
        return True  # compiled into the other module, which brings it
    spec = _found(module.__name__, path)
    return spec is not None and (not spec.has_location or Path(spec.origin or "").resolve() == Path(file).resolve())


def _installed() -> tuple[str, ...]:
    """Directories of the interpreter's own modules, and of its packages."""
    paths = sysconfig.get_paths()
    return tuple(paths[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib"))


def _found(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    """What an import would load; `importlib.util.find_spec` would look no further than what is loaded."""
    specs = (finder.find_spec(name, path) for finder in sys.meta_path)
    return next((spec for spec in specs if spec is not None), None)


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc] # cloudpickle has no types
    """Registers with cloudpickle what it meets of modules that another process could not import."""

    def __init__(self, file: io.BytesIO):
        super().__init__(file)
        self._seen: set[str] = set()

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, ModuleType):
            self._meet(value.__name__)
        elif isinstance(value, FunctionType | type):
            self._meet(value.__module__)
        return super().reducer_override(value)

    def _meet(self, name: str) -> None:
        module = sys.modules.get(name)
        if module is None or name in self._seen:
            return
        self._seen.add(name)
        if not importable(module):
            cloudpickle.register_pickle_by_value(module)
