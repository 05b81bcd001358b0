"""Plugins of a package: each is imported by itself, so that one which can't be leaves the others to be judged."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from fitgate.errors import LoggedError, in_one_line, traceback_of
from fitgate.model import Model
from fitgate.runs import Failure
from fitgate.runs.watch import Watch

STAND_INS = "fitgate.plugin.modules.absent"


class StandIn(ModuleType):
    """A plugin in the place of one that can't be imported: it contributes nothing, and fails the session.

    Attributes:
        failure: what a record keeps of it.
        error: with its traceback, for the log.
    """

    failure: Failure
    error: LoggedError
    pytest_fitgate_models: Callable[[], list[Model]]


def plugins_in(*names: str) -> list[str]:
    """Plugins for a conftest's `pytest_plugins`, each imported by itself.

    Example::

        pytest_plugins = plugins_in("models")

    One that can't be imported, be it for its syntax, an error, or a call of `sys.exit`, fails the session, which names
    it with file and line; the others are judged.

    Args:
        names: of modules, and of packages, each of whose modules is a plugin.
    """
    pytest.register_assert_rewrite(*names)
    return [plugin for name in names for plugin in _plugins(name)]


def _plugins(name: str) -> list[str]:
    """A module; or the modules of a package; or a stand-in for what can't be imported."""
    imported = _imported(name)
    path = getattr(sys.modules[imported], "__path__", None)
    return [imported] if path is None else [_imported(f"{name}.{of.name}") for of in pkgutil.iter_modules(path)]


def _imported(name: str) -> str:
    """The module's name; that of its stand-in if it can't be imported."""
    watch = Watch()
    try:
        with watch:
            import_module(name)
        return name
    except BaseException as error:  # whatever it is, it is this module's alone
        if watch.interrupted:
            raise
        absent = _absent(name, in_one_line(error), traceback_of(error))
    sys.modules[absent.__name__] = absent  # where pytest looks for it
    return absent.__name__


def stand_ins(manager: pytest.PytestPluginManager) -> list[StandIn]:
    """Those that a session has; also for plugins of ours that pytest passed over, since they skip as they are imported.

    Only a library that a model names in `requires` may skip it.
    """
    skipped = [_absent(name, f"Skipped: {why}", why) for name, why in manager.skipped_plugins if _is_ours(name)]
    return [*(plugin for plugin in manager.get_plugins() if isinstance(plugin, StandIn)), *skipped]


def _absent(name: str, why: str, traceback: str) -> StandIn:
    absent = StandIn(f"{STAND_INS}.{name}", "PYTEST_DONT_REWRITE: it has no source, of which pytest would warn")
    absent.failure = Failure(name, "", "import", why)
    absent.error = LoggedError(str(absent.failure), traceback)
    absent.pytest_fitgate_models = list  # none, which is what makes it a plugin of ours
    return absent


def _is_ours(name: str) -> bool:
    """Whether a module speaks of this library."""
    found = find_spec(name)
    return bool(found and found.origin and "fitgate" in Path(found.origin).read_text(errors="replace"))
