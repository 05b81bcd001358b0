"""Clashes: names that two plugins of a project define, of which pytest would quietly take one."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import getattr_static

import pytest

from fitgate.errors import FitgateError
from fitgate_pytest import PLUGIN, hooks_of, place_of


class ClashError(FitgateError):
    """Two things of one name."""


def check_fixtures(manager: pytest.PytestPluginManager) -> None:
    """Refuse two fixtures of one name, among the library's and those of plugins that contribute to it.

    Raises:
        ClashError: if there are such.
    """
    defined: dict[str, tuple[object, str]] = {}
    for plugin, where in _contributing(manager):
        for name, fixture in _fixtures(plugin):
            other, place = defined.setdefault(name, (fixture, where))
            if other is not fixture:
                raise ClashError(
                    f"fixture {name}",
                    found=f"one in {place} and one in {where}",
                    expected="one, as pytest takes the last that it loads",
                    next_step="rename one of them",
                )


def _contributing(manager: pytest.PytestPluginManager) -> Iterator[tuple[object, str]]:
    """The library's plugin, then those that contribute to it, by their places."""
    library = manager.get_plugin(PLUGIN)
    yield library, "fitgate"
    others = [plugin for plugin in manager.get_plugins() if plugin is not library]
    for plugin in sorted(others, key=place_of):
        if hooks_of(plugin):
            yield plugin, place_of(plugin)


def _fixtures(plugin: object) -> Iterator[tuple[str, object]]:
    """Name and definition of each fixture of a plugin."""
    from _pytest.fixtures import getfixturemarker  # pytest has no public way to ask

    for attribute in dir(plugin):
        value = getattr_static(plugin, attribute, None)  # of an object, as its class defines it
        if marker := getfixturemarker(value):
            yield marker.name or attribute, value
